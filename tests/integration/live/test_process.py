"""The process of a live migration: SIGTERM in each phase, its status from outside, two of them at once."""
import signal
import time

import pytest

import ring
from prepared_stream import Pacer, prepare

BENCH_TABLES = """tables:
  - into: things
    columns: {version: {from: version, type: bigint}}
"""


@pytest.mark.scripted("requests stall")
@pytest.mark.parametrize("operation", ["DescribeTable", "DescribeStream", "Scan"])
def test_sigterm_while_the_source_is_slow_to_answer(sqlite_live, server, ring_table, ledger, operation):
    """Before the capture stands, and before the first item is there; also when it is begun again."""
    server.trouble = lambda name, number: ("stall", 3) if name == operation else None
    for _ in range(2):
        before = server.calls[operation]
        background = sqlite_live.start()
        sqlite_live.await_("a call", lambda: server.calls[operation] > before)
        background.terminate()
    server.trouble = lambda name, number: None
    sqlite_live.run("--until", "caught-up")
    ring.check(ledger, sqlite_live.reader.items(), ring_table.contents())


def test_sigterm_while_loading(live, ring_table, ledger):
    live.write_plan(limits="{items_per_hour: 360000}")  # 2000 items in 20 s
    with ring.Writers(ledger, ring_table.write, rate=300):
        for _ in range(2):
            live.start()
            live.await_phase("loading")
            live.await_("items", lambda: live.status()["records"] > 0)
            live.background.terminate()
    live.write_plan()
    live.run("--until", "caught-up")
    ring.check(ledger, live.reader.items(), ring_table.contents())


@pytest.mark.scripted("a stream that is prepared in memory")
def test_sigterm_while_catching_up(make_live, server, target):
    table = prepare(server.tables, "Bench", shards=2, keys=20000, image_bytes=300, pages=200)
    live = make_live(server.source("Bench"), target, tables=BENCH_TABLES)
    for _ in range(2):
        live.start()
        live.await_phase("catching up", "in sync")  # the first may be over before it is seen
        live.background.terminate()
    live.run("--until", "caught-up")
    expected = {f"KEY#{key:010}": version for key, version in table.stream.expected_versions().items()}
    assert {key: int(version) for key, version in live.reader.sql("SELECT pk, version FROM things")} == expected


def test_sigterm_while_in_sync(live, ring_table, ledger):
    live.start()
    live.await_in_sync()
    with ring.Writers(ledger, ring_table.write, rate=800):
        for _ in range(3):
            time.sleep(0.7)
            live.background.terminate()
            live.start()
            live.await_in_sync()
    live.await_equal(ledger, ring_table.contents())
    live.background.terminate()


def test_sigterm_while_the_source_is_away(sqlite_live, server, ring_table, ledger):
    sqlite_live.start()
    sqlite_live.await_in_sync()
    server.stop()
    time.sleep(1)
    sqlite_live.background.terminate()
    server.start()
    sqlite_live.run("--until", "caught-up")
    ring.check(ledger, sqlite_live.reader.items())


def test_sigterm_while_the_target_is_away(make_live, server, ring_table, ledger, own_postgres):
    live = make_live(server.source("Ring"), own_postgres.new_database(), postgres=own_postgres)
    live.start()
    live.await_in_sync()
    own_postgres.stop("immediate")
    with ring.Writers(ledger, ring_table.write, rate=500):
        time.sleep(1)
    live.background.terminate()
    own_postgres.start()
    live.run("--until", "caught-up")
    ring.check(ledger, live.reader.items(), ring_table.contents())


def test_status_while_running_stopped_and_killed(live, ring_table, ledger):
    live.start()
    live.await_in_sync()
    status = live.status()
    assert status["running"] is True and status["phase"] == "in sync", status
    with ring.Writers(ledger, ring_table.write, rate=500) as writers:
        writers.wait_for(500)
    live.await_equal(ledger, ring_table.contents())
    live.await_("lag below two seconds", lambda: 0 <= live.status()["live"]["lag_ms"] < 2000)
    assert "lag" in live.tool.run("status", live.tool.plan_path).out
    live.background.kill()
    status = live.status()
    assert status["running"] is False and status["phase"] == "catching up", status
    assert any("none is lost" in sentence for sentence in status["resume"]), status
    live.start()
    live.await_in_sync()
    live.background.terminate()
    assert live.status()["running"] is False


def test_two_runs_at_once(sqlite_live, ring_table, ledger):
    sqlite_live.start()
    sqlite_live.await_in_sync()
    second = sqlite_live.run(code=None, timeout=60)
    assert second.code in (2, 3), repr(second)
    assert sqlite_live.background.running()
    sqlite_live.background.terminate()


def test_sigint_is_as_good_as_sigterm(sqlite_live):
    sqlite_live.start()
    sqlite_live.await_in_sync()
    sqlite_live.background.process.send_signal(signal.SIGINT)
    sqlite_live.background.expect(0, seconds=6)


def test_a_change_is_at_the_target_within_seconds(live, server, ring_table, ledger):
    """Not a measurement: two seconds of lag at a moderate pace would be a defect on any machine."""
    live.start()
    live.await_in_sync()
    worst = 0.0
    import random
    rng = random.Random(6)
    for _ in range(20):
        actions = ledger.step(rng, rng.randrange(len(ledger.rings)))
        key = actions[-1][1]["pk"]["S"]
        began = time.monotonic()
        ring_table.write(*actions)
        live.await_("the change", lambda: dict(live.reader.versions()).get(key) == ledger.versions[key], seconds=30)
        worst = max(worst, time.monotonic() - began)
    live.background.terminate()
    print(f"slowest of 20 changes: {worst:.2f} s")
    assert worst < 5


@pytest.mark.scripted("the pacer writes to its stream")
def test_the_pacer_writes_what_the_target_gets(make_live, server, tmp_path):
    table = server.tables.create("Live")
    table.enable_stream("NEW_IMAGE", shards=4)
    live = make_live(server.source("Live"), f"sqlite:{tmp_path}/target.sqlite", tables=BENCH_TABLES)
    pacer = Pacer(table, keys=500, rate=1000, image_bytes=700)
    live.start()
    live.await_in_sync()
    while pacer.written < 5000:
        time.sleep(0.02)
    pacer.stop()
    expected = sorted((item["pk"]["S"], int(item["version"]["N"])) for item in table.contents())
    live.await_("equal", lambda: sorted(live.reader.sql("SELECT pk, version FROM things")) == expected)
    live.background.terminate()
