"""A table's change stream as the service keeps it, under a test's control: shards, records, trimming, listings that lag.

Nothing here happens by itself: time is the clock that the test gives, shards split and roll when they are told to.
Not thread-safe: the table that owns the stream holds its lock around every call.
"""
import base64
import bisect
import json
import zlib

PAGE_RECORDS_MAX = 1000
PAGE_BYTES_MAX = 1 << 20
LISTING_MAX = 100
SLOTS = 1 << 16
REMOVED_BY_TTL = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


class ServiceError(Exception):
    """An answer that is an error, as the service words it."""

    def __init__(self, kind, message, status=400):
        super().__init__(f"{kind}: {message}")
        self.kind, self.message, self.status = kind, message, status


def not_found(what):
    return ServiceError("ResourceNotFoundException", f"Requested resource not found: {what} not found")


def invalid(message):
    return ServiceError("ValidationException", message)


def slot_of(partition_key):
    """Which of SLOTS a partition key belongs to; a shard owns a range of them."""
    return zlib.crc32(repr(partition_key).encode()) % SLOTS


class Record:
    __slots__ = ("sequence", "created", "keys", "new", "old", "by_ttl", "_text", "_view")

    def __init__(self, sequence, created, keys, new, old, by_ttl):
        self.sequence, self.created = sequence, created
        self.keys, self.new, self.old, self.by_ttl = keys, new, old, by_ttl
        self._text = None
        self._view = None

    def text(self, view):
        """The record as JSON text, made once."""
        if self._text is None or self._view != view:
            change = {"ApproximateCreationDateTime": int(self.created), "Keys": self.keys}
            if self.new is not None and view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
                change["NewImage"] = self.new
            if self.old is not None and view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
                change["OldImage"] = self.old
            change["SequenceNumber"] = str(self.sequence)
            change["SizeBytes"] = len(repr(self.new)) + len(repr(self.old))
            change["StreamViewType"] = view
            name = "REMOVE" if self.new is None else "INSERT" if self.old is None else "MODIFY"
            record = {"eventID": f"{self.sequence % (1 << 128):032x}", "eventName": name, "eventVersion": "1.1",
                      "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1", "dynamodb": change}
            if self.by_ttl:
                record["userIdentity"] = REMOVED_BY_TTL
            self._text, self._view = json.dumps(record, separators=(",", ":")), view
        return self._text


class Shard:
    def __init__(self, shard_id, parent, starting, low, high):
        self.id, self.parent, self.starting = shard_id, parent, starting
        self.low, self.high = low, high  # the slots that it owns
        self.ending = None               # set when it is closed
        self.closed_at = None
        self.records = []
        self.trimmed = 0                 # records before records[0]
        self.trimmed_sequence = None     # of the newest trimmed one
        self.listed_from = 0             # number of the listing that shows it first
        self.closing_listed_from = 0     # … that shows its end first

    def at(self, sequence, after):
        """The index of the first record with a sequence number >= (or >) this one."""
        if self.trimmed_sequence is not None and sequence <= self.trimmed_sequence:
            raise trimmed()
        find = bisect.bisect_right if after else bisect.bisect_left
        return self.trimmed + find(self.records, sequence, key=lambda record: record.sequence)

    def end(self):
        return self.trimmed + len(self.records)


def trimmed():
    return ServiceError("TrimmedDataAccessException",
                        "The operation attempted to read past the oldest stream record in a shard.")


class Stream:
    """Controls: split(), roll(), trim(), and the attributes below."""

    def __init__(self, table_name, table_arn, keys, view, label, clock, next_sequence, shards=1, names=None):
        self.table_name, self.keys, self.view, self.label = table_name, keys, view, label
        self.arn = f"{table_arn}/stream/{label}"
        self.clock = clock                  # seconds, Unix
        self.next_sequence = next_sequence  # gives ever larger integers
        self.created = clock()
        self.status = "ENABLED"
        self.retention_s = 24 * 3600.0
        self.iterator_s = 15 * 60.0
        self.iterator_calls = None          # an iterator expires after so many calls of GetRecords at the stream
        self.empty_pages = 0                # so many empty answers before each one with records
        self.page_records = PAGE_RECORDS_MAX
        self.listing_max = LISTING_MAX
        self.listings = 0                   # DescribeStream calls so far (first pages)
        self.reads = 0                      # GetRecords calls so far
        self.shards = {}                    # by id, in order of creation
        self._made = 0
        step = SLOTS / shards
        for number in range(shards):
            self._add(None, round(number * step), round((number + 1) * step))

    # --- controls

    def _add(self, parent, low, high, listed_after=0):
        self._made += 1
        shard_id = f"shardId-{int(self.clock() * 1000):020}-{(self._made * 0x9E3779B1) % (1 << 32):08x}"
        shard = Shard(shard_id, parent, self.next_sequence(), low, high)
        shard.listed_from = self.listings + listed_after
        self.shards[shard_id] = shard
        return shard

    def close(self, shard_id, listed_after=0):
        shard = self.shards[shard_id]
        assert shard.ending is None, f"{shard_id} is closed already"
        shard.ending, shard.closed_at = self.next_sequence(), self.clock()
        shard.closing_listed_from = self.listings + listed_after
        return shard

    def split(self, shard_id, listed_after=0, second_listed_after=None, closing_listed_after=0):
        """Closes the shard; two children share its slots. Listings show each so many calls later."""
        shard = self.close(shard_id, closing_listed_after)
        middle = (shard.low + shard.high) // 2
        second = listed_after if second_listed_after is None else second_listed_after
        return [self._add(shard_id, shard.low, middle, listed_after).id,
                self._add(shard_id, middle, shard.high, second).id]

    def roll(self, shard_id, listed_after=0, closing_listed_after=0):
        """Closes the shard; one child takes its slots over."""
        shard = self.close(shard_id, closing_listed_after)
        return self._add(shard_id, shard.low, shard.high, listed_after).id

    def open_shards(self):
        return [shard.id for shard in self.shards.values() if shard.ending is None]

    def disable(self):
        self.status = "DISABLED"
        for shard_id in self.open_shards():
            self.close(shard_id)

    def trim(self):
        """Drops what is older than the retention; called before every answer."""
        horizon = self.clock() - self.retention_s
        for shard in list(self.shards.values()):
            gone = bisect.bisect_left(shard.records, horizon, key=lambda record: record.created)
            if gone:
                shard.trimmed_sequence = shard.records[gone - 1].sequence
                shard.trimmed += gone
                del shard.records[:gone]
            if shard.ending is not None and not shard.records and shard.closed_at < horizon:
                del self.shards[shard.id]

    # --- the table writes

    def append(self, slot, keys, new, old, by_ttl):
        if self.status != "ENABLED":
            return
        for shard in self.shards.values():
            if shard.ending is None and shard.low <= slot < shard.high:
                shard.records.append(Record(self.next_sequence(), self.clock(), keys, new, old, by_ttl))
                return
        raise AssertionError("no open shard owns the slot")

    # --- the API

    def describe(self, limit, start):
        self.trim()
        if start is None:
            self.listings += 1
        shown = [shard for shard in self.shards.values() if shard.listed_from < self.listings]
        if start is not None:
            ids = [shard.id for shard in shown]
            if start not in ids:
                raise not_found("Shard")
            shown = shown[ids.index(start) + 1:]
        page = shown[:min(limit or LISTING_MAX, self.listing_max)]
        listed = []
        for shard in page:
            entry = {"ShardId": shard.id, "SequenceNumberRange": {"StartingSequenceNumber": str(shard.starting)}}
            if shard.ending is not None and shard.closing_listed_from < self.listings:
                entry["SequenceNumberRange"]["EndingSequenceNumber"] = str(shard.ending)
            if shard.parent:
                entry["ParentShardId"] = shard.parent
            listed.append(entry)
        out = {"StreamArn": self.arn, "StreamLabel": self.label, "StreamStatus": self.status,
               "StreamViewType": self.view, "CreationRequestDateTime": self.created, "TableName": self.table_name,
               "KeySchema": self.keys, "Shards": listed}
        if len(page) < len(shown):
            out["LastEvaluatedShardId"] = page[-1].id
        return {"StreamDescription": out}

    def _iterator(self, shard, index, empty):
        state = [shard.id, index, self.clock(), self.reads, empty]
        return f"{self.arn}|1|{base64.b64encode(json.dumps(state).encode()).decode()}"

    def iterator(self, shard_id, kind, sequence):
        self.trim()
        shard = self.shards.get(shard_id)
        if shard is None:
            raise ServiceError("ResourceNotFoundException", "Requested resource not found: Shard does not exist")
        wants = kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER")
        if not wants and kind not in ("TRIM_HORIZON", "LATEST"):
            raise invalid("1 validation error detected: Value at 'shardIteratorType' failed to satisfy constraint: "
                          "Member must satisfy enum value set: [AT_SEQUENCE_NUMBER, TRIM_HORIZON, LATEST, "
                          "AFTER_SEQUENCE_NUMBER]")
        if wants != bool(sequence) or (sequence and not (sequence.isdigit() and 21 <= len(sequence) <= 40)):
            raise invalid("One or more parameter values were invalid: " + (
                "Invalid SequenceNumber" if wants else
                "SequenceNumber should not be passed for this iterator type"))
        if kind == "TRIM_HORIZON":
            index = shard.trimmed
        elif kind == "LATEST":
            index = shard.end()
        else:
            index = shard.at(int(sequence), kind == "AFTER_SEQUENCE_NUMBER")
        return {"ShardIterator": self._iterator(shard, index, 0)}

    def records(self, iterator, limit):
        """The answer as JSON text."""
        self.trim()
        if limit is not None and not 1 <= limit <= PAGE_RECORDS_MAX:
            raise invalid("One or more parameter values were invalid: Limit should be less than or equal to 1000")
        try:
            shard_id, index, issued, reads, empty = json.loads(base64.b64decode(iterator.rsplit("|", 1)[1]))
        except (ValueError, IndexError):
            raise invalid("Invalid ShardIterator") from None
        if self.clock() - issued > self.iterator_s or (
                self.iterator_calls is not None and self.reads - reads >= self.iterator_calls):
            self.reads += 1
            raise ServiceError("ExpiredIteratorException", "Shard iterator has expired")
        self.reads += 1
        shard = self.shards.get(shard_id)
        if shard is None or index < shard.trimmed:
            raise trimmed()
        texts, size = [], 0
        if empty >= self.empty_pages:
            begin = index - shard.trimmed
            for record in shard.records[begin:begin + min(limit or PAGE_RECORDS_MAX, self.page_records)]:
                text = record.text(self.view)
                if texts and size + len(text) > PAGE_BYTES_MAX:
                    break
                texts.append(text)
                size += len(text) + 1
            index += len(texts)
        # Only a closed shard whose last records this answer holds has no next iterator.
        if shard.ending is not None and index == shard.end() and empty >= self.empty_pages:
            following = ""
        else:
            following = f',"NextShardIterator":"{self._iterator(shard, index, 0 if texts else empty + 1)}"'
        return f'{{"Records":[{",".join(texts)}]{following}}}'
