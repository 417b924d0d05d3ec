"""Time to live: what has expired is deleted within seconds (the interval is an option), and nothing else."""
import time

import pytest

from serve_process import Serve

SECONDS_MAX = 60
DAY = 86400


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:{tmp_path}/served.sqlite"
    return request.getfixturevalue("postgres").new_database()


@pytest.fixture
def servers(target, tmp_path):
    """Two processes over one database: both sweep."""
    some = [Serve(target, tmp_path, words=["--expiry-interval", 1]) for _ in range(2)]
    yield some
    for server in some:
        server.stop()


def make(connection, name):
    assert connection.call("CreateTable", {"TableName": name, "BillingMode": "PAY_PER_REQUEST",
                                           "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                                           "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"}]}).status == 200


def put(connection, table, pk, sk, at=None):
    item = {"pk": {"S": pk}, "sk": {"N": str(sk)}, **({"at": at if isinstance(at, dict) else {"N": str(at)}} if at is not None else {})}
    answer = connection.call("PutItem", {"TableName": table, "Item": item})
    assert answer.status == 200, answer


def left(connection, table):
    out, start = set(), {}
    while True:
        page = connection.call("Scan", {"TableName": table, **start}).json
        out |= {item["pk"]["S"] for item in page["Items"]}
        if "LastEvaluatedKey" not in page:
            return out
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def wait_for(question, what):
    deadline = time.monotonic() + SECONDS_MAX
    while not question():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_expired_items_go_and_others_stay(servers):
    first, second = (server.connection() for server in servers)
    make(first, "sessions")
    make(second, "other")
    now = int(time.time())
    for n in range(1500):
        put(first, "sessions", f"expired{n}", n, now - 10 - n)
    stay = {"future": now + DAY, "none": None, "text": {"S": str(now - 10)}, "ancient": now - 6 * 365 * DAY, "milliseconds": now * 1000}
    for name, at in stay.items():
        put(first, "sessions", name, 1, at)
    put(first, "other", "past", 1, now - 10)
    assert len(left(second, "sessions")) == 1500 + len(stay), "nothing expires unless it is switched on"
    assert first.call("UpdateTimeToLive", {"TableName": "sessions", "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "at"}}).status == 200
    wait_for(lambda: left(first, "sessions") == set(stay), "expired items are still there")
    # An item that expires while it is watched, on the other process; one whose time is put off stays.
    soon = int(time.time()) + 2
    put(second, "sessions", "soon", 1, soon)
    put(second, "sessions", "saved", 1, soon)
    put(second, "sessions", "saved", 1, soon + DAY)
    wait_for(lambda: "soon" not in left(second, "sessions"), "an item that expired later is still there")
    assert time.time() >= soon, "it was deleted before its time"
    assert left(first, "sessions") == {*stay, "saved"}
    assert left(first, "other") == {"past"}
    for server in servers:
        assert "expired items" not in server.said, server.said[-2000:]


def test_switched_off_it_stops(servers):
    connection = servers[0].connection()
    make(connection, "brief")
    on = {"TableName": "brief", "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "at"}}
    assert connection.call("UpdateTimeToLive", on).status == 200
    put(connection, "brief", "a", 1, int(time.time()) - 5)
    wait_for(lambda: not left(connection, "brief"), "an expired item is still there")
    off = {"TableName": "brief", "TimeToLiveSpecification": {"Enabled": False, "AttributeName": "at"}}
    assert connection.call("UpdateTimeToLive", off).status == 200
    put(connection, "brief", "b", 1, int(time.time()) - 5)
    put(connection, "brief", "c", 1, int(time.time()) - 5)
    # A table where it is on shows that both processes have swept since.
    make(connection, "witness")
    assert connection.call("UpdateTimeToLive", {**on, "TableName": "witness"}).status == 200
    for n in range(3):
        put(connection, "witness", str(n), n, int(time.time()) - 5)
        wait_for(lambda: not left(connection, "witness"), "the sweep has stopped")
    assert left(connection, "brief") == {"b", "c"}
