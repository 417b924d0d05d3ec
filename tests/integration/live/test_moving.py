"""C4, C5: rings that are changed at full speed while they move, from the first minute to the last.

OFFRAMP_RING_SECONDS says how long is written to each (12), OFFRAMP_RING_NODES how many items there are (2000); every change is then at the target, once, in order.
"""
import os
import random
import time

import pytest

import ring

SECONDS = float(os.environ.get("OFFRAMP_RING_SECONDS", "12"))
RATE = int(os.environ.get("OFFRAMP_RING_RATE", "2000"))  # the scripted table shares this process with the writers


def move(live, ledger, write, scan, during=lambda: None, rate=None):
    """Writes before, during and after the load; returns the number of changes."""
    with ring.Writers(ledger, write, threads=4, rate=rate) as writers:
        live.start()
        live.await_in_sync()
        observer = live.observer()
        observer.arm()
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            assert live.background.running() and not writers.failures, (live.background.said()[-3000:],
                                                                        writers.failures)
            during()
            time.sleep(0.2)
    live.await_equal(ledger, scan())
    assert observer.stop() > 10 and observer.advances > 100
    live.background.terminate()
    assert live.tool.letters() == []
    ring.check(ledger, live.finish(), where="the dump")
    assert live.tool.run("verify", live.tool.plan_path, "--json").json()["equal"] is True
    # What has been stopped goes on where it was, and there is nothing to do.
    live.run("--until", "caught-up")
    ring.check(ledger, live.reader.items())
    print(f"{writers.total()} changes, {observer.looks} looks, {observer.advances} steps seen")
    return writers.total()


@pytest.mark.sources("postgresql", "sqlite", "scripted")
def test_C4_a_ring(live, server, ring_table, ledger):
    assert move(live, ledger, ring_table.write, ring_table.contents, rate=RATE) > 500


def test_C4_a_ring_at_dynamodb_local(make_live, dynamodb, ledger, tmp_path):
    table = dynamodb.create("Ring", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    dynamodb.put_all(table, list(ledger.items.values()))

    def scan():
        pages = dynamodb.client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    live = make_live(dynamodb.source(table), f"sqlite:{tmp_path}/target.sqlite")
    assert move(live, ledger, ring.dynamodb_writer(dynamodb, table), scan) > 500


@pytest.mark.scripted("shards split, listings lag and answers fail when the story says so")
def test_C4_a_ring_while_shards_split_and_roll(live, server, ring_table, ledger):
    """Children that are listed late, parents that look open, answers that are empty or fail, iterators that expire."""
    stream = ring_table.stream
    rng = random.Random(ledger.seed)
    stream.empty_pages = 1
    stream.iterator_calls = 40
    kinds = {3: "throttle", 17: "limit", 29: "fault", 41: "reset", 53: "cut"}
    server.trouble = lambda operation, number: kinds.get(number % 101) if operation == "GetRecords" else None

    def during():
        with ring_table.lock:
            shard = rng.choice(stream.open_shards())
            if rng.random() < 0.3:
                stream.roll(shard, listed_after=rng.randint(0, 2), closing_listed_after=rng.randint(0, 2))
            elif len(stream.open_shards()) < 12 and rng.random() < 0.3:
                stream.split(shard, rng.randint(0, 1), rng.randint(0, 3), rng.randint(0, 2))

    assert move(live, ledger, ring_table.write, ring_table.contents, during, rate=RATE) > 0.5 * RATE * SECONDS
    assert set(server.troubles) == set(kinds.values()), server.troubles
    assert len(stream.shards) > 5


@pytest.mark.scripted("a served table has four shards at a time")
def test_a_table_of_130_shards(live, server, ring_table, ledger):
    ring_table.disable_stream()
    ring_table.enable_stream(shards=130)
    with ring.Writers(ledger, ring_table.write, rate=500) as writers:
        live.start()
        live.await_in_sync()
        writers.wait_for(1000)
    live.await_equal(ledger, ring_table.contents())
    live.background.terminate()


def test_sequence_numbers_that_grow_to_forty_digits(make_live, tmp_path, ledger):
    from scripted_table import Tables
    from table_server import TableServer
    server = TableServer(Tables(first_sequence=10**39 - 97 * 4000))
    try:
        table = server.tables.create("Ring")
        table.load(list(ledger.items.values()))
        table.enable_stream()
        live = make_live(server.source("Ring"), f"sqlite:{tmp_path}/target.sqlite")
        with ring.Writers(ledger, table.write, rate=1000) as writers:
            live.start()
            live.await_in_sync()
            while writers.total() < 8000:
                time.sleep(0.05)
                if writers.total() > 3000 and live.background.running():
                    live.background.terminate()  # resumes at numbers of either length
            live.start()
        live.await_equal(ledger, table.contents())
        live.background.terminate()
        (shard,) = table.stream.shards.values()
        assert {len(str(record.sequence)) for record in shard.records} == {39, 40}
    finally:
        server.stop()


def test_deletions_by_ttl_arrive(sqlite_live, ring_table, ledger):
    sqlite_live.start()
    sqlite_live.await_in_sync()
    gone = sorted(ledger.items)[:50]
    for key in gone:
        ring_table.expire({"pk": {"S": key}})
    sqlite_live.await_("target without the expired items",
                       lambda: not {key for key, _ in sqlite_live.reader.versions()} & set(gone))
    assert len(sqlite_live.reader.versions()) == len(ledger.items) - 50
    sqlite_live.background.terminate()


@pytest.mark.parametrize("until", ["loaded", "caught-up", "verified"])
def test_until(live, ring_table, ledger, until):
    """A table that nobody writes to: each --until ends by itself, with exit 0."""
    live.run("--until", until)
    ring.check(ledger, live.reader.items(), ring_table.contents())
    # Changes in between two runs are not missed.
    rng = random.Random(3)
    for _ in range(500):
        ring_table.write(*ledger.step(rng, rng.randrange(len(ledger.rings))))
    live.run("--until", "caught-up")
    ring.check(ledger, live.reader.items(), ring_table.contents())
