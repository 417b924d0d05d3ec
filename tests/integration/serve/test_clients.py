"""Real clients, with waiters, paginators and retries at their defaults: boto3, the AWS CLI v2, the AWS SDK for JavaScript v3.

Each story also runs against DynamoDB Local, so that it asks nothing that a DynamoDB would not answer.
"""
import json
import os
import subprocess
import uuid
from decimal import Decimal

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from botocore.exceptions import ClientError

import paths
from serve_process import KEYS, REGION
from servers import install
from tool import environment

AWS = "/usr/bin/aws"  # Debian's, version 2
TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in (("customer", "S"), ("day", "S"), ("state", "S"), ("cents", "N"))],
    "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}, {"AttributeName": "day", "KeyType": "RANGE"}],
    "LocalSecondaryIndexes": [{"IndexName": "by-total", "Projection": {"ProjectionType": "KEYS_ONLY"},
                               "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}, {"AttributeName": "cents", "KeyType": "RANGE"}]}],
    "GlobalSecondaryIndexes": [{"IndexName": "by-state", "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["n"]},
                                "KeySchema": [{"AttributeName": "state", "KeyType": "HASH"}, {"AttributeName": "day", "KeyType": "RANGE"}]}],
}


@pytest.fixture(params=["oracle", "sqlite", "postgresql"])
def url(request):
    if request.param == "oracle":
        return request.getfixturevalue("dynamodb").url
    return request.getfixturevalue(f"{'sqlite' if request.param == 'sqlite' else 'postgres'}_server").url


@pytest.fixture
def name():
    return f"orders-{uuid.uuid4().hex[:8]}"


def code_of(call, *words, **more):
    with pytest.raises(ClientError) as caught:
        call(*words, **more)
    return caught.value.response["Error"]["Code"]


def test_boto3(url, name):
    client = boto3.client("dynamodb", endpoint_url=url, region_name=REGION, **KEYS)
    resource = boto3.resource("dynamodb", endpoint_url=url, region_name=REGION, **KEYS)
    client.create_table(TableName=name, **TABLE)
    client.get_waiter("table_exists").wait(TableName=name)
    assert code_of(client.create_table, TableName=name, **TABLE) == "ResourceInUseException"
    described = client.describe_table(TableName=name)["Table"]
    assert described["TableStatus"] == "ACTIVE" and described["TableArn"].endswith(f"table/{name}")
    assert described["CreationDateTime"].year >= 2020
    table = resource.Table(name)
    items_there_and_back(table)
    pages(client, table, name)
    updates(table, name)
    transactions(client, name)
    deletes(client, table, name)
    client.delete_table(TableName=name)
    client.get_waiter("table_not_exists").wait(TableName=name)
    assert code_of(client.describe_table, TableName=name) == "ResourceNotFoundException"


def items_there_and_back(table):
    item = {"customer": "c1", "day": "2026-01-01", "state": "open", "cents": Decimal("12345678901234567890123456789012345678"),
            "ratio": Decimal("-1.5E-20"), "good": True, "none": None, "list": [1, "a", {"b": []}], "numbers": {Decimal(1), Decimal("2.5")},
            "map": {"deep": {"deeper": [{"x", "y"}]}}, "tags": {"a", "b"}, "bytes": Binary(b"\x00\xff\x80"), "empty": "", "text": "été \U0001f600\x00"}
    table.put_item(Item=item)
    assert table.get_item(Key={"customer": "c1", "day": "2026-01-01"}, ConsistentRead=True)["Item"] == item
    assert "Item" not in table.get_item(Key={"customer": "none", "day": "x"})
    found = table.get_item(Key={"customer": "c1", "day": "2026-01-01"}, ProjectionExpression="#l[1], #m.deep", ExpressionAttributeNames={"#l": "list", "#m": "map"})
    assert found["Item"] == {"list": ["a"], "map": {"deep": {"deeper": [{"x", "y"}]}}}


def pages(client, table, name):
    days = [f"2026-02-{number:03}" for number in range(60)]
    with table.batch_writer() as writer:
        for number, day in enumerate(days):
            writer.put_item(Item={"customer": "c2", "day": day, "state": "open", "cents": 100 - number, "n": number})
    paginator = client.get_paginator("query")
    found = [item["day"]["S"] for page in paginator.paginate(
        TableName=name, KeyConditionExpression="customer = :c AND begins_with(#d, :p)", ExpressionAttributeNames={"#d": "day"},
        ExpressionAttributeValues={":c": {"S": "c2"}, ":p": {"S": "2026-02-"}}, PaginationConfig={"PageSize": 7}) for item in page["Items"]]
    assert found == days
    scanned = list(client.get_paginator("scan").paginate(TableName=name, PaginationConfig={"PageSize": 9}))
    assert sum(page["Count"] for page in scanned) == 61 and all(page["ScannedCount"] <= 9 for page in scanned)
    parts = [table.scan(Segment=segment, TotalSegments=3)["Count"] for segment in range(3)]
    assert sum(parts) == 61
    by_total = table.query(IndexName="by-total", KeyConditionExpression=Key("customer").eq("c2") & Key("cents").lte(45))
    assert [item["day"] for item in by_total["Items"]] == days[:54:-1] and set(by_total["Items"][0]) == {"customer", "day", "cents"}
    by_state = table.query(IndexName="by-state", KeyConditionExpression=Key("state").eq("open") & Key("day").gt("2026-02-057"), ScanIndexForward=False)
    assert [item["n"] for item in by_state["Items"]] == [59, 58] and "cents" not in by_state["Items"][0]
    filtered = table.scan(FilterExpression=Attr("n").between(10, 19) & ~Attr("n").is_in([12, 13]), Select="COUNT")
    assert filtered["Count"] == 8 and filtered["ScannedCount"] == 61 and "Items" not in filtered
    keys = [{"customer": {"S": "c2"}, "day": {"S": day}} for day in days]
    got = client.batch_get_item(RequestItems={name: {"Keys": keys, "ProjectionExpression": "n"}})
    assert sorted(int(item["n"]["N"]) for item in got["Responses"][name]) == list(range(60)) and not got["UnprocessedKeys"]


def updates(table, name):
    key = {"customer": "c1", "day": "2026-01-01"}
    new = table.update_item(Key=key, UpdateExpression="SET #m.deep.fresh = :t, cents = if_not_exists(nothing, :z) + :z, #l = list_append(#l, :l) "
                            "REMOVE ratio ADD tags :s DELETE numbers :n", ReturnValues="ALL_NEW", ExpressionAttributeNames={"#m": "map", "#l": "list"},
                            ExpressionAttributeValues={":t": "new", ":z": 2, ":l": [9], ":s": {"c"}, ":n": {1}})["Attributes"]
    assert (new["cents"], new["list"], new["tags"], new["numbers"]) == (4, [1, "a", {"b": []}, 9], {"a", "b", "c"}, {Decimal("2.5")})
    assert new["map"]["deep"]["fresh"] == "new" and "ratio" not in new
    changed = table.update_item(Key=key, UpdateExpression="SET good = :f", ExpressionAttributeValues={":f": False}, ReturnValues="UPDATED_OLD")
    assert changed["Attributes"] == {"good": True}
    assert code_of(table.put_item, Item=key, ConditionExpression=Attr("customer").not_exists()) == "ConditionalCheckFailedException"
    with pytest.raises(ClientError) as caught:
        table.delete_item(Key=key, ConditionExpression=Attr("state").eq("closed"))
    assert caught.value.response["Error"]["Message"] == "The conditional request failed"
    assert code_of(table.update_item, Key=key, UpdateExpression="SET") == "ValidationException"


def transactions(client, name):
    def account(owner, amount=None):
        return {"customer": {"S": owner}, "day": {"S": "account"}, **({"amount": {"N": str(amount)}} if amount is not None else {})}

    for owner in "ab":
        client.put_item(TableName=name, Item=account(owner, 10))

    def move(amount, token=None):
        def change(owner, sign, **more):
            return {"Update": {"TableName": name, "Key": account(owner), "UpdateExpression": f"SET amount = amount {sign} :n",
                               "ExpressionAttributeValues": {":n": {"N": str(amount)}}, **more}}
        return client.transact_write_items(TransactItems=[change("a", "-", ConditionExpression="amount >= :n"), change("b", "+")],
                                           **({"ClientRequestToken": token} if token else {}))

    token = uuid.uuid4().hex
    move(4, token)
    move(4, token)
    assert code_of(move, 5, token) == "IdempotentParameterMismatchException"
    with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
        move(7)
    assert [reason["Code"] for reason in caught.value.response["CancellationReasons"]] == ["ConditionalCheckFailed", "None"]
    got = client.transact_get_items(TransactItems=[{"Get": {"TableName": name, "Key": account(owner)}} for owner in "ab"])
    assert [answer["Item"]["amount"]["N"] for answer in got["Responses"]] == ["6", "14"]


def deletes(client, table, name):
    old = table.delete_item(Key={"customer": "a", "day": "account"}, ReturnValues="ALL_OLD")
    assert old["Attributes"]["amount"] == 6
    assert "Attributes" not in table.delete_item(Key={"customer": "a", "day": "account"}, ReturnValues="ALL_OLD")
    with table.batch_writer() as writer:
        for number in range(60):
            writer.delete_item(Key={"customer": "c2", "day": f"2026-02-{number:03}"})
    assert table.scan()["Count"] == 2
    assert code_of(table.get_item, Key={"customer": "a"}) == "ValidationException"
    assert code_of(client.get_item, TableName=f"{name}-none", Key={"a": {"S": "a"}}) == "ResourceNotFoundException"
    listed = [found for page in client.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 1}) for found in page["TableNames"]]
    assert name in listed and listed == sorted(listed)


class Cli:
    def __init__(self, url):
        self.url = url
        self.environment = environment(AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local", AWS_DEFAULT_REGION=REGION, AWS_PAGER="",
                                       AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null")

    def run(self, operation, *words, fails=None, **more):
        options = [text for option, content in more.items() for text in
                   (f"--{option.replace('_', '-')}", content if isinstance(content, str) else json.dumps(content))]
        done = subprocess.run([AWS, "--endpoint-url", self.url, "dynamodb", operation, *options, *words], env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        if fails:
            assert done.returncode != 0 and f"({fails})" in done.stderr, f"{operation}: {done}"
            return None
        assert done.returncode == 0, f"{operation}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else {}


def test_the_command_line(url, name):
    version = subprocess.run([AWS, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert version.startswith("aws-cli/2."), version
    cli = Cli(url)
    cli.run("create-table", table_name=name, billing_mode="PAY_PER_REQUEST", key_schema=TABLE["KeySchema"],
            attribute_definitions=TABLE["AttributeDefinitions"][:2])
    cli.run("wait", "table-exists", "--table-name", name)
    key = {"customer": {"S": "c1"}, "day": {"S": "d1"}}
    cli.run("put-item", table_name=name, item={**key, "n": {"N": "1E2"}, "b": {"B": "AP8="}})
    assert cli.run("get-item", table_name=name, key=key)["Item"] == {**key, "n": {"N": "100"}, "b": {"B": "AP8="}}
    cli.run("put-item", table_name=name, item=key, condition_expression="attribute_not_exists(customer)", fails="ConditionalCheckFailedException")
    updated = cli.run("update-item", table_name=name, key=key, update_expression="ADD n :one", return_values="UPDATED_NEW",
                      expression_attribute_values={":one": {"N": "1"}})
    assert updated["Attributes"] == {"n": {"N": "101"}}
    entries = [{"PutRequest": {"Item": {"customer": {"S": "c2"}, "day": {"S": f"{number:02}"}}}} for number in range(25)]
    cli.run("batch-write-item", request_items={name: entries})
    # The client asks page after page by itself.
    queried = cli.run("query", table_name=name, key_condition_expression="customer = :c", page_size="4",
                      expression_attribute_values={":c": {"S": "c2"}})
    assert [item["day"]["S"] for item in queried["Items"]] == [f"{number:02}" for number in range(25)]
    assert cli.run("scan", table_name=name, page_size="10", select="COUNT")["Count"] == 26
    check = {"ConditionCheck": {"TableName": name, "Key": key, "ConditionExpression": "n = :n", "ExpressionAttributeValues": {":n": {"N": "101"}}}}
    put = {"Put": {"TableName": name, "Item": {"customer": {"S": "c3"}, "day": {"S": "d"}}}}
    cli.run("transact-write-items", transact_items=[check, put])
    check["ConditionCheck"]["ConditionExpression"] = "n <> :n"
    cli.run("transact-write-items", transact_items=[check, put], fails="TransactionCanceledException")
    got = cli.run("transact-get-items", transact_items=[{"Get": {"TableName": name, "Key": put["Put"]["Item"]}}])
    assert got["Responses"] == [{"Item": put["Put"]["Item"]}]
    assert cli.run("delete-item", table_name=name, key=key, return_values="ALL_OLD")["Attributes"]["n"] == {"N": "101"}
    assert name in cli.run("list-tables")["TableNames"]
    cli.run("delete-table", table_name=name)
    cli.run("wait", "table-not-exists", "--table-name", name)
    cli.run("describe-table", table_name=name, fails="ResourceNotFoundException")


def test_the_sdk_for_javascript(url, name):
    home = install("install_js_sdk.sh")
    story = os.path.join(paths.ROOT, "tests", "integration", "serve", "js", "story.mjs")
    done = subprocess.run(["node", "--no-warnings", story, home, url, name], env=environment(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=180)
    assert done.returncode == 0 and done.stdout == "ok\n", done.stdout + done.stderr
