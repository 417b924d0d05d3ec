"""Tables of `offramp serve` as the source of a live migration: what table_server.py is to stories, without its powers.

In a test: server = ServedSource("sqlite", folder) or ServedSource("postgresql", folder, cluster);
table = server.create("Orders"); table.load(items); table.enable_stream(); … server.remove().

Writers use the API, now and then SQL on the rows, and SQL alone while nobody serves: whoever follows the table's stream
must get all of it. The stream's shards are replaced every SHARD_SECONDS.
"""
import contextlib
import json
import random
import sqlite3
import subprocess
import threading
import time

from dynamodb_local import table_keys
from postgres import psql
from serve_process import REGION, Serve

SHARD_SECONDS = 3
SQL_SHARE = 0.2       # of the writes while somebody serves
BUSY_SECONDS_MAX = 30
CHUNK = 25            # items of a BatchWriteItem
# Two writers of one row: the request may be repeated.
AGAIN = ("TransactionConflictException", "TransactionCanceledException", "ThrottlingException", "InternalServerError")


class ServedSource:
    """`kind`: the database, sqlite or postgresql. start(), stop() and crash() keep port and content."""

    def __init__(self, kind, folder, cluster=None):
        self.kind, self.folder, self.cluster = kind, str(folder), cluster
        self.target = f"sqlite:{folder}/source.sqlite" if kind == "sqlite" else cluster.new_database()
        self.words = {"--stream-shard-seconds": SHARD_SECONDS, "--expiry-interval": 1}
        # Held while the server comes or goes: whoever saw a request fail and takes it can be sure that the request will
        # not be executed any more.
        self.changing = threading.RLock()
        self.connections = threading.local()
        self.port = 0
        self.process = None
        self.start()

    tables = property(lambda self: self)
    url = property(lambda self: f"http://127.0.0.1:{self.port}")

    def source(self, name):
        """The table's address for the tool."""
        return f"dynamodb://{name}?endpoint={self.url}&region={REGION}"

    # --- the process

    def serving(self):
        return bool(self.process) and self.process.alive()

    def start(self):
        with self.changing:
            if not self.serving():
                self.process = Serve(self.target, self.folder, self.port,
                                     words=[word for pair in self.words.items() for word in pair])
                self.port = self.process.port

    def stop(self):
        with self.changing:
            self.process.stop()

    def crash(self):
        """kill -9, and the same server again."""
        with self.changing:
            self.process.kill()
            self._await_no_session()
            self.start()

    def set(self, option, value):
        """The server with another option, begun anew."""
        with self.changing:
            self.words[option] = value
            self.stop()
            self.start()

    def remove(self):
        if self.serving():
            self.stop()

    def _await_no_session(self):
        """PostgreSQL goes on with what it was sent, also when the sender is dead."""
        if self.kind == "sqlite":
            return
        database = self.target.rsplit("/", 1)[1]
        left = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND application_name = 'offramp'"
        deadline = time.monotonic() + BUSY_SECONDS_MAX
        while self.cluster.sql(left, database) != [["0"]]:
            assert time.monotonic() < deadline, "sessions of a server that was killed"
            time.sleep(0.01)

    # --- requests

    def ask(self, operation, request):
        """The answer's content, also over a connection that has lived through a restart unused."""
        try:
            return self.call(operation, request)
        except OSError:
            return self.call(operation, request)

    def call(self, operation, request):
        """The answer's content. OSError when nobody serves, or the server went away meanwhile."""
        connection = getattr(self.connections, "api", None)
        if connection is None:
            connection = self.connections.api = self.process.connection()
        for _ in range(100):
            answer = connection.call(operation, request)
            if answer.error is None:
                return answer.json
            if answer.error not in AGAIN:
                break
            time.sleep(0.01)
        raise AssertionError(f"{operation}: {answer!r}")

    def sql(self):
        """The thread's own SQL session."""
        session = getattr(self.connections, "sql", None)
        if session is None:
            make = SqliteSession if self.kind == "sqlite" else PostgresSession
            session = self.connections.sql = make(self.target, self.cluster)
        return session

    # --- tables

    def create(self, name, partition=("pk", "S"), sort=None):
        self.ask("CreateTable", {"TableName": name, "BillingMode": "PAY_PER_REQUEST", **table_keys(partition, sort)})
        return ServedTable(self, name)

    def drop(self, name):
        self.ask("DeleteTable", {"TableName": name})


class ServedTable:
    """Controls as scripted_table.Table has them; items have the key `pk`."""

    def __init__(self, server, name):
        self.server, self.name = server, name
        self.rng = random.Random(1)
        self.lock = threading.Lock()  # guards the counters
        self.changes = 0              # actions written
        self.by_sql = 0               # of them
        self.expires = False

    def load(self, items):
        for first in range(0, len(items), CHUNK):
            writes = {self.name: [{"PutRequest": {"Item": item}} for item in items[first:first + CHUNK]]}
            while writes:
                writes = self.server.ask("BatchWriteItem", {"RequestItems": writes}).get("UnprocessedItems")

    def enable_stream(self, view="NEW_AND_OLD_IMAGES", shards=None):
        """However many shards are wanted: those of a served table are four at a time."""
        self._update_stream({"StreamEnabled": True, "StreamViewType": view})

    def disable_stream(self):
        self._update_stream({"StreamEnabled": False})

    def _update_stream(self, specification):
        self.server.ask("UpdateTable", {"TableName": self.name, "StreamSpecification": specification})

    def view(self):
        """Of the stream that is on; None without."""
        described = self.server.ask("DescribeTable", {"TableName": self.name})["Table"]
        return described.get("StreamSpecification", {}).get("StreamViewType")

    def keep_changes_for(self, seconds):
        self.server.set("--stream-retention-seconds", seconds)

    def roll_shard(self, rng):
        """They do it by themselves."""

    def held(self):
        """How many changes the table's streams have and have not forgotten."""
        return self.server.sql().count_logged()

    def write(self, *actions):
        """("put", item) and ("delete", key), all or none."""
        with self.lock:
            by_sql = self.rng.random() < SQL_SHARE
        if by_sql or not self._write_by_api(actions):
            self.server.sql().write(self.name, actions)
            by_sql = True
        with self.lock:
            self.changes += len(actions)
            self.by_sql += len(actions) if by_sql else 0

    def _write_by_api(self, actions):
        """False when nobody serves; it may have been executed, but will not be later."""
        if not self.server.serving():
            return False
        try:
            self.server.call("TransactWriteItems", {"TransactItems": [
                {"Put": {"TableName": self.name, "Item": item}} if verb == "put" else
                {"Delete": {"TableName": self.name, "Key": item}} for verb, item in actions]})
            return True
        except OSError:
            with self.server.changing:
                return False

    def expire(self, key):
        if not self.expires:
            self.expires = True
            self.server.ask("UpdateTimeToLive", {"TableName": self.name, "TimeToLiveSpecification": {
                "Enabled": True, "AttributeName": "expires"}})
        self.server.ask("UpdateItem", {
            "TableName": self.name, "Key": key, "UpdateExpression": "SET expires = :then",
            "ExpressionAttributeValues": {":then": {"N": str(int(time.time()) - 60)}}})

    def contents(self):
        """Every item, consistently: while nobody writes."""
        found, start = [], {}
        while True:
            page = self.server.ask("Scan", {"TableName": self.name, "ConsistentRead": True, **start})
            found += page["Items"]
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def row_of(item):
    """(pk, extra) as a served table has it."""
    return item["pk"]["S"], json.dumps({name: value for name, value in item.items() if name != "pk"})


class SqliteSession:
    def __init__(self, target, _):
        self.connection = sqlite3.connect(target.removeprefix("sqlite:"), timeout=BUSY_SECONDS_MAX, isolation_level=None,
                                          check_same_thread=False)

    def write(self, table, actions):
        with contextlib.closing(self.connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            for verb, item in actions:
                if verb == "put":
                    cursor.execute(f'INSERT INTO "{table}" (pk, extra) VALUES (?, ?) '
                                   "ON CONFLICT (pk) DO UPDATE SET extra = excluded.extra", row_of(item))
                else:
                    cursor.execute(f'DELETE FROM "{table}" WHERE pk = ?', (item["pk"]["S"],))
            cursor.execute("COMMIT")

    def count_logged(self):
        names = self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '_offramp_log_[0-9]*'")
        return sum(self.connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in names.fetchall())


class PostgresSession:
    """psql that stays connected: a statement at a time."""

    def __init__(self, target, cluster):
        self.process = subprocess.Popen(**psql(cluster.port, target.rsplit("/", 1)[1]), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __del__(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def run(self, statement):
        self.process.stdin.write(f"{statement};\n\\echo done\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line == "done\n":
                return lines
            lines.append(line.rstrip("\n"))
        raise AssertionError(f"psql ended: {lines}")

    def write(self, table, actions):
        statements = []
        for verb, item in actions:
            if verb == "put":
                pk, extra = row_of(item)
                statements.append(f'INSERT INTO "{table}" (pk, extra) VALUES ({quoted(pk)}, {quoted(extra)}) '
                                  "ON CONFLICT (pk) DO UPDATE SET extra = excluded.extra")
            else:
                statements.append(f'DELETE FROM "{table}" WHERE pk = {quoted(item["pk"]["S"])}')
        self.run("; ".join(["BEGIN", *statements, "COMMIT"]))

    def count_logged(self):
        names = self.run("SELECT tablename FROM pg_tables WHERE tablename LIKE '\\_offramp\\_log\\_%'")
        return sum(int(self.run(f"SELECT count(*) FROM {name}")[0]) for name in names)


def quoted(text):
    return "'" + text.replace("'", "''") + "'"
