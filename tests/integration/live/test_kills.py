"""C9: kill -9 while a live table moves, at random instants and at named points; then the same command again.

The source is killed too, and is there again at once. OFFRAMP_LIVE_KILLS says how many kills of the tool per target (10),
OFFRAMP_SEED takes a printed seed back.
"""
import collections
import os
import random
import time

import pytest

import ring

KILLS = int(os.environ.get("OFFRAMP_LIVE_KILLS", "10"))
POINTS = ["capture.before_append", "capture.after_append", "follow.before_apply", "follow.after_apply",
          "follow.before_release"]


class Kills:
    """Kills the tool, each time once, and now and then its source under it."""

    def __init__(self, live, server, rng):
        self.live, self.server, self.rng = live, server, rng
        self.died_at = collections.Counter()  # point
        self.crashes = 0

    def crash_source(self):
        self.server.crash()
        self.crashes += 1

    def at(self, point):
        background = self.live.start(env={"OFFRAMP_KILL_AT": f"{point}:{self.rng.randint(1, 12)}"})
        crashes = self.rng.random() < 0.3
        if crashes:
            time.sleep(self.rng.uniform(0, 0.5))
            self.crash_source()
        code = background.wait()
        if crashes and code == 3:
            self.gave_up(background)
            return self.at(point)
        assert code == -9, background.said()[-3000:]
        self.died_at[point] += 1

    def at_any_time(self):
        background = self.live.start()
        begun = time.monotonic()
        until, crash_at = begun + self.rng.uniform(0.02, 2.5), begun + self.rng.uniform(0, 5)
        crashed = False
        while time.monotonic() < until:
            if not crashed and time.monotonic() > crash_at:
                self.crash_source()
                crashed = True
            if crashed and not background.running():
                self.gave_up(background)
                return self.at_any_time()
            assert background.running(), background.said()[-3000:]
            time.sleep(0.02)
        background.kill()

    def gave_up(self, background):
        """The source was away when the run began: nothing is followed yet, and it says that it can be repeated."""
        said = background.expect(3)
        assert "run the same command again" in said, said


@pytest.mark.sources("postgresql", "sqlite")
def test_C9_kill_anywhere_while_live(live, server, ring_table, ledger):
    seed = int(os.environ.get("OFFRAMP_SEED", random.randrange(1 << 32)))
    rng = random.Random(seed)
    print(f"seed {seed}, {KILLS} kills")
    kills = Kills(live, server, rng)
    with ring.Writers(ledger, ring_table.write, rate=800) as writers:
        for number in range(KILLS):
            if number % 2:
                kills.at(POINTS[number // 2 % len(POINTS)])
            else:
                kills.at_any_time()
            if rng.random() < 0.3:
                ring_table.roll_shard(rng)
            status = live.tool.run("status", live.tool.plan_path, "--json", code=None)
            # Killed before it wrote its first word: there is nothing to tell, and it says so.
            assert status.code == 0 and status.json()["running"] is False or status.code == 2, repr(status)
        live.start()
        live.await_in_sync()
        observer = live.observer()
        observer.arm()
        kills.crash_source()
        time.sleep(1)
    print(f"{writers.total()} changes; the source was killed {kills.crashes} times")
    live.await_equal(ledger, ring_table.contents())
    observer.stop()
    live.background.terminate()
    ring.check(ledger, live.finish(), where="the dump")
    assert live.tool.letters() == []
    if KILLS >= 2 * len(POINTS):
        assert set(kills.died_at) == set(POINTS)
