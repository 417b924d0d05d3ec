"""Streams for measuring: pages rendered beforehand, served as fast as a socket takes them; and changes at a steady pace.

    python3 tests/support/table_server.py --table Bench --shards 4 --keys 50000 --pages 300        a backlog
    python3 tests/support/table_server.py --table Bench --keys 50000 --rate 2000                   a live table

Prints one line of JSON ({"url", "source", "arn", …}) when it serves; SIGTERM ends it. A backlog that is `--gated` is not
there before SIGUSR1. Each key belongs to one shard. An
item is {pk, version (N), payload}; in the backlog a key's newest version decides, and `expected_versions()` knows it.
In the live table `written_us` is the Unix time of the change in microseconds.
"""
import argparse
import json
import signal
import sys
import threading
import time

from change_stream import PAGE_BYTES_MAX, Stream
from scripted_table import Tables

# Stands in a rendered page for the page's number, 12 digits.
MARK = b"@PAGENUMBER@"
SEQUENCE_HEAD = "1000000000"  # sequence numbers of 26 digits: head, page, record


def pad_for(image_bytes):
    return "x" * max(1, image_bytes - 60)


def item_of(key, version, payload):
    return {"pk": {"S": f"KEY#{key:010}"}, "version": {"N": str(version)}, "payload": {"S": payload}}


class PreparedStream(Stream):
    """`pages` answers per shard; then the shards stay open and quiet, or are closed when `closed`."""

    def __init__(self, table, shards, keys, image_bytes, pages, closed=False, old_images=False):
        view = "NEW_AND_OLD_IMAGES" if old_images else "NEW_IMAGE"
        super().__init__(table.name, table.arn, table.key_schema(), view, "2026-01-14T10:18:50.622",
                         table.tables.clock, lambda: int(SEQUENCE_HEAD + "0" * 16), shards)
        self.pages, self.closed = pages, closed
        self.gated = False  # true: the shards are quiet
        self.templates = {}  # shard id → [(page bytes with MARK, keys of its records)]
        payload = pad_for(image_bytes)
        for number, shard_id in enumerate(self.shards):
            mine = range(number, keys, shards)
            texts, page, names = [], [], []
            size = 0
            for place, key in enumerate(mine):
                text = self._record(key, len(page), payload, view)
                if page and (size + len(text) > PAGE_BYTES_MAX - 1000 or len(page) == 1000):
                    texts.append((b",".join(page), names))
                    page, names, size = [], [], 0
                    text = self._record(key, 0, payload, view)
                page.append(text)
                names.append(key)
                size += len(text) + 1
            texts.append((b",".join(page), names))
            self.templates[shard_id] = texts

    @staticmethod
    def _record(key, index, payload, view):
        mark = MARK.decode()
        change = {"ApproximateCreationDateTime": int(time.time()), "Keys": {"pk": {"S": f"KEY#{key:010}"}},
                  "NewImage": item_of(key, f"1{mark}", payload),
                  "SequenceNumber": f"{SEQUENCE_HEAD}{mark}{index:04}", "SizeBytes": len(payload) + 60,
                  "StreamViewType": view}
        if view == "NEW_AND_OLD_IMAGES":
            change["OldImage"] = item_of(key, "0", payload)
        return json.dumps({"eventID": f"{key:032x}", "eventName": "MODIFY", "eventVersion": "1.1",
                           "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1", "dynamodb": change},
                          separators=(",", ":")).encode()

    def version(self, page):
        return 10**12 + page

    def expected_versions(self):
        """Key number → the newest version in the backlog (keys without one: their version in the table)."""
        out = {}
        for texts in self.templates.values():
            for page in range(max(0, self.pages - len(texts)), self.pages):
                for key in texts[page % len(texts)][1]:
                    out[key] = self.version(page)
        return out

    def count(self):
        return sum(len(texts[page % len(texts)][1]) for texts in self.templates.values() for page in range(self.pages))

    def trim(self):
        pass

    def describe(self, limit, start):
        out = super().describe(limit, start)
        if self.closed:
            for shard in out["StreamDescription"]["Shards"]:
                shard["SequenceNumberRange"]["EndingSequenceNumber"] = SEQUENCE_HEAD + "9" * 16
        return out

    def iterator(self, shard_id, kind, sequence):
        page, skip = 0, 0
        if kind == "LATEST":
            page = self.pages
        elif sequence:
            digits = sequence.lstrip("0").removeprefix(SEQUENCE_HEAD)
            page, skip = int(digits[:12]), int(digits[12:]) + (kind == "AFTER_SEQUENCE_NUMBER")
        return {"ShardIterator": f"{self.arn}|{shard_id}|{page}|{skip}"}

    def records(self, iterator, limit):
        """A whole page whatever `limit` says (it is at most 1000 records); in parts, so that it is copied once."""
        arn, shard_id, page, skip = iterator.rsplit("|", 3)
        page, skip = int(page), int(skip)
        tail = b"]}"
        if page >= self.pages or self.gated:
            if not self.closed:
                tail = f'],"NextShardIterator":"{arn}|{shard_id}|{page}|0"}}'.encode()
            return [b'{"Records":[', tail]
        text, names = self.templates[shard_id][page % len(self.templates[shard_id])]
        text = text.replace(MARK, b"%012d" % page)
        if skip:
            text = b"".join(b'{"eventID"' + record for record in text.split(b'{"eventID"')[1 + skip:])
        if page + 1 < self.pages or not self.closed:
            tail = f'],"NextShardIterator":"{arn}|{shard_id}|{page + 1}|0"}}'.encode()
        return [b'{"Records":[', text, tail]


class Pacer:
    """Writes `rate` changes a second to a table, over its keys in turn."""

    def __init__(self, table, keys, rate, image_bytes):
        self.table, self.keys, self.rate = table, keys, rate
        self.payload = pad_for(image_bytes)
        self.written = 0
        self.late_s_max = 0.0  # how far the pace fell behind: a figure with a large one says nothing
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        begun = time.monotonic()
        while not self._stop.is_set():
            due = int((time.monotonic() - begun) * self.rate)
            while self.written < due:
                item = item_of(self.written % self.keys, 1 + self.written // self.keys, self.payload)
                item["written_us"] = {"N": str(time.time_ns() // 1000)}
                self.table.write(("put", item))
                self.written += 1
            self.late_s_max = max(self.late_s_max, time.monotonic() - begun - self.written / self.rate)
            self._stop.wait(0.002)

    def stop(self):
        self._stop.set()
        self._thread.join()


def prepare(tables, name, shards, keys, image_bytes, pages, closed=False, old_images=False):
    """A table of `keys` items whose stream holds a backlog."""
    table = tables.create(name)
    payload = pad_for(image_bytes)
    table.load(item_of(key, 0, payload) for key in range(keys))
    table.stream = PreparedStream(table, shards, keys, image_bytes, pages, closed, old_images)
    tables.streams[table.stream.arn] = table.stream
    return table


def main():
    from table_server import TableServer
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--table", default="Bench")
    words.add_argument("--port", type=int, default=0)
    words.add_argument("--shards", type=int, default=4)
    words.add_argument("--keys", type=int, default=50000)
    words.add_argument("--image-bytes", type=int, default=700)
    words.add_argument("--pages", type=int, default=300, help="per shard, of about 1 MB")
    words.add_argument("--gated", action="store_true")
    words.add_argument("--old-images", action="store_true")
    words.add_argument("--crc32", action="store_true", help="send x-amz-crc32 (costs the server about 1 ms a MB)")
    words.add_argument("--rate", type=int, default=0, help="a live table: changes a second")
    chosen = words.parse_args()
    tables = Tables()
    server = TableServer(tables, chosen.port, chosen.crc32)
    said = {"url": server.url, "source": server.source(chosen.table)}
    pacer = None
    if chosen.rate:
        table = tables.create(chosen.table)
        payload = pad_for(chosen.image_bytes)
        table.load(item_of(key, 0, payload) for key in range(chosen.keys))
        table.enable_stream("NEW_AND_OLD_IMAGES" if chosen.old_images else "NEW_IMAGE", chosen.shards)
        pacer = Pacer(table, chosen.keys, chosen.rate, chosen.image_bytes)
    else:
        table = prepare(tables, chosen.table, chosen.shards, chosen.keys, chosen.image_bytes, chosen.pages,
                        old_images=chosen.old_images)
        said["records"] = table.stream.count()
        table.stream.gated = chosen.gated
        signal.signal(signal.SIGUSR1, lambda *_: setattr(table.stream, "gated", False))
    print(json.dumps(dict(said, arn=table.stream.arn)), flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while True:
            signal.pause()
    finally:
        if pacer:
            pacer.stop()
            print(json.dumps({"written": pacer.written, "late_s_max": round(pacer.late_s_max, 3)}), flush=True)
        server.stop()
