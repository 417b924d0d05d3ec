"""Streams of served tables: every change once and in order, for clients of the API and for this tool, whoever wrote it."""
import itertools
import os
import random
import time

import boto3
import pytest

from live import Background
from serve_process import KEYS, REGION, Serve
from sql_side import Sql
from stream_load import WAIT_SECONDS_MAX, JavaScriptReader, Load, PythonReader, Writer, key_of, make_table
from stream_walker import StreamWalker, by_key, change_of
from tool import Tool

LOAD_SECONDS = float(os.environ.get("OFFRAMP_STREAM_SECONDS", 5))
SHARD_SECONDS = 1
FOLLOW_SECONDS = 3
VIEWS = ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]


@pytest.fixture(params=["sqlite", "postgresql"])
def streaming(request, tmp_path):
    """(server whose shards are replaced every second, its database as SQL users see it)"""
    if request.param == "sqlite":
        target, cluster = f"sqlite:{tmp_path}/served.sqlite", None
    else:
        cluster = request.getfixturevalue("postgres")
        target = cluster.new_database()
    server = Serve(target, tmp_path, words=["--stream-shard-seconds", SHARD_SECONDS])
    yield server, Sql(target, cluster)
    server.stop()


def test_under_load_every_change_is_told_once_and_in_order(streaming):
    """To boto3 and to the SDK for JavaScript, which read at once."""
    server, _ = streaming
    table, arn = make_table(server.client())
    readers = [PythonReader(server, table, arn), JavaScriptReader(server, table, arn)]
    with Load([server], table) as load:
        time.sleep(LOAD_SECONDS)
    for reader in readers:
        records, shards = reader.finish(load.changes)
        print(f"{type(reader).__name__}: {len(records)} of {load.changes} changes from {shards} shards")
        load.assert_told(records)
        assert shards // 4 >= max(2, LOAD_SECONDS / SHARD_SECONDS / 3), "the shards were replaced while they were read"
    assert load.changes > LOAD_SECONDS * 10


def wait_for_index(client, table, index, wanted="ACTIVE"):
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        found = {one["IndexName"]: one["IndexStatus"] for one in client.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", ())}
        if found.get(index) == wanted:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_an_index_comes_and_goes_while_a_stream_is_read(streaming):
    """Both are kept by triggers on the same rows: the stream stays complete, and the index is."""
    server, _ = streaming
    client = server.client()
    table, arn = make_table(client)
    reader = PythonReader(server, table, arn)
    create = {"IndexName": "by-group", "KeySchema": [{"AttributeName": "group", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
              "Projection": {"ProjectionType": "ALL"}}
    definitions = [{"AttributeName": "group", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"}]
    with Load([server], table, items=600) as load:
        time.sleep(LOAD_SECONDS / 5)
        client.update_table(TableName=table, AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[{"Create": create}])
        wait_for_index(client, table, "by-group")
        at_active = load.changes
        time.sleep(LOAD_SECONDS / 5)
    assert load.changes > at_active, "it was written to when the index was there"
    items = list(itertools.chain(*(page["Items"] for page in client.get_paginator("scan").paginate(TableName=table))))
    indexed = list(itertools.chain(*(page["Items"] for page in client.get_paginator("scan").paginate(TableName=table, IndexName="by-group"))))
    held = {number: item for writer in load.writers for number, item in writer.items.items()}
    assert {int(item["sk"]["N"]): item for item in items} == held
    assert {int(item["sk"]["N"]): item for item in indexed} == {number: item for number, item in held.items() if "group" in item}
    assert len(indexed) == sum("group" in item for item in held.values()) > 0
    with load.again():
        client.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-group"}}])
        wait_for_index(client, table, "by-group", None)
        time.sleep(LOAD_SECONDS / 5)
    records, shards = reader.finish(load.changes)
    print(f"{len(records)} of {load.changes} changes from {shards} shards")
    load.assert_told(records)


@pytest.fixture
def four(postgres, tmp_path):
    """Four processes over one PostgreSQL; each replaces shards."""
    target = postgres.new_database()
    servers = [Serve(target, tmp_path, words=["--stream-shard-seconds", SHARD_SECONDS]) for _ in range(4)]
    yield servers
    for server in servers:
        server.stop()


def test_two_processes_write_and_two_others_read(four):
    client = four[0].client()
    table, arn = make_table(client)
    for server in four[1:]:  # a process learns of a table by asking for it
        server.client().describe_table(TableName=table)
    readers = [PythonReader(four[2], table, arn), JavaScriptReader(four[3], table, arn)]
    with Load(four[:2], table) as load:
        time.sleep(LOAD_SECONDS)
    for reader in readers:
        records, shards = reader.finish(load.changes)
        print(f"{type(reader).__name__}: {len(records)} of {load.changes} changes from {shards} shards")
        load.assert_told(records)
        assert shards // 4 >= max(2, LOAD_SECONDS / SHARD_SECONDS / 3)
    assert load.changes > LOAD_SECONDS * 10


def test_a_closed_shard_ends_and_its_children_go_on(streaming):
    server, _ = streaming
    client, streams = server.client(), server.client("dynamodbstreams")
    table, arn = make_table(client, "KEYS_ONLY")
    walker = StreamWalker(streams, arn)
    first = {shard["ShardId"] for shard in walker.discover()}
    client.put_item(TableName=table, Item={**key_of(1), "v": {"S": "x"}})
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not first <= walker.done and time.monotonic() < deadline:
        walker.step()
    assert first <= walker.done
    listed = {shard["ShardId"]: shard for shard in walker.discover()}
    for shard in first:
        assert len(listed[shard]["SequenceNumberRange"]["EndingSequenceNumber"]) == 21
        children = [other for other in listed.values() if other.get("ParentShardId") == shard]
        assert len(children) == 1
    assert [change_of(record)[:4] for record in walker.records] == [("INSERT", key_of(1), None, None)]
    client.update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    while set(walker.shards) != walker.done and time.monotonic() < deadline:
        walker.step()
    assert set(walker.shards) == walker.done, "a stream that is switched off ends"
    client.delete_table(TableName=table)
    assert streams.describe_stream(StreamArn=arn)["StreamDescription"]["StreamStatus"] == "DISABLED"


def test_sql_writers_and_their_origin_are_told(streaming):
    server, side = streaming
    client, streams = server.client(), server.client("dynamodbstreams")
    table, arn = make_table(client)
    client.put_item(TableName=table, Item={**key_of(1), "v": {"S": "x"}})
    side.run(f'UPDATE "{table}" SET pk = pk')
    side.run(f'INSERT INTO "{table}" (pk, sk) VALUES (\'sql\', 7)')
    if side.file:
        side.run(f"BEGIN; INSERT INTO _offramp_origin VALUES ('nightly'); DELETE FROM \"{table}\" WHERE pk = 'sql'; "
                 "DELETE FROM _offramp_origin; COMMIT")
    else:
        side.run(f"BEGIN; SET LOCAL offramp.origin = 'nightly'; DELETE FROM \"{table}\" WHERE pk = 'sql'; COMMIT")
    # The second key is the first one's removal, and an insertion.
    side.run(f'UPDATE "{table}" SET sk = 2 WHERE sk = 1')
    raw = server.connection()
    records = []
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    walker = StreamWalker(streams, arn)
    while len(walker.records) < 5 and time.monotonic() < deadline:
        walker.step()
    # boto3 drops members that it does not know: the wire has the origin.
    for shard in walker.shards:
        iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        answer = raw.call("DynamoDBStreams_20120810.GetRecords", {"ShardIterator": iterator})
        records += answer.json["Records"]
    raw.close()
    told = {}
    for record in sorted(records, key=lambda record: record["dynamodb"]["SequenceNumber"]):
        told.setdefault(record["dynamodb"]["Keys"]["sk"]["N"], []).append((record["eventName"], record.get("offrampOrigin")))
    assert told == {"1": [("INSERT", None), ("REMOVE", None)], "7": [("INSERT", None), ("REMOVE", "nightly")], "2": [("INSERT", None)]}


PLAN = """version: 1
source:
  table: {table}
  region: eu-west-1
  endpoint: {url}
  key: {{pk: S, sk: N}}
  load: {{from: scan}}
  capture: streams
target: {target}
tables:
  - into: copied
    columns: {{v: {{from: v, type: text}}}}
"""


def test_the_tool_follows_what_the_api_and_sql_write(streaming, target, postgres, tmp_path):
    """INSERT, UPDATE and DELETE by people who know nothing of this tool, beside writers of the API."""
    server, side = streaming
    client = server.client()
    table, _ = make_table(client)
    folder = tmp_path / "migration"
    folder.mkdir()
    tool = Tool(folder)
    with open(tool.plan_path, "w", encoding="utf-8") as plan:
        plan.write(PLAN.format(table=table, url=server.url, target=target))
    for number in range(100):
        client.put_item(TableName=table, Item={**key_of(number), "v": {"S": "before"}})
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    writer = Writer([server.client()], table, list(range(60)), seed)
    running = Background(tool, "run", tool.plan_path)
    try:
        writer.start()
        end = time.monotonic() + FOLLOW_SECONDS
        steps = 0
        while time.monotonic() < end or steps < 10:
            assert running.running(), running.said()
            steps += 1
            extra = f"'{{\"v\":{{\"S\":\"sql {steps}\"}}}}'"
            side.run(f'INSERT INTO "{table}" (pk, sk, extra) VALUES (\'sql\', {1000 + steps}.5, {extra})')
            side.run(f'UPDATE "{table}" SET extra = {extra} WHERE sk >= 90')
            side.run(f"UPDATE \"{table}\" SET pk = 'moved' WHERE pk = 'sql' AND sk = {1000 + steps // 2}.5")
            side.run(f'DELETE FROM "{table}" WHERE sk > 70 AND sk < {random.randrange(71, 90)}')
        writer.stopped.set()
        writer.join()
        assert writer.failure is None, writer.failure
        pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        expected = sorted((item["pk"]["S"], float(item["sk"]["N"]), item.get("v", {}).get("S")) for page in pages for item in page["Items"])
        assert {pk for pk, _, _ in expected} > {"sql", "moved"} and expected[-1][2] == f"sql {steps}"
        copy = Sql(target, postgres)

        def copied():
            if "copied" not in copy.tables():
                return []
            return sorted((pk, float(sk), v) for pk, sk, v in copy.rows("SELECT pk, sk, v FROM copied"))

        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while copied() != expected:
            assert time.monotonic() < deadline, f"the copy is not equal; the tool said\n{running.said()[-3000:]}"
            assert running.running(), running.said()
            time.sleep(0.2)
        running.terminate()
    finally:
        running.kill()
        writer.stopped.set()
    tool.run("run", tool.plan_path, "--until", "verified")
    assert tool.run("verify", tool.plan_path, "--json").json()["equal"] is True


def random_write(rng, table, client):
    """One write that both servers take, or refuse alike; what to say of it."""
    key = key_of(rng.randrange(6))
    values = [{"S": rng.choice(["x", "yy", ""])}, {"N": rng.choice(["1", "1.0", "-2.50", "1e3"])}, {"BOOL": True}, {"NULL": True},
              {"B": b"\x00\xff"}, {"SS": rng.sample(["a", "b", "c"], 2)}, {"NS": ["1", "2.0"]}, {"L": [{"N": "1"}, {"S": "l"}]},
              # Not an empty map in a map: DynamoDB Local's streams tell it without its type.
              {"M": {"inner": {"M": {"x": {"BOOL": False}}}, "n": {"N": "7"}}}]
    kind = rng.randrange(5)
    if kind == 0:
        return client.delete_item(TableName=table, Key=key)
    if kind == 1:
        return client.update_item(TableName=table, Key=key, UpdateExpression="SET a = :a REMOVE b",
                                  ExpressionAttributeValues={":a": rng.choice(values)})
    if kind == 2:
        return client.update_item(TableName=table, Key=key)
    if kind == 3:
        return client.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": {**key, "a": rng.choice(values)}}}]})
    item = {**key, **{name: rng.choice(values) for name in rng.sample("abc", rng.randrange(3))}}
    return client.put_item(TableName=table, Item=item)


@pytest.mark.parametrize("view", VIEWS)
def test_records_are_those_of_dynamodb_local(streaming, dynamodb, view):
    server, _ = streaming
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    told = []
    for url, client, streams in ((server.url, server.client(), server.client("dynamodbstreams")),
                                 (dynamodb.url, dynamodb.client,
                                  boto3.client("dynamodbstreams", endpoint_url=dynamodb.url, region_name=REGION, **KEYS))):
        table, arn = make_table(client, view)
        rng = random.Random(seed)
        for _ in range(300):
            random_write(rng, table, client)
        marker = {"pk": {"S": "end"}, "sk": {"N": "0"}}
        client.put_item(TableName=table, Item=marker)
        walker = StreamWalker(streams, arn)
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while time.monotonic() < deadline:
            walker.step()
            if any(record["dynamodb"]["Keys"] == marker for record in walker.records) and walker.step() == 0:
                break
        told.append({key: [ordered(change_of(record)) for record in records]
                     for key, records in by_key(walker.records, ["pk", "sk"]).items()})
        client.delete_table(TableName=table)
    assert set(told[0]) == set(told[1])
    for key in told[0]:
        for place, (ours, theirs) in enumerate(itertools.zip_longest(told[0][key], told[1][key])):
            assert ours == theirs, f"record {place} of {key}: {ours} and not {theirs}"
    assert sum(map(len, told[0].values())) > 100


def ordered(at):
    """Sets in one order, and numbers in one form: DynamoDB Local tells them as they were written, the service does not."""
    if isinstance(at, dict):
        return {name: sorted(content) if name in ("SS", "BS") else sorted(map(float, content)) if name == "NS"
                else float(content) if name == "N" else ordered(content) for name, content in at.items()}
    if isinstance(at, (list, tuple)):
        return [ordered(content) for content in at]
    return at
