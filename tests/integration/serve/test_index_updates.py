"""Global secondary indexes added to and deleted from a table that is written all the while.

OFFRAMP_INDEX_ITEMS items (a few thousand unless it says otherwise; 200000 is what must be shown) are there before, and
OFFRAMP_INDEX_RATE writes a second come meanwhile. When the index is ACTIVE it has exactly the items that the table has, and
no write has taken longer than a second.
"""
import itertools
import json
import os
import random
import time

import pytest

from serve_process import Serve
from steady_writers import PREPARED, SteadyWriters

ITEMS = int(os.environ.get("OFFRAMP_INDEX_ITEMS", "4000"))
RATE = int(os.environ.get("OFFRAMP_INDEX_RATE", "300"))
PAUSE_SECONDS_MAX = 1.0
BEFORE_SECONDS = 0.5 if ITEMS < 20000 else 5.0
ACTIVE_SECONDS_MAX = 300
numbers = itertools.count()

KEY = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
DEFINED = [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"}, {"AttributeName": "first", "AttributeType": "S"}]
ALL = {"ProjectionType": "ALL"}


def create(connection, name):
    answer = connection.call("CreateTable", {
        "TableName": name, "BillingMode": "PAY_PER_REQUEST", "KeySchema": KEY, "AttributeDefinitions": DEFINED,
        "GlobalSecondaryIndexes": [{"IndexName": "by-first", "KeySchema": [{"AttributeName": "first", "KeyType": "HASH"}], "Projection": ALL}]})
    assert answer.status == 200, answer


def item(rng, n, version=0):
    out = {"pk": {"S": f"p{n % 97}"}, "sk": {"N": str(n)}, "first": {"S": f"f{n % 7}"}, "version": {"N": str(version)}, "text": {"S": "x" * rng.randrange(300)}}
    if rng.random() < 0.9:
        out["group"] = {"S": f"g{rng.randrange(40)}"} if rng.random() < 0.98 else {"N": "1"}
    if rng.random() < 0.9:
        out["score"] = {"N": rng.choice((str(rng.randrange(1000)), f"{rng.random():.9f}", "123456789012345678901234567890"))}
    if rng.random() < 0.01:
        out["nul"] = {"S": "a\0b"}
    return out


def load(server, name, count):
    rng = random.Random(7)
    connection = server.connection()
    for start in range(0, count, 25):
        puts = [{"PutRequest": {"Item": item(rng, n)}} for n in range(start, min(start + 25, count))]
        answer = connection.call("BatchWriteItem", {"RequestItems": {name: puts}})
        assert answer.status == 200 and not answer.json["UnprocessedItems"], answer
    connection.close()


def writes(name, count):
    """Puts, updates and deletes, of items that are there and of others; for SteadyWriters, each process its own items."""
    def requests(rng, process, of):
        out = []
        for _ in range(PREPARED):
            n = rng.randrange(process, count * 2, of)
            key = {"pk": {"S": f"p{n % 97}"}, "sk": {"N": str(n)}}
            kind = rng.random()
            if kind < 0.5:
                made = item(rng, n, version=rng.randrange(10**6))
                if made.get("group", {}).get("N"):
                    del made["group"]  # of the index's type from now on
                out.append(("PutItem", {"TableName": name, "Item": made}))
            elif kind < 0.8:
                out.append(("UpdateItem", {"TableName": name, "Key": key, "UpdateExpression": "SET #g = :g", "ExpressionAttributeNames": {"#g": "group"},
                                           "ExpressionAttributeValues": {":g": {"S": f"g{rng.randrange(40)}"}}}))
            else:
                out.append(("DeleteItem", {"TableName": name, "Key": key}))
        return out
    return requests


def writers_of(ports, name, count):
    # A wrong type of another attribute, from before: such an item cannot be updated.
    return SteadyWriters(ports, writes(name, count), RATE, refused=lambda answer: "Type mismatch" in str(answer))


def table_of(connection, name):
    return connection.call("DescribeTable", {"TableName": name}).json["Table"]


def index_of(connection, name, index):
    return next((one for one in table_of(connection, name).get("GlobalSecondaryIndexes", ()) if one["IndexName"] == index), None)


def wait_for_index(connection, name, index, wanted="ACTIVE"):
    deadline = time.monotonic() + ACTIVE_SECONDS_MAX
    while True:
        found = index_of(connection, name, index)
        if (found and found["IndexStatus"]) == wanted:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def walk(connection, operation, request):
    out = []
    while True:
        answer = connection.call(operation, request)
        assert answer.status == 200, answer
        out += answer.json["Items"]
        if "LastEvaluatedKey" not in answer.json:
            return out
        request = {**request, "ExclusiveStartKey": answer.json["LastEvaluatedKey"]}


def content(items):
    return sorted(json.dumps(one, sort_keys=True) for one in items)


def check(connection, name, index, partition, sort=None):
    """The index has what the table has, in each of its partitions in order."""
    items = walk(connection, "Scan", {"TableName": name})
    expected = [one for one in items if "S" in one.get(partition, {}) and (sort is None or "N" in one.get(sort, {}))]
    assert content(walk(connection, "Scan", {"TableName": name, "IndexName": index})) == content(expected)
    assert expected
    for value in sorted({one[partition]["S"] for one in expected})[:5]:
        found = walk(connection, "Query", {"TableName": name, "IndexName": index, "KeyConditionExpression": "#p = :p",
                                           "ExpressionAttributeNames": {"#p": partition}, "ExpressionAttributeValues": {":p": {"S": value}}})
        assert content(found) == content(one for one in expected if one[partition]["S"] == value)
        if sort:
            import decimal
            order = [decimal.Decimal(one[sort]["N"]) for one in found]
            assert order == sorted(order)


def add(name, index, keys, definitions):
    return {"TableName": name, "AttributeDefinitions": [{"AttributeName": attribute, "AttributeType": kind} for attribute, kind in definitions],
            "GlobalSecondaryIndexUpdates": [{"Create": {"IndexName": index, "Projection": ALL, "KeySchema": [
                {"AttributeName": attribute, "KeyType": kind} for attribute, kind in keys]}}]}


def drop(name, index):
    return {"TableName": name, "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": index}}]}


def test_an_index_is_added_and_deleted_under_writes(server):
    connection = server.connection()
    name = f"live{next(numbers)}"
    create(connection, name)
    load(server, name, ITEMS)
    with writers_of([server.port], name, ITEMS) as writers:
        start = time.monotonic()
        time.sleep(BEFORE_SECONDS)
        answer = connection.call("UpdateTable", add(name, "by-group", [("group", "HASH"), ("score", "RANGE")], [("group", "S"), ("score", "N")]))
        begun = time.monotonic()
        assert answer.status == 200, answer
        assert answer.json["TableDescription"]["TableStatus"] == "UPDATING"
        wait_for_index(connection, name, "by-group")
        end = time.monotonic()
        while writers.done < 50:
            time.sleep(0.05)
    assert not writers.errors, writers.errors[:3]
    print(f"{ITEMS} items: {writers.rate(start, begun):.0f} writes/s before, the longest {writers.longest(start, begun) * 1000:.0f} ms; "
          f"ACTIVE after {end - begun:.1f} s with {writers.rate(begun, end):.0f} writes/s, the longest {writers.longest(begun, end) * 1000:.0f} ms")
    # What the machine itself holds up is no pause of the build's.
    pause_max = max(PAUSE_SECONDS_MAX, 3 * writers.longest(start, begun))
    assert writers.longest(begun) < pause_max
    if end - begun > 2:  # long enough to tell
        assert writers.rate(begun, end) > writers.rate(start, begun) / 3, "the build leaves room for writers"
    check(connection, name, "by-group", "group", "score")
    # Of attributes that have columns already, and the one that the table was made with is deleted, under writes too.
    with writers_of([server.port], name, ITEMS) as writers:
        assert connection.call("UpdateTable", add(name, "by-both", [("first", "HASH"), ("group", "HASH")], [("first", "S"), ("group", "S")])).status == 200
        wait_for_index(connection, name, "by-both")
        assert connection.call("UpdateTable", drop(name, "by-first")).status == 200
        wait_for_index(connection, name, "by-first", None)
        assert connection.call("UpdateTable", drop(name, "by-group")).status == 200
        wait_for_index(connection, name, "by-group", None)
    assert not writers.errors, writers.errors[:3]
    assert writers.longest() < pause_max
    assert connection.call("Scan", {"TableName": name, "IndexName": "by-group"}).error == "ValidationException"
    rows = walk(connection, "Scan", {"TableName": name})
    both = [one for one in rows if "S" in one.get("group", {}) and "S" in one.get("first", {})]
    assert content(walk(connection, "Scan", {"TableName": name, "IndexName": "by-both"})) == content(both)
    assert connection.call("DeleteTable", {"TableName": name}).status == 200


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:{tmp_path}/served.sqlite"
    return request.getfixturevalue("postgres").new_database()


def test_a_kill_in_the_middle_is_made_good(target, tmp_path):
    """Killed at random moments while it builds; another process, or the same one again, goes on."""
    rng = random.Random(11)
    server = Serve(target, tmp_path)
    connection = server.connection()
    create(connection, "killed")
    load(server, "killed", ITEMS)
    assert connection.call("UpdateTable", add("killed", "by-group", [("group", "HASH"), ("score", "RANGE")], [("group", "S"), ("score", "N")])).status == 200
    for _ in range(4):
        time.sleep(rng.random() * 0.6)
        connection.close()
        server.kill()
        server = Serve(target, tmp_path)
        connection = server.connection()
    other = Serve(target, tmp_path)
    wait_for_index(connection, "killed", "by-group")
    check(connection, "killed", "by-group", "group", "score")
    check(other.connection(), "killed", "by-group", "group", "score")
    assert connection.call("UpdateTable", drop("killed", "by-group")).status == 200
    server.kill()
    wait_for_index(other.connection(), "killed", "by-group", None)
    other.stop()


def test_as_dynamodb_local(server, dynamodb):
    """The same updates, and the same refusals."""
    from botocore.exceptions import ClientError
    name = f"compared{next(numbers)}"
    answers = []
    for client in (server.client(), dynamodb.client):
        client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=KEY, AttributeDefinitions=DEFINED[:2])
        said = []

        def update(**words):
            try:
                client.update_table(TableName=name, **words)
                said.append("")
            except ClientError as error:
                said.append(error.response["Error"]["Code"])
            deadline = time.monotonic() + ACTIVE_SECONDS_MAX
            while True:
                table = client.describe_table(TableName=name)["Table"]
                indexes = {one["IndexName"]: one["IndexStatus"] for one in table.get("GlobalSecondaryIndexes", ())}
                if table["TableStatus"] == "ACTIVE" and set(indexes.values()) <= {"ACTIVE"}:
                    said.append(sorted(indexes))
                    said.append(sorted(one["AttributeName"] for one in table["AttributeDefinitions"]))
                    return
                assert time.monotonic() < deadline
                time.sleep(0.05)

        create_one = {"IndexName": "by-a", "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}], "Projection": ALL}
        definitions = [*DEFINED[:2], {"AttributeName": "a", "AttributeType": "S"}]
        for n in range(30):
            client.put_item(TableName=name, Item={"pk": {"S": "p"}, "sk": {"N": str(n)}, **({"a": {"S": f"a{n % 3}"}} if n % 2 else {})})
        update(AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[{"Create": create_one}])
        said.append(sorted(one["sk"]["N"] for one in client.query(
            TableName=name, IndexName="by-a", KeyConditionExpression="a = :a", ExpressionAttributeValues={":a": {"S": "a1"}})["Items"]))
        update(AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[{"Create": create_one}])
        update(GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "none"}}])
        update(GlobalSecondaryIndexUpdates=[{"Create": {**create_one, "IndexName": "by-b", "KeySchema": [{"AttributeName": "b", "KeyType": "HASH"}]}}])
        update(GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-a"}}])
        client.delete_table(TableName=name)
        answers.append(said)
    assert answers[0] == answers[1]
