"""verify while both sides move: no false alarm, every real difference, and repair that does not overtake a change."""
import time

import ring


def test_verify_while_moving(live, ring_table, ledger):
    # The more often each key changes, the longer verify takes to settle the suspects: here every 20 s.
    with ring.Writers(ledger, ring_table.write, rate=100):
        live.start()
        live.await_in_sync()
        report = live.tool.run("verify", live.tool.plan_path, "--json").json()
        assert report["equal"] is True and report["equal_until"], report
    live.background.terminate()


def tamper(live, ledger):
    """A row lost, a row changed, at the target alone; the keys."""
    kinds = {key: item["kind"]["S"] for key, item in ledger.items.items()}
    # The last ring is left alone by the story's writer.
    quiet = ledger.rings[-1]
    (lost, *_) = [key for key in quiet if kinds[key] == "plain"]
    (changed, *_) = [key for key in quiet if kinds[key] == "order"]
    live.reader.sql(f"DELETE FROM nodes WHERE node = '{lost[5:]}'")
    live.reader.sql(f"UPDATE orders SET payload = 'tampered' WHERE node = '{changed[5:]}'")
    return {lost, changed}


class OtherRings(ring.Ledger):
    """Writers keep to the rings before the last one."""

    def step(self, rng, number):
        return super().step(rng, min(number, len(self.rings) - 2))


def test_differences_are_found_and_repaired_while_moving(live, ring_table, ledger):
    ledger.__class__ = OtherRings
    with ring.Writers(ledger, ring_table.write, threads=1, rate=100):
        live.start()
        live.await_in_sync()
        tamper(live, ledger)
        report = live.tool.run("verify", live.tool.plan_path, "--json", code=1).json()
        assert report["equal"] is False and report["missing"] == 1 and report["different"] == 1, report
        live.tool.run("verify", live.tool.plan_path, "--repair")
        time.sleep(0.5)
    live.await_equal(ledger, ring_table.contents())
    live.background.terminate()


def test_verify_with_nobody_running(live, ring_table, ledger):
    """What has been captured is not yet all: the sides differ by what was written since, and verify says so."""
    live.run("--until", "caught-up")
    assert live.tool.run("verify", live.tool.plan_path, "--json").json()["equal"] is True
    tamper(live, ledger)
    assert live.tool.run("verify", live.tool.plan_path, "--json", code=1).json()["equal"] is False
    live.tool.run("verify", live.tool.plan_path, "--repair")
    ring.check(ledger, live.reader.items(), ring_table.contents())
