"""C9: kill -9 while a live table moves, at random instants and at named points; then the same command again.

OFFRAMP_LIVE_KILLS says how many kills per target (10), OFFRAMP_SEED takes a printed seed back.
"""
import os
import random
import time

import ring

KILLS = int(os.environ.get("OFFRAMP_LIVE_KILLS", "10"))
POINTS = ["capture.before_append", "capture.after_append", "follow.before_apply", "follow.after_apply",
          "follow.before_release"]


def test_C9_kill_anywhere_while_live(live, ring_table, ledger):
    seed = int(os.environ.get("OFFRAMP_SEED", random.randrange(1 << 32)))
    rng = random.Random(seed)
    print(f"seed {seed}, {KILLS} kills")
    died_at = {}
    with ring.Writers(ledger, ring_table.write, rate=800):
        for number in range(KILLS):
            if number % 2:
                point = POINTS[number // 2 % len(POINTS)]
                background = live.start(env={"OFFRAMP_KILL_AT": f"{point}:{rng.randint(1, 12)}"})
                assert background.wait() == -9, background.said()[-3000:]
                died_at[point] = died_at.get(point, 0) + 1
            else:
                background = live.start()
                until = time.monotonic() + rng.uniform(0.02, 2.5)
                while time.monotonic() < until:
                    assert background.running(), background.said()[-3000:]
                    time.sleep(0.02)
                background.kill()
            if rng.random() < 0.3:
                ring_table.stream.roll(rng.choice(ring_table.stream.open_shards()))
            status = live.tool.run("status", live.tool.plan_path, "--json", code=None)
            # Killed before it wrote its first word: there is nothing to tell, and it says so.
            assert status.code == 0 and status.json()["running"] is False or status.code == 2, repr(status)
        live.start()
        live.await_in_sync()
        observer = live.observer()
        observer.arm()
        time.sleep(1)
    live.await_equal(ledger, ring_table.contents())
    observer.stop()
    live.background.terminate()
    ring.check(ledger, live.finish(), where="the dump")
    assert live.tool.letters() == []
    if KILLS >= 2 * len(POINTS):
        assert set(died_at) == set(POINTS)
