"""C6: what the stream no longer holds stops the run, by name, until it is repaired; what only might look so does not.

Retentions are seconds here, the same at the source's stream and in the plan.
"""
import random
import time

import pytest

import ring

RETENTION_S = 20
CAPTURE = f"{{from: streams, retention: {RETENTION_S}s}}"


@pytest.fixture
def short(sqlite_live, ring_table):
    """A migration whose stream keeps its records for RETENTION_S."""
    ring_table.keep_changes_for(RETENTION_S)
    sqlite_live.write_plan(CAPTURE)
    return sqlite_live


def change(table, ledger, steps, seed=1):
    rng = random.Random(seed)
    for _ in range(steps):
        table.write(*ledger.step(rng, rng.randrange(len(ledger.rings))))


def refused(live):
    """It stops with exit 3, and so does every later run."""
    said = live.run(code=3, timeout=120).said
    assert "gap" in said.lower() and "--repair-gap" in said, said
    again = live.run(code=3, timeout=120).said
    assert "--repair-gap" in again, again
    assert live.run("--until", "verified", code=3, timeout=120)
    return said


def repaired(live, table, ledger):
    """--repair-gap makes the target what the source is, deletions included, and goes on."""
    live.start("--repair-gap")
    live.await_in_sync()
    with ring.Writers(ledger, table.write, rate=300):
        time.sleep(2)
    live.await_equal(ledger, table.contents())
    live.background.terminate()
    live.run("--until", "verified")


def test_C2_a_load_that_takes_longer_than_the_retention(short, ring_table, ledger):
    # 2000 items of 0.4 KB, read consistently: about 45 s.
    short.write_plan(CAPTURE, "{items_per_hour: 160000}")
    with ring.Writers(ledger, ring_table.write, rate=300) as writers:
        begun = time.monotonic()
        short.start()
        short.await_("load", lambda: short.phase() in ("catching up", "in sync"), seconds=180)
        took = time.monotonic() - begun
        assert took > 1.4 * RETENTION_S, f"the load took only {took:.0f} s: nothing is proved"
        short.await_in_sync()
    print(f"loaded in {took:.0f} s, {writers.total()} changes")
    short.await_equal(ledger, ring_table.contents())
    assert ring_table.changes - ring_table.held() > 100, "nothing has expired"
    short.background.terminate()


def test_C6_capture_was_stopped_for_longer_than_the_retention(short, ring_table, ledger):
    short.run("--until", "caught-up")
    change(ring_table, ledger, 200)
    time.sleep(RETENTION_S + 2)
    change(ring_table, ledger, 200, seed=2)
    said = refused(short)
    assert "shard" in said.lower(), said
    repaired(short, ring_table, ledger)


def test_a_pause_within_the_retention_is_no_gap(short, ring_table, ledger):
    short.start()
    short.await_in_sync()
    short.background.terminate()
    change(ring_table, ledger, 200)
    ring_table.roll_shard(random.Random(1))
    change(ring_table, ledger, 200, seed=2)
    time.sleep(RETENTION_S / 4)
    short.start()
    short.await_equal(ledger, ring_table.contents())
    short.background.terminate()


def test_a_quiet_table_is_no_gap(short, ring_table, ledger):
    """Nothing is written for longer than the retention: every record that was read expires, also the checkpoint's."""
    change(ring_table, ledger, 50)
    short.start()
    short.await_in_sync()
    time.sleep(RETENTION_S * 1.3)
    assert ring_table.held() == 0
    short.background.terminate()
    short.start()
    change(ring_table, ledger, 50, seed=2)
    short.await_equal(ledger, ring_table.contents())
    short.background.terminate()


def test_C6_another_stream(sqlite_live, ring_table, ledger):
    """Disabled and enabled between two runs: what was written in between is nowhere."""
    sqlite_live.run("--until", "caught-up")
    ring_table.disable_stream()
    change(ring_table, ledger, 100)
    ring_table.enable_stream()
    refused(sqlite_live)
    repaired(sqlite_live, ring_table, ledger)


def test_C9_killed_while_a_gap_is_repaired(sqlite_live, ring_table, ledger):
    sqlite_live.run("--until", "caught-up")
    ring_table.disable_stream()
    change(ring_table, ledger, 200)
    ring_table.enable_stream(shards=2)
    refused(sqlite_live)
    rng = random.Random(ledger.seed)
    with ring.Writers(ledger, ring_table.write, rate=300):
        for number in range(8):
            # The flag again or not: a repair that has begun goes on.
            sqlite_live.start(*(["--repair-gap"] if number % 2 == 0 else []))
            time.sleep(rng.uniform(0.1, 0.8))
            sqlite_live.background.kill()
    repaired(sqlite_live, ring_table, ledger)


def test_C6_another_stream_while_running(sqlite_live, ring_table, ledger):
    sqlite_live.start()
    sqlite_live.await_in_sync()
    ring_table.disable_stream()
    change(ring_table, ledger, 100)
    ring_table.enable_stream()
    said = sqlite_live.background.expect(3)
    assert "stream" in said and "--repair-gap" in said, said
    refused(sqlite_live)
    repaired(sqlite_live, ring_table, ledger)


def test_C6_the_stream_is_disabled(sqlite_live, ring_table, ledger):
    """What it still holds is applied; then there is nothing to follow."""
    sqlite_live.start()
    sqlite_live.await_in_sync()
    change(ring_table, ledger, 100)
    ring_table.disable_stream()
    said = sqlite_live.background.expect(3)
    assert "disabled" in said.lower(), said
    change(ring_table, ledger, 100, seed=2)
    assert sqlite_live.run(code=None, timeout=120).code in (2, 3)
    ring_table.enable_stream()
    repaired(sqlite_live, ring_table, ledger)


def test_C6_a_table_of_the_same_name(sqlite_live, server, ring_table, ledger):
    """Deleted and created again: another table, which must not be mixed with what was moved."""
    sqlite_live.run("--until", "caught-up")
    server.tables.drop("Ring")
    other = server.tables.create("Ring")
    other.enable_stream()
    result = sqlite_live.run(code=None, timeout=120)
    assert result.code in (2, 3), repr(result)
    ring.check(ledger, sqlite_live.reader.items())
