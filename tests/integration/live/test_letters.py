"""C7: changes that the target refuses while it is followed: kept whole, their keys frozen, the rest goes on."""
import pytest

TABLES = """tables:
  - into: things
    columns: {n: {from: n, type: bigint}, note: {from: note, type: text}}
"""
SECRET = "not for the log"


@pytest.fixture
def things(server):
    table = server.tables.create("Things")
    table.enable_stream(shards=2)
    table.load([thing(f"k{number}", number) for number in range(20)])
    return table


def thing(key, n):
    return {"pk": {"S": key}, "n": {"N": str(n)}, "note": {"S": SECRET}}


@pytest.fixture
def strict(make_live, server, things, target):
    """In sync with a target whose owner takes no n of 1000 or more."""
    live = make_live(server.source("Things"), target, tables=TABLES)
    live.start()
    live.await_in_sync()
    if target.startswith("sqlite:"):
        for event in ("INSERT", "UPDATE"):
            live.reader.sql(f"CREATE TRIGGER small_{event} BEFORE {event} ON things WHEN NEW.n >= 1000 "
                            "BEGIN SELECT RAISE(ABORT, 'n is too large'); END")
    else:
        live.reader.sql("ALTER TABLE things ADD CONSTRAINT small CHECK (n < 1000)")
    return live


def relax(live):
    if live.reader.file:
        for event in ("INSERT", "UPDATE"):
            live.reader.sql(f"DROP TRIGGER small_{event}")
    else:
        live.reader.sql("ALTER TABLE things DROP CONSTRAINT small")


def values(live):
    return {key: int(n) for key, n in live.reader.sql("SELECT pk, n FROM things")}


def open_letters(live):
    return [letter for letter in live.tool.letters() if letter["state"] == "open"]


def freeze(live, things):
    """k1 has a refused change and a later good one behind it; k2 was only refused; the others go on."""
    things.write(("put", thing("k1", 5000)))
    things.write(("put", thing("k2", 6000)))
    live.await_("letters", lambda: len(open_letters(live)) >= 2)
    things.write(("put", thing("k1", 7)))
    for number in range(3, 20):
        things.write(("put", thing(f"k{number}", 100 + number)))
    live.await_("the other keys", lambda: all(values(live).get(f"k{number}") == 100 + number
                                              for number in range(3, 20)))
    assert values(live)["k1"] == 1 and values(live)["k2"] == 2, "the keys are frozen in their last good state"
    assert {letter["key"]["pk"]["S"] for letter in open_letters(live)} == {"k1", "k2"}
    assert SECRET not in live.background.said()


def test_C7_later_changes_wait_behind_a_refused_one(strict, things):
    freeze(strict, things)
    strict.background.terminate(codes=(0, 1))
    # Frozen they stay over a restart.
    strict.start()
    strict.await_in_sync()
    things.write(("put", thing("k1", 8)))
    things.write(("put", thing("k3", 333)))
    strict.await_("k3", lambda: values(strict)["k3"] == 333)
    assert values(strict)["k1"] == 1
    report = strict.tool.run("verify", strict.tool.plan_path, "--json", code=1).json()
    assert report["equal"] is False, report


@pytest.mark.parametrize("running", [True, False])
def test_C7_retry_heals(strict, things, running):
    freeze(strict, things)
    relax(strict)
    if not running:
        strict.background.terminate(codes=(0, 1))
    strict.tool.run("letters", strict.tool.plan_path, "retry")
    assert open_letters(strict) == []
    if not running:
        strict.start()
    strict.await_("what the source holds", lambda: values(strict)["k1"] == 7 and values(strict)["k2"] == 6000)
    # And the keys are followed again.
    things.write(("put", thing("k1", 11)), ("delete", {"pk": {"S": "k2"}}))
    strict.await_("later changes", lambda: values(strict).get("k1") == 11 and "k2" not in values(strict))
    assert strict.tool.run("verify", strict.tool.plan_path, "--json").json()["equal"] is True
    strict.background.terminate()


def test_C7_retry_while_the_reason_stands(strict, things):
    freeze(strict, things)
    strict.tool.run("letters", strict.tool.plan_path, "retry", code=1)
    left = open_letters(strict)
    assert any(letter["key"]["pk"]["S"] == "k2" for letter in left), left
    assert values(strict)["k2"] == 2


def test_C7_a_deletion_heals_by_retry(strict, things):
    """The newest state of a frozen key is that it is gone: the constraint does not mind that."""
    things.write(("put", thing("k1", 5000)))
    strict.await_("a letter", lambda: len(open_letters(strict)) >= 1)
    things.write(("delete", {"pk": {"S": "k1"}}))
    things.write(("put", thing("k3", 333)))
    strict.await_("k3", lambda: values(strict)["k3"] == 333)
    strict.tool.run("letters", strict.tool.plan_path, "retry")
    strict.await_("k1 gone", lambda: "k1" not in values(strict))
    assert open_letters(strict) == []


def test_waive(strict, things):
    freeze(strict, things)
    strict.tool.run("letters", strict.tool.plan_path, "waive", "--all", "--because", "we know")
    assert open_letters(strict) == []
    assert strict.background.running()
    strict.background.terminate()
