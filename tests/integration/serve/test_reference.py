"""What the service does where DynamoDB Local does something else, so that the differential test cannot ask it."""
import json
import uuid

import pytest


@pytest.fixture
def table(server):
    """call(operation, **members) on a table with partition `pk` (S) and sort `sk` (N), a local and a global index."""
    name = f"reference-{uuid.uuid4().hex[:8]}"
    connection = server.connection()

    def call(operation, **members):
        return connection.call(operation, {"TableName": name, **members})

    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    answer = call("CreateTable", BillingMode="PAY_PER_REQUEST", KeySchema=keys,
                  AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in (("pk", "S"), ("sk", "N"), ("g", "S"))],
                  GlobalSecondaryIndexes=[{"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}])
    assert answer.status == 200, answer
    yield call
    assert call("DeleteTable").status == 200
    connection.close()


KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}


def test_an_update_that_only_removes_makes_no_item(table):
    assert table("UpdateItem", Key=KEY, UpdateExpression="REMOVE a, b.c").status == 200
    assert table("UpdateItem", Key=KEY, AttributeUpdates={"a": {"Action": "DELETE"}}).status == 200
    assert table("Scan").json["Count"] == 0
    assert table("UpdateItem", Key=KEY).status == 200
    assert table("GetItem", Key=KEY).json == {"Item": KEY}


def test_put_is_the_action_where_none_is_given(table):
    answer = table("UpdateItem", Key=KEY, AttributeUpdates={"a": {"Value": {"M": {}}}, "b": {"Value": {"N": "1.50"}}}, ReturnValues="ALL_NEW")
    assert answer.json["Attributes"] == {**KEY, "a": {"M": {}}, "b": {"N": "1.5"}}


@pytest.mark.parametrize("written, read", [
    ("1e125", "1" + "0" * 125), ("1E-130", "0." + "0" * 129 + "1"), ("-0", "0"), ("+5", "5"), ("007", "7"), ("1.50E2", "150"), (".5", "0.5"), ("5.", "5"),
    ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
    ("9.9999999999999999999999999999999999999E+125", "99999999999999999999999999999999999999" + "0" * 88)])
def test_numbers_are_plain_decimals_at_every_depth(table, written, read):
    nested = {"L": [{"M": {"x": {"N": written}, "s": {"NS": [written]}}}]}
    assert table("PutItem", Item={**KEY, "n": {"N": written}, "d": nested}).status == 200
    item = table("GetItem", Key=KEY).json["Item"]
    assert item["n"] == {"N": read} and item["d"] == json.loads(json.dumps(nested).replace(f'"{written}"', f'"{read}"'))


@pytest.mark.parametrize("number, says", [
    ("1e126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
    ("1e-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
    ("123456789012345678901234567890123456789", "Attempting to store more than 38 significant digits in a Number"),
    ("abc", "The parameter cannot be converted to a numeric value: abc"), ("", "The parameter cannot be converted to a numeric value")])
def test_numbers_that_are_refused(table, number, says):
    answer = table("PutItem", Item={**KEY, "n": {"N": number}})
    assert answer.error == "ValidationException" and answer.json["message"] == says


@pytest.mark.parametrize("operation, members, says", [
    ("GetItem", {"Key": {"pk": {"S": "a"}}}, "The provided key element does not match the schema"),
    ("PutItem", {"Item": {"pk": {"S": "a"}}}, "One or more parameter values were invalid: Missing the key sk in the item"),
    ("PutItem", {"Item": {"pk": {"N": "1"}, "sk": {"N": "1"}}}, "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N"),
    ("PutItem", {"Item": {**KEY, "g": {"N": "1"}}}, "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: by-g"),
    ("PutItem", {"Item": {"pk": {"S": ""}, "sk": {"N": "1"}}},
     "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"),
    ("Query", {"KeyConditionExpression": "sk = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}, "Query condition missed key schema element: pk"),
    ("Query", {}, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."),
    ("Query", {"IndexName": "none", "KeyConditionExpression": "pk = :v", "ExpressionAttributeValues": {":v": {"S": "a"}}}, "The table does not have the specified index: none"),
    ("Scan", {"Segment": 5, "TotalSegments": 5}, "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 5 is not less than TotalSegments: 5"),
    ("UpdateItem", {"Key": KEY, "UpdateExpression": "SET pk = :v", "ExpressionAttributeValues": {":v": {"S": "a"}}},
     "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key"),
])
def test_words_of_refusals(table, operation, members, says):
    answer = table(operation, **members)
    assert answer.error == "ValidationException" and answer.json["message"] == says


def test_a_missing_table_has_one_text(server):
    connection = server.connection()
    for operation, members in (("GetItem", {"Key": KEY}), ("PutItem", {"Item": KEY}), ("Scan", {}), ("Query", {
            "KeyConditionExpression": "pk = :v", "ExpressionAttributeValues": {":v": {"S": "a"}}})):
        answer = connection.call(operation, {"TableName": "no-such-table", **members})
        assert (answer.error, answer.json["message"]) == ("ResourceNotFoundException", "Requested resource not found")
    described = connection.call("DescribeTable", {"TableName": "no-such-table"})
    assert described.json["message"] == "Requested resource not found: Table: no-such-table not found"
    connection.close()


def test_what_an_item_refuses_cancels_the_transaction(table, server):
    table("PutItem", Item={**KEY, "t": {"S": "x"}})
    described = table("DescribeTable").json["Table"]["TableName"]
    actions = [{"Put": {"TableName": described, "Item": {"pk": {"S": "b"}, "sk": {"N": "1"}}}},
               {"Update": {"TableName": described, "Key": KEY, "UpdateExpression": "SET t = t + :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}}]
    answer = server.connection().call("TransactWriteItems", {"TransactItems": actions})
    assert answer.error == "TransactionCanceledException"
    assert [reason["Code"] for reason in answer.json["CancellationReasons"]] == ["None", "ValidationError"]
    assert table("Scan").json["Count"] == 1


def test_nothing_of_an_earlier_answer_is_in_a_refusal(server, table):
    """Errors carry items of their own request only, whatever the connection or thread said before."""
    table("PutItem", Item={**KEY, "secret": {"S": "of another"}})
    described = table("DescribeTable").json["Table"]["TableName"]
    connections = [server.connection() for _ in range(32)]
    for connection in connections:
        failed = connection.call("PutItem", {"TableName": described, "Item": KEY, "ConditionExpression": "attribute_not_exists(pk)",
                                             "ReturnValuesOnConditionCheckFailure": "ALL_OLD"})
        assert failed.json["Item"]["secret"] == {"S": "of another"}
    for connection in connections:
        for operation, request in (("UpdateItem", {"TableName": described, "Key": 0}), ("Query", {"TableName": described, "ScanIndexForward": ""}),
                                   ("GetItem", {"TableName": described}), ("PutItem", []), ("Nonsense", {})):
            answer = connection.call(operation, request)
            assert answer.status == 400 and set(answer.json) <= {"__type", "message", "Message"}, answer
        connection.close()


def test_internal_tables_are_not_listed(server):
    connection = server.connection()
    assert connection.call("TransactWriteItems", {"ClientRequestToken": "t", "TransactItems": [
        {"Put": {"TableName": "no-such-table", "Item": KEY}}]}).error == "ResourceNotFoundException"
    start, names = {}, []
    while True:
        answer = connection.call("ListTables", {"Limit": 1, **start})
        assert answer.status == 200, answer
        names += answer.json["TableNames"]
        if "LastEvaluatedTableName" not in answer.json:
            break
        start = {"ExclusiveStartTableName": answer.json["LastEvaluatedTableName"]}
    assert names == sorted(set(names)) and not [name for name in names if "offramp" in name]
    connection.close()
