#!/usr/bin/python3
"""A DynamoDB table that is being written to, for the demo: DynamoDB Local, filled from an export, changed until stopped.

    scripts/demo_table.py EXPORT_FOLDER WORK_FOLDER CHANGES_PER_SECOND

Prints the table's address once it is there, keeps writing until SIGUSR1 or SIGTERM, and says how much it wrote in
WORK_FOLDER/writes.txt. SIGUSR1 ends the writing only, SIGTERM (or the end of its parent) everything.
"""
import glob
import gzip
import json
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "support"))
from dynamodb_local import DynamoDbLocal, to_boto  # noqa: E402

STATES = ["NEW", "PAID", "SHIPPED", "DELIVERED", "RETURNED"]


def read_export(folder):
    items = []
    for path in sorted(glob.glob(os.path.join(folder, "data", "*.gz"))):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            items += [json.loads(line)["Item"] for line in lines]
    return items


def write(server, items, rate, stop, counts):
    """Changes, deletes and brings back items at about `rate` a second."""
    rng = random.Random(7)
    client, gone = server.client, []
    began = time.monotonic()
    while not stop.is_set():
        ahead = sum(counts.values()) / rate - (time.monotonic() - began)
        if ahead > 0:
            time.sleep(min(ahead, 0.05))
            continue
        dice = rng.random()
        if dice < 0.08 and len(items) > 100:
            item = items.pop(rng.randrange(len(items)))
            client.delete_item(TableName="Shop", Key={name: to_boto(item[name]) for name in ("PK", "SK")})
            gone.append(item)
            counts["deletions"] += 1
        else:
            if dice < 0.15 and gone:
                item = gone.pop(0)
                items.append(item)
            else:
                item = rng.choice(items)
            if "status" in item:
                item["status"] = {"S": rng.choice(STATES)}
            else:
                item["seen"] = {"N": str(rng.randrange(1_000_000))}
            client.put_item(TableName="Shop", Item={name: to_boto(value) for name, value in item.items()})
            counts["puts"] += 1


def main():
    export, work, rate = sys.argv[1], sys.argv[2], float(sys.argv[3])
    items = read_export(export)
    server = DynamoDbLocal(work)
    writing, ended = threading.Event(), threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: writing.set())
    signal.signal(signal.SIGTERM, lambda *_: (writing.set(), ended.set()))
    try:
        server.create("Shop", ("PK", "S"), ("SK", "S"),
                      StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        server.put_all("Shop", items)
        counts = {"puts": 0, "deletions": 0}
        print(server.source("Shop"), flush=True)
        write(server, items, rate, writing, counts)
        with open(os.path.join(work, "writes.txt.part"), "w", encoding="utf-8") as out:
            out.write(f"{counts['puts']} puts and {counts['deletions']} deletions\n")
        os.rename(os.path.join(work, "writes.txt.part"), os.path.join(work, "writes.txt"))
        while not ended.is_set() and os.getppid() != 1:
            ended.wait(0.2)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
