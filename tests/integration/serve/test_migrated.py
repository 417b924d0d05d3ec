"""A table that a plan has split over several SQL tables is served like the original, that DynamoDB Local still holds.

The shop: customers, orders with lines as a child table, products; key templates, typed columns, a rest. Random requests as
in test_differential.py (OFFRAMP_SHOP_REQUESTS, OFFRAMP_SEED); what the SQL side shows of a write; streams and time to live;
a migration of the served table into another database, written to all the while (OFFRAMP_FLOW_SECONDS).
"""
import os
import random
import time

import pytest

import items
import serve_differential
from live import Background
from serve_process import REGION, Serve
from serve_shop import ShopShape
from sql_side import Sql
from stream_walker import StreamWalker
from tool import Tool, generate

FLOW_SECONDS = float(os.environ.get("OFFRAMP_FLOW_SECONDS", 3))
COUNT = int(os.environ.get("OFFRAMP_SHOP_REQUESTS", "4000"))
SEED = int(os.environ.get("OFFRAMP_SEED", "20261121"))  # see test_differential.py
NAME = "Shop"


@pytest.fixture(scope="module")
def shop(dynamodb, tmp_path_factory):
    """The original in DynamoDB Local, and its items."""
    (export,) = generate(tmp_path_factory.mktemp("shop"), "--mode", "shop", "--items", 60, "--files", 1)
    shape = ShopShape(NAME, list(items.export_items(export)))
    return shape


@pytest.fixture
def moved(dynamodb, shop, tool, new_target, postgres):
    """The shop in DynamoDB Local, moved by a plan and served from the plan; (oracle's port, server, SQL side)."""
    dynamodb.client.create_table(**shop.create())
    dynamodb.put_all(NAME, shop.fixed)
    target = new_target()
    tool.run("plan", dynamodb.source(NAME), target, "-o", tool.plan_path)
    tool.run("run", tool.plan_path, "--until", "verified")
    server = Serve(tool.plan_path, tool.folder, words=["--expiry-interval", 1])
    yield dynamodb.server.port, server, Sql(target, postgres)
    server.stop()
    dynamodb.client.delete_table(TableName=NAME)


def test_a_split_table_answers_like_the_original(moved, shop):
    port, server, sql = moved
    assert {"customer_profiles", "orders", "order_lines", "products"} <= set(sql.tables())
    worker = serve_differential.TableWorker({"oracle": port, "served": server.port}, SEED, shop, COUNT, 5)
    serve_differential.assert_alike(SEED, COUNT, worker.run)
    server.assert_alive()


def test_a_write_lands_in_the_columns(moved, shop):
    """A put, an update, a put that changes the kind, a deletion: each seen in the typed columns and the child table."""
    _, server, sql = moved
    connection = server.connection()
    order = next(item for item in shop.fixed if "lines" in item)
    key = {"PK": order["PK"], "SK": order["SK"]}
    new = {**order, "lines": {"L": [{"M": {"sku": {"S": "SKU-1"}, "qty": {"N": "2"}, "price": {"N": "9.99"}}}, {"M": {"sku": {"S": "SKU-2"}}}]}, "total": {"N": "77.5"}}
    assert connection.call("PutItem", {"TableName": NAME, "Item": new}).status == 200
    number = order["order_number"]["N"]
    assert [float(row[0]) for row in sql.rows(f"SELECT total FROM orders WHERE order_number = {number}")] == [77.5]
    order_id = order["SK"]["S"][len("ORDER#"):]
    lines = sql.rows(f"SELECT ordinal, sku FROM order_lines WHERE order_id = '{order_id}' ORDER BY ordinal")
    assert [row[1] for row in lines] == ["SKU-1", "SKU-2"]
    assert connection.call("GetItem", {"TableName": NAME, "Key": key}).json["Item"] == new
    # And the other way.
    sql.run(f"UPDATE orders SET total = 12.25 WHERE order_number = {number}")
    sql.run(f"UPDATE order_lines SET sku = 'SKU-SQL' WHERE order_id = '{order_id}' AND sku = 'SKU-2'")
    read = connection.call("GetItem", {"TableName": NAME, "Key": key, "ConsistentRead": True}).json["Item"]
    assert read["total"] == {"N": "12.25"} and read["lines"]["L"][1]["M"]["sku"] == {"S": "SKU-SQL"}
    assert connection.call("DeleteItem", {"TableName": NAME, "Key": key}).status == 200
    assert sql.rows(f"SELECT 1 FROM orders WHERE order_number = {number}") == []
    assert sql.rows(f"SELECT 1 FROM order_lines WHERE order_id = '{order_id}'") == []


def test_a_plans_table_is_not_dropped(moved):
    _, server, sql = moved
    connection = server.connection()
    described = connection.call("DescribeTable", {"TableName": NAME}).json["Table"]
    assert described["TableStatus"] == "ACTIVE" and {index["IndexName"] for index in described["GlobalSecondaryIndexes"]} == {"gsi1", "by-status", "by-price"}
    assert connection.call("DeleteTable", {"TableName": NAME}).status == 400
    assert "orders" in sql.tables()
    assert NAME in connection.call("ListTables", {}).json["TableNames"]


def records_of(server, arn, wanted):
    """As many records as wanted, and no more, by item in the order of their numbers: (event, origin, old image, new image)"""
    walker = StreamWalker(server.client("dynamodbstreams"), arn)
    deadline = time.monotonic() + 60
    while len(walker.records) < wanted:
        walker.step()
        assert time.monotonic() < deadline, walker.records
    walker.step()
    assert len(walker.records) == wanted, walker.records
    out = {}
    for record in sorted(walker.records, key=lambda one: one["dynamodb"]["SequenceNumber"]):
        change = record["dynamodb"]
        out.setdefault(change["Keys"]["SK"]["S"], []).append((record["eventName"], record.get("userIdentity", {}).get("Type"), change.get("OldImage"), change.get("NewImage")))
    return out


def test_its_changes_are_streamed(moved, shop):
    """Writes of the API and of SQL to all tables of the plan, as whole items; after a restart as well; and what expires."""
    _, server, sql = moved
    client = server.client()
    order = next(item for item in shop.fixed if len(item.get("lines", {}).get("L", ())) > 1)
    product = {"PK": {"S": "PRODUCT#new"}, "SK": {"S": "DETAILS"}, "title": {"S": "x"}}
    client.put_item(TableName=NAME, Item=product)
    key, number, order_id = {"PK": order["PK"], "SK": order["SK"]}, order["order_number"]["N"], order["SK"]["S"][len("ORDER#"):]
    arn = client.update_table(TableName=NAME, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})["TableDescription"]["LatestStreamArn"]
    short = {**order, "lines": {"L": order["lines"]["L"][:1]}, "total": {"N": "77.5"}}
    client.put_item(TableName=NAME, Item=short)
    sql.run(f"UPDATE orders SET total = 12.25 WHERE order_number = {number}")
    sql.run(f"UPDATE order_lines SET sku = 'SKU-SQL' WHERE order_id = '{order_id}'")
    by_sql = client.get_item(TableName=NAME, Key=key, ConsistentRead=True)["Item"]
    priced = {**short, "total": {"N": "12.25"}}
    assert by_sql["total"] == {"N": "12.25"} and by_sql["lines"]["L"][0]["M"]["sku"] == {"S": "SKU-SQL"}
    other = {"PK": {"S": "\u0000"}, "SK": {"S": "no table has such a key"}}
    changed = {**product, "more": {"SS": ["a", "b"]}}
    client.transact_write_items(TransactItems=[{"Put": {"TableName": NAME, "Item": item}} for item in (changed, other)])
    client.delete_item(TableName=NAME, Key=key)
    told = records_of(server, arn, 6)
    server.stop()
    server.start(server.port)
    client = server.client()
    assert records_of(server, arn, 6) == told
    assert told == {order["SK"]["S"]: [("MODIFY", None, order, short), ("MODIFY", None, short, priced), ("MODIFY", None, priced, by_sql), ("REMOVE", None, by_sql, None)],
                    product["SK"]["S"]: [("MODIFY", None, product, changed)], other["SK"]["S"]: [("INSERT", None, None, other)]}
    client.update_time_to_live(TableName=NAME, TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"})
    expired = {**other, "SK": {"S": "expired"}, "until": {"N": str(int(time.time()) - 60)}}
    client.put_item(TableName=NAME, Item=expired)
    assert records_of(server, arn, 8)["expired"] == [("INSERT", None, None, expired), ("REMOVE", "Service", expired, None)]
    client.update_table(TableName=NAME, StreamSpecification={"StreamEnabled": False})
    client.put_item(TableName=NAME, Item=order)
    sql.run("DELETE FROM order_lines")
    assert {name: told for name, told in records_of(server, arn, 8).items() if name != "expired"} == told


def test_its_changes_flow_on(moved, shop, tmp_path):
    """What the API and SQL write to all tables of the plan arrives in the other database."""
    _, server, sql = moved
    client, rng = server.client(), random.Random(SEED)
    folder = tmp_path / "on"
    folder.mkdir()
    tool = Tool(folder)
    tool.run("plan", f"dynamodb://{NAME}?region={REGION}&endpoint={server.url}", f"sqlite:{folder}/on.sqlite", "-o", tool.plan_path, "--capture", "streams")
    running = Background(tool, "run", tool.plan_path, "--enable-stream")
    writes, end = 0, time.monotonic() + FLOW_SECONDS
    try:
        while time.monotonic() < end or writes < 50:
            item, number = rng.choice(shop.fixed), rng.randrange(60)
            match rng.randrange(6):
                case 0 | 1:
                    client.put_item(TableName=NAME, Item={**item, "note": {"N": str(writes)}})
                case 2:
                    client.delete_item(TableName=NAME, Key={"PK": item["PK"], "SK": item["SK"]})
                case 3:
                    sql.run(f"UPDATE orders SET total = {writes} WHERE order_number % 7 = {number % 7}")
                case 4:
                    sql.run(f"UPDATE order_lines SET sku = 'SKU-{writes}' WHERE ordinal = {number % 4}")
                case _:
                    client.transact_write_items(TransactItems=[{"Put": {"TableName": NAME, "Item": other}} for other in rng.sample(shop.fixed, 3)])
            writes += 1
            assert running.running(), running.said()
        running.terminate()
    finally:
        running.kill()
    tool.run("run", tool.plan_path, "--until", "verified")
    compared = tool.run("verify", tool.plan_path, "--json").json()
    print(f"{writes} writes")
    assert compared["equal"] is True, compared
