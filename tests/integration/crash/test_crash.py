"""C9: kill -9 at random instants of a load, then the same command again; the end is as if nothing had happened.

OFFRAMP_CRASH_KILLS says how many kills per target (12; `make crash`: 200), OFFRAMP_SEED takes a printed seed back.
One load takes a few kills; then it ends, is compared, and the next one begins with an empty target.
"""
import os
import random
import signal
import time

import pytest

import items
from tool import Tool, generate

KILLS = int(os.environ.get("OFFRAMP_CRASH_KILLS", "12"))
KILLS_PER_LOAD = 6
ITEMS = int(os.environ.get("OFFRAMP_CRASH_ITEMS", "200000"))
SEED = int(os.environ.get("OFFRAMP_SEED", random.randrange(1 << 32)))
KEYS = ["PK", "SK"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    (folder,) = generate(tmp_path_factory.mktemp("shop"), "--mode", "shop", "--items", ITEMS, "--files", 8)
    return folder, items.Contents(KEYS).add_all(items.export_items(folder))


@pytest.fixture(params=["sqlite", "postgresql"])
def new_target(request, tmp_path):
    def make(number):
        if request.param == "sqlite":
            return f"sqlite:{tmp_path}/{number}/target.sqlite"
        return request.getfixturevalue("postgres").new_database()
    return make


def seconds_of_a_load(tool):
    started = time.monotonic()
    tool.run("run", tool.plan_path, "--until", "verified")
    return time.monotonic() - started


def test_C9_kill_anywhere(tmp_path, shop, new_target):
    folder, expected = shop
    rng = random.Random(SEED)
    print(f"seed {SEED}, {KILLS} kills")

    def begin(number):
        os.mkdir(tmp_path / str(number))
        tool = Tool(tmp_path / str(number))
        tool.plan(f"export:{folder}", new_target(number), KEYS)
        return tool

    whole = seconds_of_a_load(begin("untouched"))
    kills = loads = too_late = 0
    while kills < KILLS:
        tool = begin(loads)
        loads += 1
        here = 0
        while here < KILLS_PER_LOAD and kills < KILLS:
            # Anywhere in what an untouched run would take; later kills of one load reach its later phases.
            delay = rng.uniform(0.01, whole * 0.9)
            process = tool.start("run", tool.plan_path, "--until", "verified")
            try:
                process.wait(timeout=delay)
                assert process.returncode == 0, open(os.path.join(tool.folder, "background.log")).read()[-3000:]
                too_late += 1
                assert too_late < 10 * KILLS, "the load is too short to be killed"
                break
            except Exception as error:
                if type(error).__name__ != "TimeoutExpired":
                    raise
            process.send_signal(signal.SIGKILL)
            process.wait()
            here += 1
            kills += 1
            status = tool.run("status", tool.plan_path).said
            assert "resume" in status.lower() or "redo" in status.lower(), status
        tool.run("run", tool.plan_path, "--until", "verified")
        report = tool.run("verify", tool.plan_path, "--json").json()
        assert report["equal"] is True, report
        items.assert_same(expected, tool.dump(KEYS))  # also: no key twice
        letters = tool.run("letters", tool.plan_path, "list", "--json").json()
        assert not letters.get("letters", letters), letters
        print(f"load {loads}: {here} kills, {kills} of {KILLS}")
    assert kills == KILLS
