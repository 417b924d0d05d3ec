"""A reader of a table's stream as the developer guide asks for it: parents before children, each shard to its end.

    walker = StreamWalker(client("dynamodbstreams"), arn)
    walker.step()            # one round over all shards that may be read; the number of new records
    walker.records           # in the order of their reading
"""


class StreamWalker:
    def __init__(self, client, arn, page=1000):
        self.client, self.arn, self.page = client, arn, page
        self.shards = {}     # id: parent or None
        self.iterators = {}  # id: where to read on
        self.done = set()
        self.records = []
        self.seen = {}       # (event id): shard

    def discover(self):
        listed, start = [], {}
        while True:
            found = self.client.describe_stream(StreamArn=self.arn, **start)["StreamDescription"]
            listed += found["Shards"]
            if "LastEvaluatedShardId" not in found:
                break
            start = {"ExclusiveStartShardId": found["LastEvaluatedShardId"]}
        for shard in listed:
            self.shards.setdefault(shard["ShardId"], shard.get("ParentShardId"))
        return listed

    def readable(self):
        return [shard for shard, parent in self.shards.items()
                if shard not in self.done and (parent not in self.shards or parent in self.done)]

    def read(self, shard):
        if shard not in self.iterators:
            self.iterators[shard] = self.client.get_shard_iterator(
                StreamArn=self.arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        answer = self.client.get_records(ShardIterator=self.iterators[shard], Limit=self.page)
        for record in answer["Records"]:
            assert record["eventID"] not in self.seen, f"twice, in {self.seen[record['eventID']]} and {shard}: {record}"
            self.seen[record["eventID"]] = shard
            self.records.append(record)
        if "NextShardIterator" in answer:
            self.iterators[shard] = answer["NextShardIterator"]
        else:
            self.done.add(shard)
        return len(answer["Records"])

    def step(self):
        self.discover()
        return sum(self.read(shard) for shard in self.readable())


def change_of(record):
    """What two servers must tell alike of a change."""
    change = record["dynamodb"]
    return (record["eventName"], change["Keys"], change.get("NewImage"), change.get("OldImage"), change["SizeBytes"],
            change["StreamViewType"])


def by_key(records, key):
    """{key values: the records of that item, in order}"""
    found = {}
    for record in records:
        keys = record["dynamodb"]["Keys"]
        found.setdefault(tuple(repr(keys[name]) for name in key), []).append(record)
    return found
