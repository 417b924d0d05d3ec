"""C9: kill -9 at random instants of a load, then the same command again; the end is as if nothing had happened.

OFFRAMP_CRASH_KILLS says how many kills per target (8; `make crash`: 200), OFFRAMP_SEED takes a printed seed back.
One load takes a few kills; then it ends, is compared, and the next one begins with an empty target.
"""
import os
import random
import signal
import subprocess
import time

import pytest

import items
from tool import Tool, generate

KILLS = int(os.environ.get("OFFRAMP_CRASH_KILLS", "8"))
KILLS_PER_LOAD = 6
ITEMS = int(os.environ.get("OFFRAMP_CRASH_ITEMS", "200000"))
SEED = int(os.environ.get("OFFRAMP_SEED", random.randrange(1 << 32)))
KEYS = ["PK", "SK"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    (folder,) = generate(tmp_path_factory.mktemp("shop"), "--mode", "shop", "--items", ITEMS, "--files", 8)
    return folder, items.Contents(KEYS).add_all(items.export_items(folder))


def seconds_of_a_load(tool):
    started = time.monotonic()
    tool.run("run", tool.plan_path, "--until", "verified")
    return time.monotonic() - started


# What a resume would do, in the words of each phase that a kill can leave behind.
SAID = {"not started": "starts from the beginning", "loading": "This is safe", "finishing": "will not be read again",
        "loaded": "will not be repeated", "verified": "will not be repeated", "differs": None}


def check_status(status, durable_before):
    """The state after a kill, as the tool tells it: what is durable only ever grows. Returns the durable records."""
    assert SAID[status["phase"]] in " ".join(status["resume"]), status
    assert not status["running"]
    assert durable_before <= status["records"] <= ITEMS, (durable_before, status)
    assert status["letters"]["open"] == 0
    return status["records"]


def test_C9_kill_anywhere(tmp_path, shop, new_target):
    folder, expected = shop
    rng = random.Random(SEED)
    print(f"seed {SEED}, {KILLS} kills")

    def begin(number):
        os.mkdir(tmp_path / str(number))
        tool = Tool(tmp_path / str(number))
        tool.plan(f"export:{folder}", new_target(), KEYS)
        return tool

    whole = seconds_of_a_load(begin("untouched"))
    kills = loads = too_late = 0
    while kills < KILLS:
        tool = begin(loads)
        loads += 1
        here = durable = 0
        while here < KILLS_PER_LOAD and kills < KILLS:
            # Anywhere in what an untouched run would take; later kills of one load reach its later phases.
            delay = rng.uniform(0.01, whole * 0.9)
            process = tool.start("run", tool.plan_path, "--until", "verified")
            try:
                process.wait(timeout=delay)
            except subprocess.TimeoutExpired:
                pass
            else:
                assert process.returncode == 0, open(os.path.join(tool.folder, "background.log")).read()[-3000:]
                too_late += 1
                assert too_late < 10 * KILLS, "the load is too short to be killed"
                break
            process.send_signal(signal.SIGKILL)
            process.wait()
            here += 1
            kills += 1
            durable = check_status(tool.status(), durable)
        tool.run("run", tool.plan_path, "--until", "verified")
        report = tool.run("verify", tool.plan_path, "--json").json()
        assert report["equal"] is True, report
        items.assert_same(expected, tool.dump(KEYS))  # also: no key twice
        assert tool.letters() == []
        print(f"load {loads}: {here} kills, {kills} of {KILLS}")
    assert kills == KILLS
