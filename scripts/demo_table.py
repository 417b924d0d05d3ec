#!/usr/bin/python3
"""The application of the demo: makes a table at an endpoint of DynamoDB's API, fills it from an export, and changes it.

    scripts/demo_table.py http://127.0.0.1:PORT EXPORT_FOLDER WORK_FOLDER CHANGES_PER_SECOND

WORK_FOLDER/loaded has the number of items once they are there. It writes until SIGTERM, or until its parent is gone,
and says how much in WORK_FOLDER/writes. Requests are not signed: for `offramp serve --insecure-any-key`.
"""
import glob
import gzip
import http.client
import json
import os
import random
import signal
import sys
import threading
import time

STATES = ["NEW", "PAID", "SHIPPED", "DELIVERED", "RETURNED"]
SIGNATURE = "AWS4-HMAC-SHA256 Credential=demo/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=" + "0" * 64
BATCH = 25  # items of a BatchWriteItem


class Client:
    def __init__(self, endpoint):
        self.connection = http.client.HTTPConnection(endpoint.removeprefix("http://").rstrip("/"), timeout=30)

    def call(self, operation, request):
        self.connection.request("POST", "/", json.dumps(request), {
            "X-Amz-Target": f"DynamoDB_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0",
            "Authorization": SIGNATURE})
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{operation}: {answer.status} {content.decode(errors='replace')}")
        return json.loads(content)


def read_export(folder):
    items = []
    for path in sorted(glob.glob(os.path.join(folder, "data", "*.gz"))):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            items += [json.loads(line)["Item"] for line in lines]
    return items


def fill(client, items):
    client.call("CreateTable", {
        "TableName": "Shop", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}, {"AttributeName": "SK", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}})
    for first in range(0, len(items), BATCH):
        left = {"Shop": [{"PutRequest": {"Item": item}} for item in items[first:first + BATCH]]}
        while left:
            left = client.call("BatchWriteItem", {"RequestItems": left})["UnprocessedItems"]


def change(client, items, rate, stop):
    """Changes, deletes and brings back items at about `rate` a second; how often it did what."""
    rng = random.Random(7)
    gone, puts, deletions = [], 0, 0
    began = time.monotonic()
    while not stop.is_set() and os.getppid() != 1:
        ahead = (puts + deletions) / rate - (time.monotonic() - began)
        if ahead > 0:
            stop.wait(min(ahead, 0.05))
            continue
        dice = rng.random()
        if dice < 0.08 and len(items) > 100:
            item = items.pop(rng.randrange(len(items)))
            client.call("DeleteItem", {"TableName": "Shop", "Key": {name: item[name] for name in ("PK", "SK")}})
            gone.append(item)
            deletions += 1
            continue
        if dice < 0.15 and gone:
            item = gone.pop(0)
            items.append(item)
        else:
            item = rng.choice(items)
        if "status" in item:
            item["status"] = {"S": rng.choice(STATES)}
        else:
            item["seen"] = {"N": str(rng.randrange(1_000_000))}
        client.call("PutItem", {"TableName": "Shop", "Item": item})
        puts += 1
    return puts, deletions


def say(folder, name, text):
    """In a file that is whole from the first moment."""
    path = os.path.join(folder, name)
    with open(path + ".part", "w", encoding="utf-8") as out:
        out.write(text + "\n")
    os.rename(path + ".part", path)


def main():
    endpoint, export, work, rate = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    client, items = Client(endpoint), read_export(export)
    fill(client, items)
    say(work, "loaded", str(len(items)))
    puts, deletions = change(client, items, rate, stop)
    say(work, "writes", f"{puts} puts and {deletions} deletions")


if __name__ == "__main__":
    main()
