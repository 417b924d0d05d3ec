"""A table that a plan has split over several SQL tables is served like the original, that DynamoDB Local still holds.

The shop: customers, orders with lines as a child table, products; key templates, typed columns, a rest. Random requests as
in test_differential.py (OFFRAMP_SHOP_REQUESTS, OFFRAMP_SEED); and what the SQL side shows of a write.
"""
import os

import pytest

import items
import serve_differential
from serve_process import Serve
from serve_shop import ShopShape
from sql_side import Sql
from tool import generate

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
    server = Serve(tool.plan_path, tool.folder)
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
