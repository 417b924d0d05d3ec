"""`BENCH_ONLY=streams`: what a stream costs the writers of its table.

    PutItem into a table with a stream of both images / into one without; 1, 8, 64 connections      bar 0.7

Both tables are of one server and short runs take turns; the ratio is the median of the pairs', so that what else the
machine does counts for neither side. PostgreSQL finds its log's files made, as on a server that has run for a while:
making a file of 16 MB for every 7,000 changes would be a part of the stream's cost. BENCH_SERVE_SECONDS (3) is how long each
side is measured in all, BENCH_RUNS (3) times.
"""
import shutil
import statistics
import tempfile

from common import RUNS
from serve import CONNECTIONS, REGION, SECONDS, Side, keys_file, rate
from serve_process import Serve

BAR = 0.7
PAIRS = 5  # of each of BENCH_RUNS
STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}

WAL_FILES = 96


def make_wal_files(cluster):
    for _ in range(WAL_FILES):
        cluster.sql("SELECT pg_logical_emit_message(false, 'bench', repeat('x', 16000000))", "postgres")
    cluster.sql("CHECKPOINT", "postgres")  # what is written is kept to be written again


def measure(bench):
    folder = tempfile.mkdtemp(prefix="offramp-bench-streams-", dir=bench.folder)
    words = ["--keys", keys_file(folder)]
    print(f"\n{'stream':<34} {'requests/s':>14} {'without':>14}  {'p50 us':>8} {'p99 us':>8} ratio")
    try:
        for name, target in (("sqlite", f"sqlite:{folder}/bench.sqlite"), ("postgresql", bench.cluster.new_database("streamed"))):
            if name == "postgresql":
                make_wal_files(bench.cluster)
            server = Serve(target, folder, any_key=False, words=words, region=REGION)
            try:
                compare(bench, name, *(Side(f"{name}-{table}", server.port, folder, table=table, operations=["PutItem"], **more)
                                       for table, more in (("Plain", {}), ("Streamed", STREAM))))
            finally:
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def compare(bench, name, plain, streamed):
    for connections in CONNECTIONS:
        pairs = [(plain.run("PutItem", connections, SECONDS / PAIRS), streamed.run("PutItem", connections, SECONDS / PAIRS))
                 for _ in range(PAIRS * RUNS)]
        ratio = statistics.median(rate(ours) / rate(limit) for limit, ours in pairs)
        limit, ours = (statistics.median(map(rate, side)) for side in zip(*pairs))
        p50, p99 = (statistics.median(ours[name] for _, ours in pairs) for name in ("p50_us", "p99_us"))
        what = f"PutItem, {connections}, {name} / without"
        bench.lines.append({"what": f"stream, {what}", "ours": ours, "limit": limit, "ratio": ratio, "unit": "requests/s", "bar": BAR,
                            "p50_us": p50, "p99_us": p99})
        mark = "" if ratio >= BAR else "   below the bar"
        print(f"{what:<34} {ours:>14,.0f} {limit:>14,.0f}  {p50:>8} {p99:>8} {ratio:>5.2f}  (bar {BAR}){mark}", flush=True)
