"""Writers who note what a stream must tell of them, and the comparison with what readers were told.

Each writer has items of its own, so it knows the order of their changes; `assert_told` wants each change exactly once, in
that order.
"""
import json
import os
import random
import subprocess
import threading
import time
import uuid

import paths
from servers import install
from stream_walker import StreamWalker, by_key
from tool import environment

WAIT_SECONDS_MAX = 60


def make_table(client, view="NEW_AND_OLD_IMAGES", name=None, **more):
    """(its name, its stream's ARN)"""
    name = name or f"streamed_{uuid.uuid4().hex[:8]}"
    description = client.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view}, **more)["TableDescription"]
    return name, description["LatestStreamArn"]


def key_of(number):
    return {"pk": {"S": f"p{number % 17}"}, "sk": {"N": str(number)}}


class Writer(threading.Thread):
    """Writes its own items, each write through any of the clients, and notes for each item what must be told of it: (old
    item, new item) in order."""

    def __init__(self, clients, table, numbers, seed):
        super().__init__(daemon=True)
        self.clients, self.table, self.numbers = clients, table, numbers
        self.random = random.Random(seed)
        self.stopped = threading.Event()
        self.items = {}
        self.told = {}
        self.failure = None

    def run(self):
        try:
            while not self.stopped.is_set():
                self.step()
        except Exception as failure:  # shown by whoever waits for the thread
            self.failure = failure

    def again(self):
        assert self.failure is None, self.failure
        other = Writer(self.clients, self.table, self.numbers, self.random.random())
        other.items, other.told = self.items, self.told
        return other

    def note(self, number, new):
        old = self.items.get(number)
        if old != new:
            self.told.setdefault(number, []).append((old, new))
        if new is None:
            self.items.pop(number, None)
        else:
            self.items[number] = new

    def item(self, number):
        item = {**key_of(number), "v": {"S": f"{self.random.randrange(10**6)}" * self.random.choice([1, 1, 1, 200])}}
        if self.random.random() < 0.7:
            item["group"] = {"S": f"g{self.random.randrange(9)}"}
        return item

    def step(self):
        client, chosen = self.random.choice(self.clients), self.random.random()
        number = self.random.choice(self.numbers)
        if chosen < 0.5:
            item = self.item(number)
            client.put_item(TableName=self.table, Item=item)
            self.note(number, item)
        elif chosen < 0.6 and number in self.items:
            client.put_item(TableName=self.table, Item=self.items[number])  # changes nothing
        elif chosen < 0.75:
            client.delete_item(TableName=self.table, Key=key_of(number))
            self.note(number, None)
        else:
            items = {one: self.item(one) for one in self.random.sample(self.numbers, 3)}
            client.transact_write_items(
                TransactItems=[{"Put": {"TableName": self.table, "Item": item}} for item in items.values()])
            for one, item in items.items():
                self.note(one, item)


class Load:
    """Four writers, from entering to leaving; each writes through all of the servers."""

    WRITERS = 4

    def __init__(self, servers, table, items=60):
        self.seed = random.randrange(10**9)
        print(f"seed {self.seed}")
        self.writers = [Writer([server.client() for server in servers], table, list(range(at, items, self.WRITERS)), self.seed + at)
                        for at in range(self.WRITERS)]

    def __enter__(self):
        for writer in self.writers:
            writer.start()
        return self

    def __exit__(self, *_):
        for writer in self.writers:
            writer.stopped.set()
        for writer in self.writers:
            writer.join()

    def again(self):
        """The same writers go on where they stopped."""
        self.writers = [writer.again() for writer in self.writers]
        return self

    @property
    def changes(self):
        return sum(len(steps) for writer in self.writers for steps in list(writer.told.values()))

    def assert_told(self, records):
        """`records` are a stream's, as GetRecords gives them, those of one item in the order of their reading."""
        found = by_key(records, ["sk"])
        for writer in self.writers:
            assert writer.failure is None, writer.failure
            for number, steps in writer.told.items():
                records = found.pop((repr({"N": str(number)}),), [])
                seen = [(record["dynamodb"].get("OldImage"), record["dynamodb"].get("NewImage")) for record in records]
                assert seen == steps, f"item {number}"
                numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
                assert numbers == sorted(numbers)
        assert not found


class PythonReader(threading.Thread):
    """boto3 in a thread of its own; like JavaScriptReader."""

    def __init__(self, server, table, arn):
        super().__init__(daemon=True)
        self.walker = StreamWalker(server.client("dynamodbstreams"), arn)
        self.expected, self.deadline, self.failure = None, None, None
        self.start()

    def run(self):
        try:
            while self.expected is None or len(self.walker.records) < self.expected and time.monotonic() < self.deadline:
                self.walker.step()
            self.walker.step()  # what is told twice comes now
        except Exception as failure:  # shown by finish()
            self.failure = failure

    def finish(self, expected):
        """(all records, how many shards they were in) when there are so many."""
        self.deadline = time.monotonic() + WAIT_SECONDS_MAX
        self.expected = expected
        self.join()
        assert self.failure is None, self.failure
        return self.walker.records, len(self.walker.shards)


class JavaScriptReader:
    """The AWS SDK for JavaScript v3 in a process; reads from the moment that this is made."""

    def __init__(self, server, table, arn):
        script = os.path.join(paths.ROOT, "tests", "integration", "serve", "js", "streams.mjs")
        self.process = subprocess.Popen(["node", "--no-warnings", script, install("install_js_sdk.sh"), server.url, table, arn],
                                        env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines, self.errors = [], []
        self.threads = [threading.Thread(target=lambda out=out, lines=lines: lines.extend(out), daemon=True)
                        for out, lines in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))]
        assert self.process.stdout.readline() == "{}\n", self.process.stderr.read()
        for thread in self.threads:
            thread.start()

    def finish(self, expected):
        try:
            self.process.stdin.write(f"{expected}\n")
            self.process.stdin.flush()
            code = self.process.wait(2 * WAIT_SECONDS_MAX)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
        for thread in self.threads:
            thread.join()
        assert code == 0, "".join(self.errors)
        records = [json.loads(line) for line in self.lines]
        seen = {}
        for record in records:
            assert record["eventID"] not in seen, f"twice, in {seen[record['eventID']]} and {record['shard']}"
            seen[record["eventID"]] = record["shard"]
        return records, len(set(seen.values()))
