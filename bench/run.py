"""`make bench`: each figure of the tool beside its limit, measured in the same run, and the ratio of the two.

    decode      gzip → items on one core       | igzip + simdjson on-demand alone over the same files
    postgresql  export → loaded table with key | binary COPY of the same rows, prepared, same connections, then the keys
    sqlite      export → loaded file           | prepared inserts of the same rows, in memory, one thread, then indexes
    verify      both sides compared            | reading the slower side alone
    memory      peak RSS of a load             | 256 MiB, and the same for ten times the items
    moving.py   tables that are written to while they move: apply rate, lag, spool
    http_layer.py  the HTTP server with a static answer, beside nginx with the same (wants wrk and nginx)
    serve.py    the DynamoDB endpoint beside DynamoDB Local and the bare SQL statements
    stream_cost.py  the endpoint's writes into a table with a stream beside those into one without

Prints a table, writes build/bench.json. BENCH_ITEMS (2,000,000) and BENCH_RUNS (3: the best of these counts, on both
sides) make it shorter; BENCH_ONLY=moving, =loading, =http, =serve or =streams takes a part of it. A bar that is not
reached is marked, not failed: the machine may be busy.
"""
import glob
import json
import os
import shutil
import subprocess
import tempfile
import time

from common import CONNECTIONS, RUNS, program
import http_layer
import moving
import paths
import serve
import stream_cost
from postgres import PASSWORD, USER, Cluster
from tool import Tool, environment, generate

ITEMS = int(os.environ.get("BENCH_ITEMS", "2000000"))
ONLY = os.environ.get("BENCH_ONLY", "")
# Ten times the items must not need more memory.
MEMORY_ITEMS = [int(n) for n in os.environ.get("BENCH_MEMORY_ITEMS", "200000,2000000").split(",")]
TUNED = {"shared_buffers": "2GB", "max_wal_size": "16GB", "min_wal_size": "2GB", "checkpoint_timeout": "30min", "wal_buffers": "64MB",
         "maintenance_work_mem": "1GB", "max_parallel_maintenance_workers": "2", "track_commit_timestamp": "on"}
KEYS = ["pk", "sk"]


def measured(tool, *words):
    """Runs the tool; (seconds, peak RSS in bytes) of that process."""
    log = os.path.join(tool.folder, "run.log")
    started = time.monotonic()
    with open(log, "wb") as out:
        process = subprocess.Popen([paths.OFFRAMP, *words], cwd=tool.folder, env=environment(),
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"offramp {' '.join(words)}: exit {process.returncode}\n{open(log).read()[-3000:]}")
    return time.monotonic() - started, usage.ru_maxrss * 1024


class Bench:
    def __init__(self, folder, cluster):
        self.folder = folder
        self.cluster = cluster
        self.lines = []

    def say(self, what, ours, limit, unit, bar):
        ratio = ours / limit
        self.lines.append({"what": what, "ours": ours, "limit": limit, "ratio": ratio, "unit": unit, "bar": bar})
        mark = "" if ratio >= bar else "   below the bar"
        print(f"{what:<34} {ours:>14,.0f} {limit:>14,.0f}  {unit:<8} {ratio:>5.2f}  (bar {bar:.2f}){mark}", flush=True)

    def say_lag(self, what, ours, limit):
        """Milliseconds; a lag has no bar: the limit is what the source's own pace would leave at best."""
        self.lines.append({"what": what, "ours": ours, "limit": limit, "ratio": ours / limit, "unit": "ms", "bar": None})
        print(f"{what:<34} {ours:>14,.0f} {limit:>14,.0f}  {'ms':<8} {ours / limit:>5.2f}", flush=True)

    def remark(self, text):
        self.lines[-1]["remark"] = text
        print(f"{'':<34} {text}", flush=True)

    def tool(self, name):
        os.makedirs(os.path.join(self.folder, name))
        return Tool(os.path.join(self.folder, name))

    def export(self, count):
        (full,) = generate(os.path.join(self.folder, f"export-{count}"), "--mode", "bench", "--items", count,
                           "--files", 8)
        return full

    def load(self, full, target, name):
        tool = self.tool(name)
        tool.plan(f"export:{full}", target, KEYS)
        seconds, rss = measured(tool, "run", tool.plan_path, "--until", "loaded")
        return tool, seconds, rss

    def loading(self):
        full = self.export(ITEMS)
        sqlite_tool = self.sqlite(full)
        self.decode(full, sqlite_tool)
        self.verify("sqlite", sqlite_tool)
        postgres_tool = self.postgres(full)
        self.verify("postgresql", postgres_tool)
        self.memory()

    def decode(self, full, tool):
        files = sorted(glob.glob(os.path.join(full, "data", "*.gz")))
        ours, limit = [], []
        for _ in range(RUNS):  # by turns, so that a busy moment hits both
            limit.append(program("bench_decode_limit", *files))
            ours.append(program("bench_sides", tool.plan_path, "source", "1"))
        ours, limit = (min(runs, key=lambda run: run["seconds"]) for runs in (ours, limit))
        assert ours["items"] == limit["items"]
        self.say("decode, one core", ours["items"] / ours["seconds"], limit["items"] / limit["seconds"], "items/s", 0.7)
        self.say("decode, one core, JSON", limit["json_bytes"] / ours["seconds"] / 1e6,
                 limit["json_bytes"] / limit["seconds"] / 1e6, "MB/s", 0.7)

    def postgres(self, full):
        best = None
        for run in range(RUNS):
            database = f"ours{run}"
            url = self.cluster.new_database(database)
            tool, seconds, _ = self.load(full, url, f"pg{run}")
            if best is None or seconds < best[1]:
                best = tool, seconds
            if run + 1 < RUNS:
                continue
            tables = [name for (name,) in self.cluster.sql(
                "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r' "
                "AND nspname = 'public' AND relname NOT LIKE 'offramp%' ORDER BY 1", database)]
            rows = sum(int(self.cluster.sql(f'SELECT count(*) FROM "{name}"', database)[0][0]) for name in tables)
            limit = min(self.copy_limit(database, tables, number) for number in range(RUNS))
        self.say("export -> postgresql", rows / best[1], rows / limit, "rows/s", 0.7)
        self.say("export -> postgresql", ITEMS / best[1], ITEMS / limit, "items/s", 0.7)
        return best[0]

    def copy_limit(self, database, tables, number):
        """Seconds to COPY the rows of `database` into tables alike and to build their keys and indexes."""
        pieces = [[] for _ in range(CONNECTIONS)]
        copy = self.cluster.new_database(f"limit{number}")
        schema = subprocess.run(["pg_dump", "-h", "127.0.0.1", "-p", str(self.cluster.port), "-U", USER, "-d", database,
                                 "--schema-only", "--no-owner", *(f"--table=public.\"{name}\"" for name in tables)],
                                env=environment(), stdout=subprocess.PIPE, text=True, check=True).stdout
        before, after = self.split_schema(schema)
        self.script(f"limit{number}", before)
        for name in tables:
            (blocks,), = self.cluster.sql(
                f"SELECT pg_relation_size('\"{name}\"') / current_setting('block_size')::int", database)
            for i in range(CONNECTIONS):
                low, high = int(blocks) * i // CONNECTIONS, int(blocks) * (i + 1) // CONNECTIONS
                if high == low:
                    continue
                path = os.path.join(self.folder, f"rows-{len(pieces[i])}-{i}")
                where = f"ctid >= '({low},0)' AND ctid < '({high},0)'"
                if not os.path.exists(path):
                    self.script(database, f"\\copy (SELECT * FROM \"{name}\" WHERE {where}) TO '{path}' (FORMAT binary)")
                pieces[i].append(f'"{name}"={path}')
        self.cluster.sql("CHECKPOINT", "postgres")
        conninfo = f"host=127.0.0.1 port={self.cluster.port} user={USER} dbname=limit{number} password='{PASSWORD}'"
        copied = program("bench_copy_limit", conninfo, *map(",".join, pieces))["seconds"]
        started = time.monotonic()
        self.script(f"limit{number}", after)
        keyed = time.monotonic() - started
        self.cluster.sql(f"DROP DATABASE limit{number}", "postgres")
        return copied + keyed

    @staticmethod
    def split_schema(schema):
        """pg_dump puts keys and indexes after the tables."""
        statements = [text for text in schema.split(";\n") if text.strip()]
        late = [text for text in statements if "ADD CONSTRAINT" in text or "CREATE INDEX" in text
                or "CREATE UNIQUE INDEX" in text]
        early = [text.replace("CREATE UNLOGGED TABLE", "CREATE TABLE") for text in statements if text not in late]
        return ";\n".join(early) + ";\n", ";\n".join(late) + ";\n" if late else "SELECT 1;\n"

    def script(self, database, text):
        done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p",
                               str(self.cluster.port), "-U", USER, "-d", database], input=text, text=True,
                              env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise SystemExit(f"psql: {done.stderr}")

    def sqlite(self, full):
        best = None
        for run in range(RUNS):
            path = os.path.join(self.folder, f"ours{run}.sqlite")
            tool, seconds, _ = self.load(full, f"sqlite:{path}", f"sqlite{run}")
            if best is None or seconds < best[1]:
                best = tool, seconds, path
        limits = []
        for run in range(RUNS):
            path = os.path.join(self.folder, f"limit{run}.sqlite")
            limits.append(program("bench_sqlite_limit", best[2], path))
            os.remove(path)
        limit = min(limits, key=lambda run: run["seconds"])
        self.say("export -> sqlite", limit["rows"] / best[1], limit["rows"] / limit["seconds"], "rows/s", 0.7)
        return best[0]

    def verify(self, name, tool):
        ours, source, target = [], [], []
        for _ in range(RUNS):
            ours.append(measured(tool, "verify", tool.plan_path)[0])
            source.append(program("bench_sides", tool.plan_path, "source", str(CONNECTIONS)))
            target.append(program("bench_sides", tool.plan_path, "target", str(CONNECTIONS)))
        for side, runs in (("source", source), ("target", target)):
            assert {run["items"] for run in runs} == {ITEMS}, f"{side}: {runs}"
        slower = max(min(run["seconds"] for run in runs) for runs in (source, target))
        self.say(f"verify, {name}", ITEMS / min(ours), ITEMS / slower, "items/s", 0.7)

    def memory(self):
        peaks = {}
        for count in MEMORY_ITEMS:
            full = self.export(count)
            for kind in ("sqlite", "postgresql"):
                name = f"rss-{kind}-{count}"
                target = (f"sqlite:{self.folder}/{name}.sqlite" if kind == "sqlite"
                          else self.cluster.new_database(name))
                tool, _, loading = self.load(full, target, name)
                _, verifying = measured(tool, "verify", tool.plan_path)
                for step, rss in (("load", loading), ("verify", verifying)):
                    peaks[kind, step, count] = rss
        for (kind, step, count), rss in peaks.items():
            # Turned round, so that below 1 is too much.
            limit = 256 * 1024 * 1024
            self.lines.append({"what": f"peak memory, {step}, {kind}, {count}", "ours": rss, "limit": limit,
                               "ratio": rss / limit, "unit": "bytes", "bar": 1.0})
            mark = "" if rss <= limit else "   above the bar"
            print(f"peak memory, {step:<6} {kind:<10} {count:>9,} items {rss / 2**20:>8,.0f} MiB of 256{mark}",
                  flush=True)


def main():
    folder = tempfile.mkdtemp(prefix="offramp-bench-")
    os.chmod(folder, 0o755)
    cluster = None
    try:
        cluster = Cluster(TUNED)
        cluster.start()
        bench = Bench(folder, cluster)
        print(f"{ITEMS:,} items, best of {RUNS}, {os.cpu_count()} processors, "
              f"load {os.getloadavg()[0]:.1f} at the start")
        print(f"{'':<34} {'offramp':>14} {'limit':>14}  {'':<8} ratio")
        if ONLY in ("", "loading"):
            bench.loading()
        if ONLY in ("", "moving"):
            moving.measure(bench)
        if ONLY in ("", "http"):
            http_layer.measure(bench)
        if ONLY in ("", "serve"):
            serve.measure(bench)
        if ONLY in ("", "streams"):
            stream_cost.measure(bench)
        with open(os.path.join(paths.BUILD, "bench.json"), "w") as out:
            json.dump({"items": ITEMS, "runs": RUNS, "processors": os.cpu_count(), "figures": bench.lines}, out, indent=1)
    finally:
        if cluster:
            cluster.remove()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
