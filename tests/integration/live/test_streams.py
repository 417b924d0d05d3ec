"""Which streams will do: what is checked before anything is touched, and what can be put right."""
import os

import pytest

import ring


@pytest.mark.parametrize("view", ["KEYS_ONLY", "OLD_IMAGE"])
def test_a_stream_without_new_images_is_refused(sqlite_live, ring_table, view):
    ring_table.disable_stream()
    ring_table.enable_stream(view)
    said = sqlite_live.run(code=2).said
    assert view in said and "new images" in said and "--enable-stream" in said, said
    assert not os.path.exists(sqlite_live.reader.file) or sqlite_live.reader.sql(
        "SELECT count(*) FROM sqlite_master WHERE name = 'orders'") == [(0,)]


def test_new_images_are_enough(sqlite_live, ring_table, ledger):
    ring_table.disable_stream()
    ring_table.enable_stream("NEW_IMAGE")
    with ring.Writers(ledger, ring_table.write, rate=500) as writers:
        sqlite_live.start()
        sqlite_live.await_in_sync()
        writers.wait_for(1500)
    sqlite_live.await_equal(ledger, ring_table.contents())
    sqlite_live.background.terminate()


def test_no_stream_and_enable_stream(make_live, server, ledger, tmp_path):
    table = server.tables.create("Ring")
    table.load(list(ledger.items.values()))
    sqlite_live = make_live(server.source("Ring"), f"sqlite:{tmp_path}/target.sqlite")
    said = sqlite_live.run(code=2).said
    assert "--enable-stream" in said, said
    assert table.view() is None, "nothing may be changed at the source without being told to"
    table.enabling_calls = 3  # of the scripted endpoint, which says so often that it is not ready
    with ring.Writers(ledger, table.write, rate=500) as writers:
        sqlite_live.start("--enable-stream")
        sqlite_live.await_in_sync()
        writers.wait_for(1500)
    assert table.view() in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")
    sqlite_live.await_equal(ledger, table.contents())
    sqlite_live.background.terminate()
    # The flag may stay in the command.
    sqlite_live.run("--enable-stream", "--until", "caught-up")


def test_history_that_is_older_than_the_capture_does_no_harm(sqlite_live, ring_table, ledger):
    """The stream holds a day of changes whose results the load sees; the target steps back, and is right in the end."""
    import random
    rng = random.Random(2)
    for number in range(1000):
        ring_table.write(*ledger.step(rng, rng.randrange(len(ledger.rings))))
        if number % 200 == 0:
            ring_table.roll_shard(rng)
    sqlite_live.run("--until", "verified")
    ring.check(ledger, sqlite_live.reader.items(), ring_table.contents())
