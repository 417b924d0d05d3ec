"""Sides that go away and come back while a table moves: the run waits, goes on by itself, and nothing is missing."""
import time

import pytest

import ring
from proxy import Proxy


@pytest.fixture
def postgres_live(make_live, server, ring_table, own_postgres):
    """The ring to a PostgreSQL of the story's own, past a proxy: (live, server, proxy)."""
    proxy = Proxy(own_postgres.port)
    url = own_postgres.new_database()
    live = make_live(server.source("Ring"), url, postgres=own_postgres, target_in_plan=proxy.in_front_of(url))
    yield live, own_postgres, proxy
    proxy.stop()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_the_target_is_restarted(postgres_live, ring_table, ledger, mode):
    live, postgres, _ = postgres_live
    with ring.Writers(ledger, ring_table.write, rate=800) as writers:
        live.start()
        live.await_in_sync()
        for _ in range(2):
            writers.wait_for(500)
            postgres.stop(mode)
            writers.wait_for(1500)
            assert live.background.running(), live.background.said()[-3000:]
            postgres.start()
            writers.wait_for(500)
    live.await_equal(ledger, ring_table.contents())
    live.background.terminate()
    assert live.tool.letters() == []


def test_the_wire_to_the_target_is_cut_again_and_again(postgres_live, ring_table, ledger):
    live, _, proxy = postgres_live
    with ring.Writers(ledger, ring_table.write, rate=800) as writers:
        live.start()
        live.await_in_sync()
        for _ in range(6):
            live.await_("a connection", proxy.connections)
            writers.wait_for(100)
            proxy.cut()
    live.await_equal(ledger, ring_table.contents())
    live.background.terminate()
    assert live.tool.letters() == []


def test_the_wire_to_the_target_stalls_and_is_slow(postgres_live, ring_table, ledger):
    live, _, proxy = postgres_live
    with ring.Writers(ledger, ring_table.write, rate=800) as writers:
        live.start()
        live.await_in_sync()
        proxy.stall()
        writers.wait_for(2000)
        proxy.heal()
        writers.wait_for(500)
        proxy.slow(bytes_per_second=400_000, delay_s=0.01)
        writers.wait_for(1500)
        proxy.refuse()
        proxy.cut()
        writers.wait_for(800)
        proxy.heal()
    live.await_equal(ledger, ring_table.contents())
    live.background.terminate()


def test_the_source_is_restarted(live, server, ring_table, ledger):
    with ring.Writers(ledger, ring_table.write, rate=800) as writers:
        live.start()
        live.await_in_sync()
        for _ in range(3):
            server.stop()
            writers.wait_for(1000)
            assert live.background.running(), live.background.said()[-3000:]
            server.start()
            writers.wait_for(500)
    live.await_equal(ledger, ring_table.contents())
    live.background.terminate()


def test_the_wire_to_the_source_is_cut_stalls_and_is_slow(make_live, server, ring_table, ledger, tmp_path):
    proxy = Proxy(server.port)
    try:
        live = make_live(proxy.in_front_of(server.source("Ring")), f"sqlite:{tmp_path}/target.sqlite")
        with ring.Writers(ledger, ring_table.write, rate=800) as writers:
            live.start()
            live.await_in_sync()
            for _ in range(15):
                writers.wait_for(80)
                proxy.cut()
            proxy.stall()
            writers.wait_for(1500)
            proxy.heal()
            proxy.slow(bytes_per_second=500_000, delay_s=0.02)
            writers.wait_for(1000)
            proxy.heal()
        live.await_equal(ledger, ring_table.contents())
        live.background.terminate()
    finally:
        proxy.stop()


def test_the_source_is_away_when_the_run_begins_again(sqlite_live, server, ring_table, ledger):
    sqlite_live.run("--until", "caught-up")
    server.stop()
    background = sqlite_live.start()
    time.sleep(1)
    server.start()
    sqlite_live.await_("end or sync", lambda: not background.running() or sqlite_live.phase() == "in sync", running=False)
    if not background.running():  # it may also give up at once, and say that it can be repeated
        background.expect(3)
        sqlite_live.start()
    sqlite_live.await_in_sync()
    sqlite_live.await_equal(ledger)
    sqlite_live.background.terminate()
