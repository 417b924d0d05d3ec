"""The figures of a table that moves while it is written to.

    apply, live    changes that the stream has when the table is loaded and followed → visible at the target
    apply, spool   the same changes, all of them captured before the first is applied
                                            | bare upserts of the same rows into the same table, as many connections
    lag            written → visible, at a steady pace | the service lets a shard be read five times a second
    spool          changes appended durably | write + fdatasync of the same bytes

The table's stream has 4 shards, images of 700 bytes, and is served by tests/support/prepared_stream.py. All processes
share the machine: the CPU seconds of each say what limits.

When rows are visible: PostgreSQL keeps the commit time of each transaction, so nothing is polled; SQLite is looked at
every 2 ms. BENCH_CHANGES (100,000: each of its own key), BENCH_LAG_SECONDS (10).
"""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

from common import CONNECTIONS, RUNS, SUPPORT, cpu_seconds, program
from live import Live
from postgres import PASSWORD, USER
from tool import environment

CHANGES = int(os.environ.get("BENCH_CHANGES", "100000"))
LAG_SECONDS = float(os.environ.get("BENCH_LAG_SECONDS", "10"))
LAG_RATES = (1000, 5000)
LAG_KEYS = 20000
SHARDS = 4
SPOOL_CHANGES = 500_000
SPOOL_FLOOR = 100_000  # changes/s that one writing process must reach
ROWS_PER_TRANSACTION = 4000
POLL_S = 0.002
READS_PER_SECOND = 5   # of a shard, by the service's limits
WAIT_S = 120
TABLES = """tables:
  - into: documents
    columns: {version: {from: version, type: bigint}, payload: {from: payload, type: text}, written_us: {from: written_us, type: bigint}}
"""


class Server:
    """The stream's server, a process of its own."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(SUPPORT, "table_server.py"), "--table", "Bench", "--shards", str(SHARDS),
             *map(str, words)], stdout=subprocess.PIPE, text=True, env=environment())
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the stream's server did not start")
        self.said = json.loads(line)

    def open_gate(self):
        self.process.send_signal(signal.SIGUSR1)

    def stop(self):
        """What it says at its end."""
        self.process.terminate()
        rest = self.process.communicate()[0].strip()
        return json.loads(rest) if rest else {}


class PostgresSide:
    name, lanes = "postgresql", CONNECTIONS

    def __init__(self, bench, number):
        self.cluster, self.database = bench.cluster, f"live{number}"
        self.url = self.cluster.new_database(self.database)

    def sql(self, text):
        return self.cluster.sql(text, self.database)

    def limit(self):
        """Rows/s of bare upserts into a copy of the table."""
        copy = self.database + "limit"
        self.cluster.sql(f"CREATE DATABASE {copy} TEMPLATE {self.database}", "postgres")
        self.cluster.sql("CHECKPOINT", "postgres")
        columns = [name for (name,) in self.sql(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'documents'::regclass AND attnum > 0 ORDER BY attnum")]
        query = "SELECT " + ", ".join("version + 1" if name == "version" else name for name in columns)
        conninfo = f"host=127.0.0.1 port={self.cluster.port} user={USER} dbname={copy} password='{PASSWORD}'"
        done = program("bench_pg_upsert_limit", conninfo, "documents", "pk", query + " FROM documents ORDER BY pk",
                       str(CONNECTIONS), str(ROWS_PER_TRANSACTION))
        self.cluster.sql(f"DROP DATABASE {copy}", "postgres")
        self.cluster.sql("CHECKPOINT", "postgres")
        return done["rows"] / done["seconds"]

    def note_steps(self):
        """From now on, each transaction of the lanes leaves its number of changes and its commit time."""
        self.sql("CREATE UNLOGGED TABLE bench_steps (xid xid, lane text, records bigint);"
                 "CREATE FUNCTION bench_step() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO "
                 "public.bench_steps VALUES (pg_current_xact_id()::xid, NEW.partition, NEW.records); RETURN NULL; "
                 "END$$;"
                 "CREATE TRIGGER bench_step AFTER INSERT OR UPDATE ON offramp.checkpoint FOR EACH ROW EXECUTE "
                 "FUNCTION bench_step()")

    def applied(self):
        (count,), = self.sql("SELECT coalesce(sum(records), 0) FROM offramp.checkpoint WHERE partition LIKE 'changes %'")
        return int(count)

    def wait_applied(self, expected):
        """[(time, changes at the target)]."""
        until = time.monotonic() + WAIT_S
        while self.applied() < expected:
            if time.monotonic() > until:
                raise SystemExit(f"{self.applied()} of {expected} changes after {WAIT_S} s")
            time.sleep(0.25)
        rows = self.sql("SELECT extract(epoch FROM pg_xact_commit_timestamp(xid)), lane, records FROM bench_steps "
                        "ORDER BY 1")
        lanes, out = {}, []
        for at, lane, records in rows:
            lanes[lane] = int(records)
            out.append((float(at), sum(lanes.values())))
        return out

    def note_lags(self):
        self.sql("CREATE UNLOGGED TABLE bench_lags (xid xid, written_us bigint);"
                 "CREATE FUNCTION bench_lag() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO "
                 "public.bench_lags SELECT pg_current_xact_id()::xid, written_us FROM bench_new; RETURN NULL; END$$;"
                 "CREATE TRIGGER bench_lag AFTER UPDATE ON documents REFERENCING NEW TABLE AS bench_new "
                 "FOR EACH STATEMENT EXECUTE FUNCTION bench_lag()")

    def lags(self, seconds):
        time.sleep(seconds)
        return [float(ms) for (ms,) in self.sql(
            "SELECT extract(epoch FROM pg_xact_commit_timestamp(xid)) * 1000 - written_us / 1000.0 FROM bench_lags")]

    def block(self):
        """Nothing can be written to the table until unblock()."""
        self.blocker = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-p", str(self.cluster.port), "-U", USER, "-d",
             self.database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())
        self.blocker.stdin.write("BEGIN; LOCK TABLE documents IN EXCLUSIVE MODE; SELECT 'blocked';\n")
        self.blocker.stdin.flush()
        assert self.blocker.stdout.readline() == "blocked\n"

    def unblock(self):
        self.blocker.communicate("ROLLBACK;\n")

    def cpu(self):
        with open(os.path.join(self.cluster.data, "postmaster.pid")) as file:
            return cpu_seconds(int(file.readline()))

    def versions(self):
        return {key: int(version) for key, version in self.sql("SELECT pk, version FROM documents")}

    def remove(self):
        self.cluster.sql(f"DROP DATABASE {self.database}", "postgres")


class SqliteSide:
    name, lanes = "sqlite", 1

    def __init__(self, bench, number):
        self.path = os.path.join(bench.folder, f"live{number}.sqlite")
        self.url = f"sqlite:{self.path}"
        self.connection = None

    def open(self):
        if not self.connection:
            self.connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        return self.connection

    def limit(self):
        copy = self.path + "-limit"
        shutil.copy(self.path, copy)
        done = program("bench_sqlite_upsert_limit", copy, "documents", "pk", str(ROWS_PER_TRANSACTION))
        for name in (copy, copy + "-wal", copy + "-shm"):
            if os.path.exists(name):
                os.remove(name)
        return done["rows"] / done["seconds"]

    def note_steps(self):
        self.open()

    def applied(self):
        return self.open().execute("SELECT coalesce(sum(records), 0) FROM _offramp_checkpoint "
                                   "WHERE partition LIKE 'changes %'").fetchone()[0]

    def wait_applied(self, expected):
        out = [(time.time(), self.applied())]
        until = time.monotonic() + WAIT_S
        while out[-1][1] < expected:
            if time.monotonic() > until:
                raise SystemExit(f"{out[-1][1]} of {expected} changes after {WAIT_S} s")
            time.sleep(POLL_S)
            now = self.applied()
            if now != out[-1][1]:
                out.append((time.time(), now))
        return out[1:]  # what was there before is not part of it

    def note_lags(self):
        self.open().executescript(
            "CREATE TABLE bench_lags (written_us INTEGER); CREATE TRIGGER bench_lag AFTER UPDATE ON documents BEGIN "
            "INSERT INTO bench_lags VALUES (new.written_us); END")

    def lags(self, seconds):
        """First seen − written: up to POLL_S more than it was."""
        out, seen = [], 0
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            rows = self.open().execute("SELECT rowid, written_us FROM bench_lags WHERE rowid > ?", (seen,)).fetchall()
            now = time.time() * 1000
            if rows:
                seen = rows[-1][0]
                out.extend(now - written / 1000 for _, written in rows)
            time.sleep(POLL_S)
        return out

    def block(self):
        self.open().execute("BEGIN IMMEDIATE")

    def unblock(self):
        self.open().execute("ROLLBACK")

    def cpu(self):
        return 0.0  # it is part of the tool

    def versions(self):
        return dict(self.open().execute("SELECT pk, version FROM documents"))

    def remove(self):
        if self.connection:
            self.connection.close()
        for name in (self.path, self.path + "-wal", self.path + "-shm"):
            if os.path.exists(name):
                os.remove(name)


def make_live(bench, side, server, name):
    return Live(bench.tool(name), server.said["source"], side.url, tables=TABLES)


def until_captured(live, count):
    path = live.tool.plan_path + ".offramp/live.json"

    def captured():
        with open(path) as file:
            return json.load(file)["captured"]
    live.await_("captured backlog", lambda: captured() >= count)


def apply_once(bench, kind, from_spool, number):
    """(changes/s, limit in rows/s, CPU seconds by process, seconds)."""
    pages = max(1, round(CHANGES * 1150 / SHARDS / (1 << 20)))  # of 1 MB, with about 1150 bytes a record
    server = Server("--keys", CHANGES, "--pages", pages, "--gated")
    side = kind(bench, number)
    live = make_live(bench, side, server, f"live{number}")
    try:
        live.run("--until", "loaded")
        limit = side.limit()
        side.note_steps()
        count = server.said["records"]
        live.start()
        live.await_in_sync()
        before = side.applied()
        if from_spool:
            side.block()
            server.open_gate()
            until_captured(live, count)
            live.background.kill()
            side.unblock()
            live.start()
        pid = live.background.process.pid
        cpu = {"offramp": 0.0 if from_spool else -cpu_seconds(pid), "database": -side.cpu(),
               "stream server": -cpu_seconds(server.process.pid)}
        if not from_spool:
            server.open_gate()
        steps = [step for step in side.wait_applied(before + count) if step[1] > before]
        cpu["offramp"] += cpu_seconds(pid)
        cpu["database"] += side.cpu()
        cpu["stream server"] += cpu_seconds(server.process.pid)
        live.background.terminate()
        assert len(set(side.versions().values())) <= pages and max(side.versions().values()) == 10**12 + pages - 1
        seconds = steps[-1][0] - steps[0][0]
        return (steps[-1][1] - steps[0][1]) / seconds, limit, cpu, seconds
    finally:
        live.stop()
        server.stop()
        side.remove()


def apply(bench, kind):
    for from_spool in (False, True):
        runs = [apply_once(bench, kind, from_spool, f"{kind.name}{from_spool:d}{run}") for run in range(RUNS)]
        best = max(runs, key=lambda run: run[0])
        bench.say(f"apply, {'spool' if from_spool else 'live'}, {kind.name}", best[0], max(run[1] for run in runs),
                  "rows/s", 0.7)
        bench.remark(f"{best[3]:.1f} s; CPU s: " + ", ".join(f"{who} {used:.1f}" for who, used in best[2].items()))


def lag(bench, kind, rate):
    server = Server("--keys", LAG_KEYS, "--rate", rate)
    side = kind(bench, f"lag{kind.name}{rate}")
    live = make_live(bench, side, server, f"lag{kind.name}{rate}")
    try:
        live.start()
        live.await_in_sync()
        side.note_lags()
        pid = live.background.process.pid
        used = -cpu_seconds(pid)
        begun = time.monotonic()
        lags = sorted(side.lags(LAG_SECONDS))
        used = (used + cpu_seconds(pid)) / (time.monotonic() - begun)
        live.background.terminate()
    finally:
        live.stop()
        said = server.stop()
        side.remove()
    assert len(lags) > 0.8 * rate * LAG_SECONDS, f"{len(lags)} of {rate * LAG_SECONDS:.0f} changes were seen"
    for share in (0.5, 0.99, 0.999):
        bench.say_lag(f"lag, {kind.name}, {rate:,}/s, p{100 * share:g}", lags[int(share * (len(lags) - 1))],
                      share * 1000 / READS_PER_SECOND)
    bench.remark(f"{len(lags):,} changes; offramp uses {100 * used:.0f} % of a processor; the writer was "
                 f"{1000 * said['late_s_max']:.0f} ms late at most")


def spool(bench):
    folder = os.path.join(bench.folder, "spool")
    os.makedirs(folder)
    runs = [program("bench_spool", folder, str(SPOOL_CHANGES), str(SPOOL_CHANGES)) for _ in range(RUNS)]
    raw = max(run["raw"] for run in runs)
    bench.say("spool, append", max(run["append"] for run in runs), raw, "rows/s", SPOOL_FLOOR / raw)
    bench.say("spool, append while folding", max(run["append_while_folding"] for run in runs), raw, "rows/s",
              SPOOL_FLOOR / raw)


def measure(bench):
    spool(bench)
    for kind in (SqliteSide, PostgresSide):
        apply(bench, kind)
    for kind in (SqliteSide, PostgresSide):
        for rate in LAG_RATES:
            lag(bench, kind, rate)
