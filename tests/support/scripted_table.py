"""A DynamoDB table in memory, with its change stream, that a test controls: the API's operations as plain functions.

Items are wire JSON. Thread-safe: one lock around everything. Time comes from Tables.clock, which a test may advance;
table_server.py puts this behind HTTP.
"""
import base64
import bisect
import datetime
import decimal
import itertools
import json
import threading
import time
import uuid
import zlib

from change_stream import ServiceError, Stream, invalid, not_found, slot_of

ACCOUNT = "000000000000"
SCAN_BYTES_MAX = 1 << 20
READ_UNIT_BYTES = 4096
FIRST_SEQUENCE = 111111111111111111111111111  # of 27 digits; up to 40 are allowed


def comparable(value):
    """A key attribute's value as Python compares and orders it."""
    (tag, content), = value.items()
    if tag == "N":
        return decimal.Decimal(content)
    return content.encode("utf-8", "surrogatepass") if tag == "S" else base64.b64decode(content)


class Table:
    """Controls: those up to "writing", which served_source.ServedTable has too, and those of `stream`."""

    def __init__(self, tables, name, partition, sort):
        self.tables, self.name, self.lock = tables, name, tables.lock
        self.key = [partition] + ([sort] if sort else [])
        self.names = [name for name, _ in self.key]
        self.id = str(uuid.uuid4())
        self.created = tables.clock()
        self.arn = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/{name}"
        self.items = {}        # place → (item, bytes)
        self.order = []        # places, sorted: (hash of the partition key, partition key, sort key)
        self.stream = None     # the latest
        self.ttl = None        # attribute
        self.enabling_calls = 0  # so many DescribeTable/DescribeStream calls say UPDATING/ENABLING after an enable
        self.settling = 0
        self.changes = 0

    def place(self, item):
        try:
            parts = [comparable(item[name]) for name in self.names]
        except KeyError:
            raise invalid("The provided key element does not match the schema") from None
        return (zlib.crc32(repr(parts[0]).encode()), *parts)

    # --- controls

    def enable_stream(self, view="NEW_AND_OLD_IMAGES", shards=1, **settings):
        with self.lock:
            if self.stream and self.stream.status == "ENABLED":
                raise invalid("Table already has an enabled stream")
            stamp = datetime.datetime.fromtimestamp(self.tables.clock(), datetime.timezone.utc)
            label = stamp.strftime("%Y-%m-%dT%H:%M:%S.") + f"{stamp.microsecond // 1000:03}"
            while any(label == stream.label for stream in self.tables.streams.values()):
                label = label[:-3] + f"{int(label[-3:]) + 1:03}"
            self.stream = Stream(self.name, self.arn, self.key_schema(), view, label, self.tables.clock,
                                 self.tables.next_sequence, shards)
            for setting, value in settings.items():
                assert hasattr(self.stream, setting), setting
                setattr(self.stream, setting, value)
            self.tables.streams[self.stream.arn] = self.stream
            self.settling = self.enabling_calls
            return self.stream

    def disable_stream(self):
        with self.lock:
            if not self.stream or self.stream.status != "ENABLED":
                raise invalid("Table has no stream to disable")
            self.stream.disable()

    def load(self, items):
        """Many items at once, past the stream."""
        with self.lock:
            for item in items:
                self.items[self.place(item)] = (item, len(json.dumps(item)))
            self.order = sorted(self.items)

    def write(self, *actions):
        """("put", item) and ("delete", key), all or none, as TransactWriteItems writes them."""
        with self.lock:
            for verb, item in actions:
                self._put(item) if verb == "put" else self._delete(item, by_ttl=False)

    def expire(self, key):
        with self.lock:
            self._delete(key, by_ttl=True)

    def contents(self):
        """Every item, consistently."""
        with self.lock:
            return [self.items[place][0] for place in self.order]

    def view(self):
        """Of the stream that is on; None without."""
        return self.stream.view if self.stream and self.stream.status == "ENABLED" else None

    def keep_changes_for(self, seconds):
        self.stream.retention_s = seconds

    def roll_shard(self, rng):
        """One of the open ones, with a child that takes its place."""
        with self.lock:
            self.stream.roll(rng.choice(self.stream.open_shards()))

    def held(self):
        """How many changes the stream has and has not forgotten."""
        with self.lock:
            self.stream.trim()
            return sum(len(shard.records) for shard in self.stream.shards.values())

    # --- writing

    def _put(self, item):
        place = self.place(item)
        before = self.items.get(place)
        if before is None:
            bisect.insort(self.order, place)
        elif before[0] == item:
            return  # what changes nothing leaves no record
        self.items[place] = (item, len(json.dumps(item)))
        self._record(place, item, item, before and before[0], False)

    def _delete(self, key, by_ttl):
        place = self.place(key)
        before = self.items.pop(place, None)
        if before is None:
            return
        del self.order[bisect.bisect_left(self.order, place)]
        self._record(place, before[0], None, before[0], by_ttl)

    def _record(self, place, item, new, old, by_ttl):
        self.changes += 1
        if self.stream:
            self.stream.append(slot_of(place[1]), {name: item[name] for name in self.names}, new, old, by_ttl)

    # --- the API

    def key_schema(self):
        return [{"AttributeName": name, "KeyType": role} for name, role in zip(self.names, ("HASH", "RANGE"))]

    def settled(self):
        self.settling = max(0, self.settling - 1)
        return self.settling == 0

    def describe(self):
        out = {"AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in self.key],
               "TableName": self.name, "KeySchema": self.key_schema(),
               "TableStatus": "ACTIVE" if self.settled() else "UPDATING", "CreationDateTime": self.created,
               "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
               "TableSizeBytes": 0, "ItemCount": len(self.items), "TableArn": self.arn, "TableId": self.id,
               "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}, "DeletionProtectionEnabled": False}
        if self.stream:
            if self.stream.status == "ENABLED":
                out["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": self.stream.view}
            out["LatestStreamLabel"], out["LatestStreamArn"] = self.stream.label, self.stream.arn
        return out

    def scan(self, request):
        segment, segments = request.get("Segment", 0), request.get("TotalSegments", 1)
        low, high = segment * 2**32 // segments, (segment + 1) * 2**32 // segments
        start = request.get("ExclusiveStartKey")
        at = bisect.bisect_right(self.order, self.place(start)) if start else bisect.bisect_left(self.order, (low,))
        items, size, last = [], 0, None
        while at < len(self.order) and self.order[at][0] < high:
            if len(items) == request.get("Limit", -1) or size >= SCAN_BYTES_MAX:
                last = {name: items[-1][name] for name in self.names}
                break
            item, length = self.items[self.order[at]]
            items.append(item)
            size += length
            at += 1
        out = {"Items": items, "Count": len(items), "ScannedCount": len(items)}
        if last:
            out["LastEvaluatedKey"] = last
        return self.tables.consumed(out, request, self.name, size)

    def get(self, key):
        found = self.items.get(self.place(key))
        return found and found[0]


class Tables:
    """All tables of an endpoint and their streams; the operations by name in `call`."""

    def __init__(self, first_sequence=FIRST_SEQUENCE):
        self.lock = threading.RLock()
        self.by_name = {}
        self.streams = {}  # by ARN: those that were disabled can still be read
        self.offset_s = 0.0
        self._sequences = itertools.count(first_sequence, 97)

    def clock(self):
        return time.time() + self.offset_s

    def advance(self, seconds):
        """What was written gets older by so much."""
        with self.lock:
            self.offset_s += seconds

    def next_sequence(self):
        return next(self._sequences)

    def create(self, name, partition=("pk", "S"), sort=None):
        with self.lock:
            assert name not in self.by_name
            self.by_name[name] = Table(self, name, partition, sort)
            return self.by_name[name]

    def drop(self, name):
        """The stream of a deleted table stays readable."""
        with self.lock:
            table = self.by_name.pop(name)
            if table.stream and table.stream.status == "ENABLED":
                table.stream.disable()

    def consumed(self, out, request, name, size):
        if request.get("ReturnConsumedCapacity", "NONE") != "NONE":
            units = max(1, -(-size // READ_UNIT_BYTES)) * (1 if request.get("ConsistentRead") else 0.5)
            out["ConsumedCapacity"] = {"TableName": name, "CapacityUnits": units}
        return out

    def table(self, name):
        table = self.by_name.get(name.rsplit("/", 1)[-1])
        if table is None:
            raise not_found(f"Table: {name}")
        return table

    def find_stream(self, arn):
        stream = self.streams.get(arn)
        if stream is None:
            raise not_found(f"Stream: {arn}")
        stream.trim()
        if stream.status == "DISABLED" and not stream.shards:
            raise not_found(f"Stream: {arn}")
        return stream

    def call(self, operation, request):
        """The answer: an object, or JSON text. ServiceError for what the service refuses."""
        handler = getattr(self, f"_{operation}", None)
        if handler is None:
            raise ServiceError("UnknownOperationException", "")
        with self.lock:
            return handler(request)

    def _DescribeTable(self, request):
        return {"Table": self.table(request["TableName"]).describe()}

    def _ListTables(self, request):
        return {"TableNames": sorted(self.by_name)}

    def _DescribeTimeToLive(self, request):
        ttl = self.table(request["TableName"]).ttl
        out = {"TimeToLiveStatus": "ENABLED", "AttributeName": ttl} if ttl else {"TimeToLiveStatus": "DISABLED"}
        return {"TimeToLiveDescription": out}

    def _CreateTable(self, request):
        kinds = {entry["AttributeName"]: entry["AttributeType"] for entry in request["AttributeDefinitions"]}
        roles = {entry["KeyType"]: (entry["AttributeName"], kinds[entry["AttributeName"]])
                 for entry in request["KeySchema"]}
        if request["TableName"] in self.by_name:
            raise ServiceError("ResourceInUseException", f"Table already exists: {request['TableName']}")
        table = self.create(request["TableName"], roles["HASH"], roles.get("RANGE"))
        if request.get("StreamSpecification", {}).get("StreamEnabled"):
            table.enable_stream(request["StreamSpecification"]["StreamViewType"])
        return {"TableDescription": table.describe()}

    def _UpdateTable(self, request):
        table, wanted = self.table(request["TableName"]), request.get("StreamSpecification")
        if wanted and wanted["StreamEnabled"]:
            table.enable_stream(wanted["StreamViewType"])
        elif wanted:
            table.disable_stream()
        return {"TableDescription": table.describe()}

    def _PutItem(self, request):
        self.table(request["TableName"]).write(("put", request["Item"]))
        return {}

    def _DeleteItem(self, request):
        self.table(request["TableName"]).write(("delete", request["Key"]))
        return {}

    def _GetItem(self, request):
        item = self.table(request["TableName"]).get(request["Key"])
        return {"Item": item} if item else {}

    def _BatchWriteItem(self, request):
        for name, writes in request["RequestItems"].items():
            for write in writes:
                (verb, content), = write.items()
                self.table(name).write(("put", content["Item"]) if verb == "PutRequest" else ("delete", content["Key"]))
        return {"UnprocessedItems": {}}

    def _TransactWriteItems(self, request):
        for action in request["TransactItems"]:
            (verb, content), = action.items()
            if verb not in ("Put", "Delete") or "ConditionExpression" in content:
                raise invalid("this server's transactions are plain Puts and Deletes")
            self.table(content["TableName"]).write(("put", content["Item"]) if verb == "Put"
                                                   else ("delete", content["Key"]))
        return {}

    def _BatchGetItem(self, request):
        answers, size = {}, 0
        for name, wanted in request["RequestItems"].items():
            if len(wanted["Keys"]) > 100:
                raise invalid("Too many items requested for the BatchGetItem call")
            table = self.table(name)
            answers[name] = [item for item in map(table.get, wanted["Keys"]) if item]
            size += sum(len(json.dumps(item)) for item in answers[name])
        out = {"Responses": answers, "UnprocessedKeys": {}}
        if request.get("ReturnConsumedCapacity", "NONE") != "NONE":
            out["ConsumedCapacity"] = [{"TableName": name, "CapacityUnits": max(1, size // READ_UNIT_BYTES)}
                                       for name in answers]
        return out

    def _Scan(self, request):
        return self.table(request["TableName"]).scan(request)

    def _ListStreams(self, request):
        return {"Streams": [{"StreamArn": arn, "TableName": stream.table_name, "StreamLabel": stream.label}
                            for arn, stream in self.streams.items()
                            if request.get("TableName", stream.table_name) == stream.table_name]}

    def _DescribeStream(self, request):
        stream = self.find_stream(request["StreamArn"])
        out = stream.describe(request.get("Limit"), request.get("ExclusiveStartShardId"))
        table = self.by_name.get(stream.table_name)
        if table and table.stream is stream and not table.settled():
            out["StreamDescription"]["StreamStatus"] = "ENABLING"
        return out

    def _GetShardIterator(self, request):
        return self.find_stream(request["StreamArn"]).iterator(request["ShardId"], request["ShardIteratorType"],
                                                               request.get("SequenceNumber"))

    def _GetRecords(self, request):
        arn = request["ShardIterator"].split("|", 1)[0]
        if arn not in self.streams:
            raise invalid("Invalid ShardIterator")
        return self.streams[arn].records(request["ShardIterator"], request.get("Limit"))
