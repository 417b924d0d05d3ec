"""Tags and the questions that Terraform and the AWS CLI ask about a table, with boto3 as they use it."""
import itertools

import pytest
from botocore.exceptions import ClientError

numbers = itertools.count()


@pytest.fixture
def table(server):
    client = server.client()
    name = f"tagged{next(numbers)}"
    made = client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", Tags=[{"Key": "made", "Value": "here"}],
                               AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}], KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}])
    yield client, name, made["TableDescription"]["TableArn"]
    client.delete_table(TableName=name)


def tags_of(client, arn):
    pages = client.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def code_of(call, **words):
    with pytest.raises(ClientError) as caught:
        call(**words)
    return caught.value.response["Error"]["Code"]


def test_tags_are_kept(table):
    client, _, arn = table
    assert tags_of(client, arn) == {"made": "here"}
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "owner", "Value": ""}, {"Key": "made", "Value": "there"}])
    assert tags_of(client, arn) == {"made": "there", "owner": ""}
    client.untag_resource(ResourceArn=arn, TagKeys=["made", "none"])
    assert tags_of(client, arn) == {"owner": ""}
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": f"k{n}", "Value": "v"} for n in range(49)])
    assert len(tags_of(client, arn)) == 50
    assert code_of(client.tag_resource, ResourceArn=arn, Tags=[{"Key": "more", "Value": "v"}]) == "ValidationException"
    assert code_of(client.list_tags_of_resource, ResourceArn=arn + "-none") == "ResourceNotFoundException"


def test_what_infrastructure_tools_ask(table):
    """The calls of Terraform's aws_dynamodb_table after CreateTable and with every refresh."""
    client, name, arn = table
    assert client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE"
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
    assert client.describe_time_to_live(TableName=name)["TimeToLiveDescription"] == {"TimeToLiveStatus": "DISABLED"}
    assert tags_of(client, arn) == {"made": "here"}
    client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False})
    assert code_of(client.update_continuous_backups, TableName=name,
                   PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}) == "ValidationException"
    assert client.describe_contributor_insights(TableName=name)["ContributorInsightsStatus"] == "DISABLED"
    assert client.describe_kinesis_streaming_destination(TableName=name)["KinesisDataStreamDestinations"] == []
    assert client.list_exports()["ExportSummaries"] == [] and client.list_imports()["ImportSummaryList"] == []
    assert client.list_backups()["BackupSummaries"] == []
    assert code_of(client.describe_export, ExportArn=arn + "/export/01234") == "ExportNotFoundException"
    assert code_of(client.export_table_to_point_in_time, TableArn=arn, S3Bucket="bucket") == "PointInTimeRecoveryUnavailableException"
    assert code_of(client.describe_import, ImportArn=arn + "/import/01234567890123-a1b2c3d4") == "ImportNotFoundException"
    assert code_of(client.describe_continuous_backups, TableName="none-such") == "TableNotFoundException"


def test_as_dynamodb_local(table, dynamodb):
    """Local keeps the settings of time to live too; it knows no tags."""
    ours, name, _ = table
    theirs = dynamodb.client
    theirs.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}], KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}])

    def both(call):
        """What each side answers, or its error's type."""
        out = []
        for client in (ours, theirs):
            try:
                answer = call(client)
                out.append({key: value for key, value in answer.items() if key != "ResponseMetadata"})
            except ClientError as error:
                out.append(error.response["Error"]["Code"])
        return out

    calls = [
        lambda client: client.describe_time_to_live(TableName=name),
        lambda client: client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": False, "AttributeName": "at"}),
        lambda client: client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "at"}),
        lambda client: client.describe_time_to_live(TableName=name),
        lambda client: client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "at"}),
        lambda client: client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "other"}),
        lambda client: client.describe_time_to_live(TableName="none-such"),
    ]
    for number, call in enumerate(calls):
        answers = both(call)
        assert answers[0] == answers[1], number
    theirs.delete_table(TableName=name)
