"""DynamoDB Local for stories: a real server in memory, tables made and filled with boto3.

Items are DynamoDB JSON ({"pk": {"S": "a"}}); binary values are base64 text, as on the wire.
"""
import base64

import boto3
from botocore.config import Config

from servers import Server, free_port, install

KEYS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
REGION = "eu-west-1"


def table_keys(partition, sort=None):
    """The members of CreateTable that say a table's key; each part is (name, type)."""
    keys = [(partition, "HASH")] + ([(sort, "RANGE")] if sort else [])
    return {"AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for (name, kind), _ in keys],
            "KeySchema": [{"AttributeName": name, "KeyType": role} for (name, _), role in keys]}


def to_boto(value):
    """Wire JSON → what boto3's client takes: bytes where the wire has base64."""
    (tag, content), = value.items()
    if tag == "B":
        return {"B": base64.b64decode(content)}
    if tag == "BS":
        return {"BS": [base64.b64decode(member) for member in content]}
    if tag == "M":
        return {"M": {name: to_boto(member) for name, member in content.items()}}
    if tag == "L":
        return {"L": [to_boto(member) for member in content]}
    return value


class DynamoDbLocal:
    def __init__(self, folder):
        home = install("install_dynamodb_local.sh")
        port = free_port()
        # -sharedDb: one database whatever keys and region a client uses.
        self.server = Server(["java", "-Xmx1g", f"-Djava.library.path={home}/DynamoDBLocal_lib", "-jar",
                              f"{home}/DynamoDBLocal.jar", "-inMemory", "-sharedDb", "-port", str(port),
                              "-disableTelemetry"], port, f"{folder}/dynamodb-local.log", cwd=str(folder))
        self.url = self.server.url
        self.client = boto3.client("dynamodb", endpoint_url=self.url, region_name=REGION, **KEYS,
                                   config=Config(retries={"max_attempts": 10}))

    def stop(self):
        self.server.stop()

    def create(self, name, partition=("pk", "S"), sort=None, **more):
        keys = table_keys(partition, sort)
        self.client.create_table(
            TableName=name,
            AttributeDefinitions=keys["AttributeDefinitions"] + more.pop("more_attributes", []),
            KeySchema=keys["KeySchema"],
            BillingMode="PAY_PER_REQUEST", **more)
        return name

    def put_all(self, name, items):
        batch = []
        for item in items:
            batch.append({"PutRequest": {"Item": {key: to_boto(value) for key, value in item.items()}}})
            if len(batch) == 25:
                self._write(name, batch)
                batch = []
        if batch:
            self._write(name, batch)

    def _write(self, name, batch):
        left = {name: batch}
        while left:
            left = self.client.batch_write_item(RequestItems=left)["UnprocessedItems"]

    def source(self, name):
        """The table's address for the tool."""
        return f"dynamodb://{name}?endpoint={self.url}&region={REGION}"
