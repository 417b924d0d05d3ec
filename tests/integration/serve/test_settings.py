"""Random changes of what tables are set to, given to DynamoDB Local and to serve on both databases: the same answers and,
when the tables have settled, the same descriptions. And random requests about tags, which DynamoDB Local does not have,
against a model of the service's rules.

OFFRAMP_DIFF_SETTINGS says how many (300), OFFRAMP_SEED takes a printed seed back.
"""
import os
import random

import serve_differential
from serve_deviations import assert_reasoned
from serve_settings import SETTING_DEVIATIONS, SettingsWorker, Tags, description_of

COUNT = int(os.environ.get("OFFRAMP_DIFF_SETTINGS", "300"))
SEED = int(os.environ.get("OFFRAMP_SEED", "20261121"))
OPERATIONS = {"UpdateTable", "UpdateTimeToLive", "DescribeTable", "DescribeTimeToLive", "DeleteTable", "Scan"}


def test_both_databases_settle_like_the_oracle(dynamodb, sqlite_server, postgres_server):
    ports = {"oracle": dynamodb.server.port, "sqlite": sqlite_server.port, "postgresql": postgres_server.port}
    # Four workers: most of the time is waiting for indexes to be gone.
    serve_differential.assert_alike(SEED, COUNT, lambda: serve_differential.compare(ports, SEED, COUNT, 4, worker=SettingsWorker),
                                    OPERATIONS, refused_max=0.55)
    sqlite_server.assert_alive()
    postgres_server.assert_alive()


def test_tags_follow_the_rules(server):
    rng = random.Random(f"{SEED}/tags")
    print(f"seed {SEED}")
    connection = server.connection()
    made = connection.call("CreateTable", {"TableName": "tagged-at-random", "BillingMode": "PAY_PER_REQUEST",
                                           "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]})
    tags, refused = Tags(rng, made.json["TableDescription"]["TableArn"]), 0
    for number in range(COUNT):
        operation, request, error = tags.step()
        answer = connection.call(operation, request)
        assert answer.error == error, f"{number}: {operation} {request}: {answer}"
        refused += error is not None
        if operation == "ListTagsOfResource" and error is None:
            assert {tag["Key"]: tag["Value"] for tag in answer.json["Tags"]} == tags.tags and len(answer.json["Tags"]) == len(tags.tags), number
    assert COUNT * 0.05 < refused < COUNT * 0.6
    assert connection.call("DeleteTable", {"TableName": "tagged-at-random"}).status == 200


def test_the_comparison_can_fail():
    table = {"TableName": "t", "TableStatus": "ACTIVE", "KeySchema": [], "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}],
             "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}, "DeletionProtectionEnabled": False,
             "GlobalSecondaryIndexes": [{"IndexName": "g", "KeySchema": [], "Projection": {"ProjectionType": "ALL"}, "IndexStatus": "ACTIVE"}]}
    for change in ({"DeletionProtectionEnabled": True}, {"StreamSpecification": {"StreamEnabled": True}}, {"GlobalSecondaryIndexes": []},
                   {"ProvisionedThroughput": {"ReadCapacityUnits": 2, "WriteCapacityUnits": 1}}, {"AttributeDefinitions": []},
                   {"BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}}, {"TableClassSummary": {"TableClass": "STANDARD_INFREQUENT_ACCESS"}}):
        assert description_of({**table, **change}) != description_of(table), change
    assert description_of({**table, "CreationDateTime": 1.0, "ItemCount": 5}) == description_of(table)


def test_every_deviation_has_a_reason():
    assert_reasoned(SETTING_DEVIATIONS)
