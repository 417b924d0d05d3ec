"""C8: the rows are the truth: what SQL changes a client reads, what a client writes SQL reads, in tables that CreateTable made."""
import base64
import json
import uuid

import pytest

from sql_side import Sql


@pytest.fixture
def side(request, server, postgres):
    target = f"sqlite:{server.database}" if server.database.startswith("/") else f"postgresql://x/{server.database}"
    return Sql(target, postgres)


@pytest.fixture
def table(server, side):
    """(name, connection): partition S, sort N, an index on S."""
    name = f"rows_{uuid.uuid4().hex[:8]}"
    connection = server.connection()
    answer = connection.call("CreateTable", {
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": kind} for key, kind in (("pk", "S"), ("sk", "N"), ("owner", "S"))],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "GlobalSecondaryIndexes": [{"IndexName": "by-owner", "Projection": {"ProjectionType": "ALL"}, "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}]}]})
    assert answer.status == 200, answer
    yield name, connection
    assert connection.call("DeleteTable", {"TableName": name}).status == 200
    assert name not in side.tables()
    connection.close()


def put(connection, name, pk, sk, **more):
    item = {"pk": {"S": pk}, "sk": {"N": str(sk)}, **more}
    answer = connection.call("PutItem", {"TableName": name, "Item": item})
    assert answer.status == 200, answer
    return item


def query(connection, name, **more):
    return connection.call("Query", {"TableName": name, **more}).json["Items"]


def test_a_put_is_a_row(table, side):
    name, connection = table
    put(connection, name, "a'b", 1.5, owner={"S": "me"}, doc={"M": {"x": {"L": [{"N": "1"}]}}}, data={"B": base64.b64encode(b"\x00\xff").decode()})
    assert name in side.tables() and {"pk", "sk", "owner"} <= set(side.columns(name))
    assert side.rows(f'SELECT pk, sk, owner FROM "{name}"') == [["a'b", "1.5", "me"]]
    connection.call("UpdateItem", {"TableName": name, "Key": {"pk": {"S": "a'b"}, "sk": {"N": "1.5"}}, "UpdateExpression": "SET #o = :o",
                                   "ExpressionAttributeNames": {"#o": "owner"}, "ExpressionAttributeValues": {":o": {"S": "you"}}})
    assert side.rows(f'SELECT owner FROM "{name}"') == [["you"]]
    connection.call("DeleteItem", {"TableName": name, "Key": {"pk": {"S": "a'b"}, "sk": {"N": "1.5"}}})
    assert side.rows(f'SELECT count(*) FROM "{name}"') == [["0"]]


def test_an_update_in_sql_is_read(table, side):
    name, connection = table
    for number in range(10):
        put(connection, name, "p", number, owner={"S": "old"}, n={"N": str(number)})
    side.run(f"UPDATE \"{name}\" SET owner = 'new' WHERE sk >= 5")
    item = connection.call("GetItem", {"TableName": name, "Key": {"pk": {"S": "p"}, "sk": {"N": "7"}}, "ConsistentRead": True}).json["Item"]
    assert item == {"pk": {"S": "p"}, "sk": {"N": "7"}, "owner": {"S": "new"}, "n": {"N": "7"}}
    found = query(connection, name, KeyConditionExpression="pk = :p AND sk > :n", ExpressionAttributeValues={":p": {"S": "p"}, ":n": {"N": "3"}})
    assert [(item["sk"]["N"], item["owner"]["S"]) for item in found] == [("4", "old"), *((str(number), "new") for number in range(5, 10))]
    indexed = query(connection, name, IndexName="by-owner", KeyConditionExpression="#o = :o", ExpressionAttributeNames={"#o": "owner"}, ExpressionAttributeValues={":o": {"S": "new"}})
    assert sorted(item["sk"]["N"] for item in indexed) == ["5", "6", "7", "8", "9"]
    # A condition sees it, and what was changed under a client makes its condition fail.
    answer = connection.call("UpdateItem", {"TableName": name, "Key": {"pk": {"S": "p"}, "sk": {"N": "7"}}, "UpdateExpression": "SET n = n + :one",
                                            "ConditionExpression": "#o = :o", "ExpressionAttributeNames": {"#o": "owner"},
                                            "ExpressionAttributeValues": {":one": {"N": "1"}, ":o": {"S": "old"}}})
    assert answer.error == "ConditionalCheckFailedException"
    side.run(f'UPDATE "{name}" SET owner = NULL WHERE sk = 7')
    item = connection.call("GetItem", {"TableName": name, "Key": {"pk": {"S": "p"}, "sk": {"N": "7"}}}).json["Item"]
    assert "owner" not in item


def test_rows_inserted_and_deleted_in_sql(table, side):
    name, connection = table
    put(connection, name, "p", 1)
    side.run(f"INSERT INTO \"{name}\" (pk, sk, owner) VALUES ('p', 2, 'sql')")
    side.run(f'DELETE FROM "{name}" WHERE sk = 1')
    found = query(connection, name, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "p"}})
    assert found == [{"pk": {"S": "p"}, "sk": {"N": "2"}, "owner": {"S": "sql"}}]
    answer = connection.call("PutItem", {"TableName": name, "Item": {"pk": {"S": "p"}, "sk": {"N": "2"}}, "ConditionExpression": "attribute_not_exists(pk)",
                                         "ReturnValuesOnConditionCheckFailure": "ALL_OLD"})
    assert answer.error == "ConditionalCheckFailedException" and answer.json["Item"]["owner"] == {"S": "sql"}


def test_a_condition_of_the_database_is_an_error_not_a_crash(table, side, server):
    """A unique index that its owner added refuses a row: the client gets an error, and the server goes on."""
    name, connection = table
    side.run(f'CREATE UNIQUE INDEX "{name}_once" ON "{name}" (owner)')
    put(connection, name, "p", 1, owner={"S": "one"})
    answer = connection.call("PutItem", {"TableName": name, "Item": {"pk": {"S": "p"}, "sk": {"N": "2"}, "owner": {"S": "one"}}})
    assert answer.status in (400, 500) and "one" not in json.dumps(answer.json), answer
    put(connection, name, "p", 3, owner={"S": "two"})
    assert side.rows(f'SELECT count(*) FROM "{name}"') == [["2"]]
    server.assert_alive()
