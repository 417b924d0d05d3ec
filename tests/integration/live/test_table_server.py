"""The scripted table answers as the service does: AWS's own SDK reads it, and DynamoDB Local gives the same shapes."""
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from decimal import Decimal

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError

import paths
from dynamodb_local import KEYS, REGION
from prepared_stream import Pacer, prepare
from table_server import TableServer

SUPPORT = os.path.join(paths.ROOT, "tests", "support")


@pytest.fixture
def server():
    server = TableServer()
    yield server
    server.stop()


def client(server, kind="dynamodbstreams", retries=0):
    return boto3.client(kind, endpoint_url=server.url, region_name=REGION, **KEYS,
                        config=Config(retries={"max_attempts": retries}, parameter_validation=False))


@pytest.fixture
def streams(server):
    return client(server)


def item(number, **more):
    return dict({"pk": {"S": f"k{number}"}, "n": {"N": str(number)}}, **more)


def refused(call, **words):
    with pytest.raises(ClientError) as caught:
        call(**words)
    return caught.value.response["Error"]["Code"]


def shards(streams, arn):
    """Every shard of every page."""
    found, start = [], {}
    while True:
        out = streams.describe_stream(StreamArn=arn, **start)["StreamDescription"]
        found += out["Shards"]
        if "LastEvaluatedShardId" not in out:
            return found
        start = {"ExclusiveStartShardId": out["LastEvaluatedShardId"]}


def read(streams, arn, shard_id, kind="TRIM_HORIZON", calls=1000, **words):
    """The records of a shard until its end or an empty answer; and whether it ended."""
    at = streams.get_shard_iterator(StreamArn=arn, ShardId=shard_id, ShardIteratorType=kind, **words)["ShardIterator"]
    found = []
    for _ in range(calls):
        out = streams.get_records(ShardIterator=at)
        found += out["Records"]
        at = out.get("NextShardIterator")
        if at is None:
            return found, True
        if not out["Records"]:
            break
    return found, False


def test_records_of_every_kind_of_change(server, streams):
    table = server.tables.create("Orders", ("pk", "S"), ("sk", "N"))
    stream = table.enable_stream()
    first = {"pk": {"S": "a"}, "sk": {"N": "1"}, "x": {"B": "AP/+"}}
    second = dict(first, x={"L": [{"NULL": True}]})
    table.write(("put", first))
    table.write(("put", first))  # changes nothing
    table.write(("put", second))
    table.write(("delete", {"pk": {"S": "a"}, "sk": {"N": "1.0"}}))
    table.write(("delete", {"pk": {"S": "a"}, "sk": {"N": "1"}}))  # is not there
    table.write(("put", first))
    table.expire({"pk": {"S": "a"}, "sk": {"N": "1"}})
    (shard,) = shards(streams, stream.arn)
    found, ended = read(streams, stream.arn, shard["ShardId"])
    assert not ended
    assert [record["eventName"] for record in found] == ["INSERT", "MODIFY", "REMOVE", "INSERT", "REMOVE"]
    change = found[1]["dynamodb"]
    assert change["NewImage"] == {"pk": {"S": "a"}, "sk": {"N": "1"}, "x": {"L": [{"NULL": True}]}}
    assert change["OldImage"]["x"] == {"B": b"\0\xff\xfe"} and change["Keys"] == {"pk": {"S": "a"}, "sk": {"N": "1"}}
    assert abs(change["ApproximateCreationDateTime"].timestamp() - time.time()) < 60
    assert "NewImage" not in found[2]["dynamodb"]
    assert "userIdentity" not in found[2]
    assert found[4]["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in found]
    assert numbers == sorted(set(numbers))


def test_the_four_iterator_types(server, streams):
    table = server.tables.create("Orders")
    stream = table.enable_stream()
    for number in range(10):
        table.write(("put", item(number)))
    (shard,) = stream.shards
    everything, _ = read(streams, stream.arn, shard)
    third = everything[3]["dynamodb"]["SequenceNumber"]
    assert read(streams, stream.arn, shard, "AT_SEQUENCE_NUMBER", SequenceNumber=third)[0] == everything[3:]
    assert read(streams, stream.arn, shard, "AFTER_SEQUENCE_NUMBER", SequenceNumber=third)[0] == everything[4:]
    assert read(streams, stream.arn, shard, "LATEST")[0] == []
    words = {"StreamArn": stream.arn, "ShardId": shard}
    ask = streams.get_shard_iterator
    assert refused(ask, **words, ShardIteratorType="LATEST", SequenceNumber=third) == "ValidationException"
    assert refused(ask, **words, ShardIteratorType="AT_SEQUENCE_NUMBER") == "ValidationException"
    assert refused(ask, **words, ShardIteratorType="NEWEST") == "ValidationException"
    assert refused(ask, StreamArn=stream.arn, ShardId=shard + "x", ShardIteratorType="LATEST") \
        == "ResourceNotFoundException"
    assert refused(ask, StreamArn=stream.arn + "1", ShardId=shard, ShardIteratorType="LATEST") \
        == "ResourceNotFoundException"
    assert refused(streams.get_records, ShardIterator="nonsense") == "ValidationException"


def test_limits_of_a_page(server, streams):
    table = server.tables.create("Orders")
    stream = table.enable_stream("NEW_IMAGE")
    for number in range(1500):
        table.write(("put", item(number)))
    for number in range(8):
        table.write(("put", item(number, big={"S": "x" * 300_000})))
    (shard,) = stream.shards
    at = streams.get_shard_iterator(StreamArn=stream.arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    sizes = []
    for limit in ({"Limit": 10}, {}, {}, {}, {}):
        at = out = streams.get_records(ShardIterator=at.get("NextShardIterator") or at["ShardIterator"], **limit)
        sizes.append(len(out["Records"]))
    assert sizes == [10, 1000, 492, 3, 3]
    assert refused(streams.get_records, ShardIterator=at["NextShardIterator"], Limit=1001) == "ValidationException"


def test_children_take_over_each_key_in_order(server, streams):
    table = server.tables.create("Orders")
    stream = table.enable_stream(shards=2)
    rng = random.Random(5)
    for version in range(300):
        table.write(("put", item(version % 7, version={"N": str(version)})))
        if version % 60 == 59:
            shard = rng.choice(stream.open_shards())
            stream.roll(shard) if version % 120 == 59 else stream.split(shard)
    listed = shards(streams, stream.arn)
    assert len(listed) == 2 + 3 * 1 + 2 * 2
    parents = {shard["ShardId"]: shard.get("ParentShardId") for shard in listed}
    newest = {}
    done, order = set(), list(parents)
    while order:
        shard_id = order.pop(0)
        if parents[shard_id] and parents[shard_id] not in done:
            order.append(shard_id)
            continue
        found, ended = read(streams, stream.arn, shard_id)
        (entry,) = (shard for shard in listed if shard["ShardId"] == shard_id)
        assert ended == ("EndingSequenceNumber" in entry["SequenceNumberRange"])
        for record in found:
            image = record["dynamodb"]["NewImage"]
            assert newest.get(image["pk"]["S"], -1) < int(image["version"]["N"])
            newest[image["pk"]["S"]] = int(image["version"]["N"])
        done.add(shard_id)
    assert sorted(newest.values()) == list(range(293, 300))


def test_a_listing_that_lags(server, streams):
    table = server.tables.create("Orders")
    stream = table.enable_stream()
    (shard,) = stream.shards
    assert len(shards(streams, stream.arn)) == 1
    first, second = stream.split(shard, listed_after=1, second_listed_after=3, closing_listed_after=2)
    seen = []
    for _ in range(5):
        listed = shards(streams, stream.arn)
        closed = "EndingSequenceNumber" in listed[0]["SequenceNumberRange"]
        seen.append(([entry["ShardId"] for entry in listed[1:]], closed))
    assert seen == [([], False), ([first], False), ([first], True), ([first, second], True), ([first, second], True)]
    # Reading knows at once.
    assert read(streams, stream.arn, shard) == ([], True)


def test_more_shards_than_a_page_lists(server, streams):
    table = server.tables.create("Orders")
    stream = table.enable_stream(shards=250)
    assert len(streams.describe_stream(StreamArn=stream.arn)["StreamDescription"]["Shards"]) == 100
    listed = [shard["ShardId"] for shard in shards(streams, stream.arn)]
    assert listed == list(stream.shards) and len(set(listed)) == 250
    for number in range(1000):
        table.write(("put", item(number)))
    assert sum(len(read(streams, stream.arn, shard)[0]) for shard in listed) == 1000


def test_what_is_older_than_the_retention_is_trimmed(server, streams):
    table = server.tables.create("Orders")
    stream = table.enable_stream(retention_s=100)
    (old,) = stream.shards
    table.write(("put", item(1)))
    before = read(streams, stream.arn, old)[0][0]["dynamodb"]["SequenceNumber"]
    stale = streams.get_shard_iterator(StreamArn=stream.arn, ShardId=old, ShardIteratorType="TRIM_HORIZON")
    server.tables.advance(60)
    table.write(("put", item(2)))
    server.tables.advance(60)
    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in read(streams, stream.arn, old)[0]] == ["k2"]
    assert refused(streams.get_records, ShardIterator=stale["ShardIterator"]) == "TrimmedDataAccessException"
    assert refused(streams.get_shard_iterator, StreamArn=stream.arn, ShardId=old, SequenceNumber=before,
                   ShardIteratorType="AFTER_SEQUENCE_NUMBER") == "TrimmedDataAccessException"
    child = stream.roll(old)
    server.tables.advance(101)
    assert [shard["ShardId"] for shard in shards(streams, stream.arn)] == [child]
    assert shards(streams, stream.arn)[0]["ParentShardId"] == old
    assert refused(streams.get_shard_iterator, StreamArn=stream.arn, ShardId=old,
                   ShardIteratorType="TRIM_HORIZON") == "ResourceNotFoundException"


def test_iterators_expire(server, streams):
    table = server.tables.create("Orders")
    stream = table.enable_stream(iterator_calls=3)
    (shard,) = stream.shards
    at = streams.get_shard_iterator(StreamArn=stream.arn, ShardId=shard, ShardIteratorType="LATEST")["ShardIterator"]
    for _ in range(3):
        streams.get_records(ShardIterator=at)
    assert refused(streams.get_records, ShardIterator=at) == "ExpiredIteratorException"
    stream.iterator_calls = None
    at = streams.get_shard_iterator(StreamArn=stream.arn, ShardId=shard, ShardIteratorType="LATEST")["ShardIterator"]
    server.tables.advance(901)
    assert refused(streams.get_records, ShardIterator=at) == "ExpiredIteratorException"


def test_empty_answers_in_between(server, streams):
    table = server.tables.create("Orders")
    stream = table.enable_stream(empty_pages=2, page_records=5)
    (shard,) = stream.shards
    for number in range(12):
        table.write(("put", item(number)))
    stream.roll(shard)
    at = streams.get_shard_iterator(StreamArn=stream.arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    at, sizes = at["ShardIterator"], []
    while at:
        out = streams.get_records(ShardIterator=at)
        sizes.append(len(out["Records"]))
        at = out.get("NextShardIterator")
    assert sizes == [0, 0, 5, 0, 0, 5, 0, 0, 2]


def test_a_stream_is_disabled_and_another_one_enabled(server, streams):
    tables = client(server, "dynamodb")
    table = server.tables.create("Orders")
    table.enabling_calls = 2
    described = tables.describe_table(TableName="Orders")["Table"]
    assert "LatestStreamArn" not in described and "StreamSpecification" not in described
    wanted = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    out = tables.update_table(TableName="Orders", StreamSpecification=wanted)["TableDescription"]
    assert out["StreamSpecification"] == wanted and out["TableStatus"] == "UPDATING"
    arn = out["LatestStreamArn"]
    assert refused(tables.update_table, TableName="Orders", StreamSpecification=wanted) == "ValidationException"
    assert streams.describe_stream(StreamArn=arn)["StreamDescription"]["StreamStatus"] == "ENABLED"
    tables.put_item(TableName="Orders", Item={"pk": {"S": "a"}, "v": {"N": "1"}})
    (shard,) = shards(streams, arn)
    (record,), _ = read(streams, arn, shard["ShardId"])
    assert record["dynamodb"].keys().isdisjoint({"NewImage", "OldImage"})
    tables.update_table(TableName="Orders", StreamSpecification={"StreamEnabled": False})
    described = tables.describe_table(TableName="Orders")["Table"]
    assert described["LatestStreamArn"] == arn and "StreamSpecification" not in described
    assert streams.describe_stream(StreamArn=arn)["StreamDescription"]["StreamStatus"] == "DISABLED"
    tables.put_item(TableName="Orders", Item={"pk": {"S": "b"}})  # nobody records it
    second = table.enable_stream()
    assert second.arn != arn
    # The old one is still read, to its end.
    assert read(streams, arn, shard["ShardId"]) == ([record], True)
    assert [entry["StreamArn"] for entry in streams.list_streams(TableName="Orders")["Streams"]] == [arn, second.arn]
    server.tables.advance(25 * 3600)
    assert refused(streams.describe_stream, StreamArn=arn) == "ResourceNotFoundException"


def test_sequence_numbers_of_forty_digits():
    from scripted_table import Tables
    server = TableServer(Tables(first_sequence=10**39 - 500))
    try:
        streams = client(server)
        table = server.tables.create("Orders")
        stream = table.enable_stream()
        for number in range(20):
            table.write(("put", item(number)))
        (shard,) = stream.shards
        numbers = [record["dynamodb"]["SequenceNumber"] for record in read(streams, stream.arn, shard)[0]]
        assert {len(number) for number in numbers} == {39, 40} and sorted(numbers, key=int) == numbers != sorted(numbers)
        assert len(read(streams, stream.arn, shard, "AFTER_SEQUENCE_NUMBER", SequenceNumber=numbers[11])[0]) == 8
    finally:
        server.stop()


def test_scan_and_batch_get(server):
    tables = client(server, "dynamodb")
    table = server.tables.create("Orders", ("pk", "S"), ("sk", "N"))
    content = [{"pk": {"S": f"p{number % 13}"}, "sk": {"N": str(number)}, "filler": {"S": "x" * 5000}}
               for number in range(1000)]
    table.load(content)
    for segments, limit in ((1, {}), (4, {}), (3, {"Limit": 7})):
        found = []
        for segment in range(segments):
            start = {}
            while True:
                out = tables.scan(TableName="Orders", Segment=segment, TotalSegments=segments, ConsistentRead=True,
                                  ReturnConsumedCapacity="TOTAL", **limit, **start)
                found += out["Items"]
                assert out["Count"] == len(out["Items"]) and out["ConsumedCapacity"]["CapacityUnits"] >= 1
                if "LastEvaluatedKey" not in out:
                    break
                start = {"ExclusiveStartKey": out["LastEvaluatedKey"]}
        assert sorted(found, key=lambda entry: int(entry["sk"]["N"])) == content
    keys = [{"pk": {"S": "p3"}, "sk": {"N": "3.0"}}, {"pk": {"S": "p3"}, "sk": {"N": "4"}}]
    out = tables.batch_get_item(RequestItems={"Orders": {"Keys": keys, "ConsistentRead": True}})
    assert out["Responses"] == {"Orders": [content[3]]} and out["UnprocessedKeys"] == {}
    assert refused(tables.describe_table, TableName="Nowhere") == "ResourceNotFoundException"


def test_trouble(server, streams):
    table = server.tables.create("Orders")
    stream = table.enable_stream()
    kinds = ["throttle", "limit", "fault", "reset", "cut", ("error", "ExpiredIteratorException", "old"), ("stall", 0.1)]
    server.trouble = lambda operation, number: kinds[number] if operation == "DescribeStream" else None
    ask = streams.describe_stream
    assert refused(ask, StreamArn=stream.arn) == "ProvisionedThroughputExceededException"
    assert refused(ask, StreamArn=stream.arn) == "LimitExceededException"
    assert refused(ask, StreamArn=stream.arn) == "InternalServerError"
    with pytest.raises(HTTPClientError):
        ask(StreamArn=stream.arn)
    # Whether botocore notices half an answer depends on its version.
    plain = http.client.HTTPConnection("127.0.0.1", server.port)
    plain.request("POST", "/", json.dumps({"StreamArn": stream.arn}),
                  {"X-Amz-Target": "DynamoDBStreams_20120810.DescribeStream"})
    with pytest.raises(http.client.IncompleteRead):
        plain.getresponse().read()
    assert refused(ask, StreamArn=stream.arn) == "ExpiredIteratorException"
    began = time.monotonic()
    assert ask(StreamArn=stream.arn)["StreamDescription"]["StreamArn"] == stream.arn
    assert time.monotonic() - began >= 0.1
    assert sum(server.troubles.values()) == len(kinds)


def test_stopped_and_started_again(server):
    streams = client(server)
    table = server.tables.create("Orders")
    stream = table.enable_stream()
    streams.describe_stream(StreamArn=stream.arn)
    server.stop()
    with pytest.raises((EndpointConnectionError, HTTPClientError)):
        streams.describe_stream(StreamArn=stream.arn)
    server.start()
    assert len(shards(streams, stream.arn)) == 1


def test_the_shapes_are_those_of_dynamodb_local(server, streams, dynamodb):
    """Another server, that this project did not write, in the same situation: the same members of the same types."""
    dynamodb.create("Shapes", ("pk", "S"), ("sk", "N"),
                    StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    ours = server.tables.create("Shapes", ("pk", "S"), ("sk", "N"))
    ours.enable_stream()
    content = {"pk": {"S": "a"}, "sk": {"N": "1"}, "x": {"B": "AP/+"}}
    for change in (content, dict(content, x={"B": "AA=="})):
        dynamodb.put_all("Shapes", [change])
        ours.write(("put", change))

    def call(url, operation, **body):
        name = "DynamoDB" if operation in ("DescribeTable", "Scan") else "DynamoDBStreams"
        request = urllib.request.Request(url, json.dumps(body).encode(), {
            "X-Amz-Target": f"{name}_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0",
            "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-1/dynamodb/aws4_request, "
                             "SignedHeaders=host, Signature=00"})
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read(), parse_float=Decimal)

    def shape(value):
        if isinstance(value, dict):
            return {name: shape(member) for name, member in value.items()}
        if isinstance(value, list):
            return [shape(member) for member in value]
        return "number" if isinstance(value, (int, Decimal)) else type(value).__name__

    def journey(url):
        table = call(url, "DescribeTable", TableName="Shapes")["Table"]
        arn = table["LatestStreamArn"]
        stream = call(url, "DescribeStream", StreamArn=arn)
        shard = stream["StreamDescription"]["Shards"][0]["ShardId"]
        at = call(url, "GetShardIterator", StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        table = {name: table[name] for name in ("AttributeDefinitions", "KeySchema", "StreamSpecification",
                                                "LatestStreamArn", "LatestStreamLabel", "TableStatus")}
        scan = call(url, "Scan", TableName="Shapes", ConsistentRead=True, ReturnConsumedCapacity="TOTAL", Segment=0,
                    TotalSegments=1)
        return [shape(part) for part in (table, stream, at, call(url, "GetRecords", **at), scan)]

    assert journey(server.url) == journey(dynamodb.url)


def test_a_prepared_backlog_is_read_and_resumed(server):
    streams = client(server)
    table = prepare(server.tables, "Bench", shards=2, keys=3000, image_bytes=700, pages=5, closed=True)
    stream = table.stream
    newest, count = {}, 0
    for shard in shards(streams, stream.arn):
        found, ended = read(streams, stream.arn, shard["ShardId"])
        assert ended
        numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in found]
        assert numbers == sorted(set(numbers))
        count += len(found)
        for record in found:
            image = record["dynamodb"]["NewImage"]
            key, version = int(image["pk"]["S"][4:]), int(image["version"]["N"])
            assert newest.get(key, 0) < version
            newest[key] = version
        middle = found[1234]["dynamodb"]["SequenceNumber"]
        again, _ = read(streams, stream.arn, shard["ShardId"], "AFTER_SEQUENCE_NUMBER", SequenceNumber=middle)
        assert again == found[1235:]
        last = found[-1]["dynamodb"]["SequenceNumber"]
        assert read(streams, stream.arn, shard["ShardId"], "AFTER_SEQUENCE_NUMBER", SequenceNumber=last) == ([], True)
    assert newest == stream.expected_versions() and count == stream.count()


def test_the_pace(server):
    table = server.tables.create("Live")
    stream = table.enable_stream()
    pacer = Pacer(table, keys=50, rate=2000, image_bytes=700)
    while table.changes < 1000:
        time.sleep(0.01)
    pacer.stop()
    assert pacer.written == table.changes
    (shard,) = stream.shards
    found, _ = read(client(server), stream.arn, shard)
    times = [int(record["dynamodb"]["NewImage"]["written_us"]["N"]) for record in found]
    assert len(times) == pacer.written and times == sorted(times)
    # 2000 a second, whatever this machine was doing: the pacer says how late it was.
    assert times[-1] - times[0] >= (len(times) - 1) / 2000 * 1e6 - pacer.late_s_max * 1e6 - 10_000


def test_as_a_process():
    process = subprocess.Popen([sys.executable, os.path.join(SUPPORT, "table_server.py"), "--table", "Bench", "--keys",
                                "100", "--pages", "3"], stdout=subprocess.PIPE, text=True)
    try:
        said = json.loads(process.stdout.readline())
        streams = boto3.client("dynamodbstreams", endpoint_url=said["url"], region_name=REGION, **KEYS)
        assert sum(len(read(streams, said["arn"], shard["ShardId"])[0])
                   for shard in shards(streams, said["arn"])) == said["records"] == 300
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
