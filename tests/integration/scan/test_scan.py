"""A table at DynamoDB Local, scanned into each target: every item, every kind of key, whatever the server does."""
import re
import signal
import time

import pytest

import items
from rough_proxy import RoughProxy


def plan(tool, source, target, code=0):
    return tool.run("plan", source, target, "-o", tool.plan_path, code=code)


def move(tool, source, target):
    plan(tool, source, target)
    return tool.run("run", tool.plan_path, "--until", "verified")


def check(tool, expected):
    assert tool.run("verify", tool.plan_path, "--json").json()["equal"] is True
    items.assert_same(expected, tool.dump(expected.keys))


def orders(count, filler=700):
    for number in range(count):
        yield {"pk": {"S": f"CUSTOMER#{number % 97}"}, "sk": {"S": f"ORDER#{number:06}"}, "total": {"N": f"{number}.25"},
               "note": {"S": "x" * filler}, "tags": {"SS": ["a", f"b{number}"]}, "raw": {"B": "AP/+"},
               "deep": {"M": {"list": {"L": [{"N": "1E-130"}, {"NULL": True}, {"BOOL": number % 2 == 0}, {"S": ""}]}}}}


@pytest.fixture(scope="module")
def many_orders(dynamodb):
    """More than one page (1 MB) in every one of four segments: about 5.6 MB."""
    table = dynamodb.create("Orders", ("pk", "S"), ("sk", "S"))
    dynamodb.put_all(table, orders(7000))
    return table, items.Contents(["pk", "sk"]).add_all(orders(7000))


def test_C8_a_table_of_many_pages(tool, target, dynamodb, many_orders):
    table, expected = many_orders
    done = move(tool, dynamodb.source(table), target)
    assert "equal" in done.said
    check(tool, expected)


def test_one_segment_reads_the_same(tool, tmp_path, dynamodb, many_orders):
    table, expected = many_orders
    plan(tool, dynamodb.source(table), f"sqlite:{tmp_path}/one.sqlite")
    tool.edit_plan(lambda text: re.sub(r"from: scan[^}]*", "from: scan, segments: 1", text))
    tool.run("run", tool.plan_path, "--until", "verified")
    check(tool, expected)


KEYS = {
    "S": [{"S": text} for text in ("a", "A", "é", "e\u0301", "😀", "with \"quotes\" and \\", "line\nbreak\tand\u0001", " ", "x" * 2048)],
    "N": [{"N": text} for text in ("0", "-1", "1", "9007199254740992", "9007199254740993", "18446744073709551617",
                                   "99999999999999999999999999999999999999", "-99999999999999999999999999999999999999",
                                   "0.1000000000000000055511151231257827", "1E-130", "9.9999999999999999999999999999999999999E+125")],
    "B": [{"B": text} for text in ("AA==", "AAA=", "AP/+", "/w==", "//8=", "gICA")],
}


@pytest.mark.parametrize("kind", KEYS)
def test_C8_keys_of_every_type(tool, target, dynamodb, kind):
    """Every key again and again with small pages, so that each of them is also a position."""
    table = f"Keys-{kind}-{target.partition(':')[0]}"
    dynamodb.create(table, ("pk", kind), ("sk", "N"))
    content = [{"pk": key, "sk": {"N": str(9007199254740993 + number)}, "filler": {"S": "y" * 100_000}}
               for key in KEYS[kind] for number in range(4)]
    dynamodb.put_all(table, content)
    move(tool, dynamodb.source(table), target)
    check(tool, items.Contents(["pk", "sk"]).add_all(content))


def test_an_empty_table(tool, target, dynamodb):
    table = dynamodb.create(f"Empty-{target.partition(':')[0]}", ("pk", "S"), ("sk", "N"))
    move(tool, dynamodb.source(table), target)
    check(tool, items.Contents(["pk", "sk"]))


def test_indexes_and_ttl_reach_the_plan(tool, tmp_path, dynamodb):
    table = dynamodb.create(
        "Indexed", ("pk", "S"), ("sk", "S"), more_attributes=[{"AttributeName": "city", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[{"IndexName": "by_city", "Projection": {"ProjectionType": "ALL"},
                                 "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"},
                                               {"AttributeName": "sk", "KeyType": "RANGE"}]}])
    dynamodb.client.update_time_to_live(TableName=table,
                                        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
    dynamodb.put_all(table, ({"pk": {"S": f"p{n}"}, "sk": {"S": "s"}, "city": {"S": f"c{n % 3}"},
                              "expires": {"N": "4102444800"}} for n in range(50)))
    plan(tool, dynamodb.source(table), f"sqlite:{tmp_path}/indexed.sqlite")
    with open(tool.plan_path, encoding="utf-8") as file:
        text = file.read()
    assert "city" in text and "by_city" in text
    assert "expires" in text
    tool.run("run", tool.plan_path, "--until", "verified")


def test_C10_throttles_faults_and_cut_answers_are_survived(tool, tmp_path, dynamodb, many_orders):
    table, expected = many_orders
    kinds = {2: "throttle", 5: "fault", 8: "cut", 11: "checksum"}
    proxy = RoughProxy(dynamodb.url, lambda number, operation: kinds.get(number % 12) if operation == "Scan" else None)
    try:
        move(tool, f"dynamodb://{table}?endpoint={proxy.url}&region=eu-west-1", f"sqlite:{tmp_path}/rough.sqlite")
    finally:
        proxy.stop()
    assert set(proxy.troubles) == set(kinds.values()), proxy.troubles
    items.assert_same(expected, tool.dump(expected.keys))


def test_C9_killed_while_scanning(tool, tmp_path, dynamodb, many_orders):
    table, expected = many_orders
    plan(tool, dynamodb.source(table), f"sqlite:{tmp_path}/killed.sqlite")
    unlimited = open(tool.plan_path, encoding="utf-8").read()
    # About 1750 units in all (7000 items of 0.8 KB, read consistently): some seconds of work.
    limited = unlimited.replace("  capture:", "  limits: {read_units_per_second: 300}\n  capture:", 1)
    assert limited != unlimited
    tool.edit_plan(lambda _: limited)
    for _ in range(3):
        process = tool.start("run", tool.plan_path, "--until", "verified")
        time.sleep(1.5)
        assert process.poll() is None, "the load must still be running, or nothing is proved"
        process.send_signal(signal.SIGKILL)
        process.wait()
    # The limits may change between runs.
    tool.edit_plan(lambda _: unlimited)
    tool.run("run", tool.plan_path, "--until", "verified")
    check(tool, expected)


def test_another_number_of_segments_is_refused(tool, tmp_path, dynamodb, many_orders):
    table, _ = many_orders
    plan(tool, dynamodb.source(table), f"sqlite:{tmp_path}/segments.sqlite")
    tool.edit_plan(lambda text: re.sub(r"from: scan[^}]*", "from: scan, segments: 4", text))
    tool.run("run", tool.plan_path, "--until", "loaded")
    tool.edit_plan(lambda text: re.sub(r"from: scan[^}]*", "from: scan, segments: 8", text))
    assert tool.run("run", tool.plan_path, "--until", "verified", code=None).code == 2


def test_no_such_table(tool, tmp_path, dynamodb):
    done = plan(tool, dynamodb.source("Nowhere"), f"sqlite:{tmp_path}/x.sqlite", code=2)
    assert "Nowhere" in done.err and "eu-west-1" in done.err


def test_nobody_listens(tool, tmp_path):
    started = time.monotonic()
    done = plan(tool, "dynamodb://Orders?endpoint=http://127.0.0.1:9&region=eu-west-1", f"sqlite:{tmp_path}/x.sqlite",
                code=3)
    assert "127.0.0.1:9" in done.err
    assert time.monotonic() - started < 20
