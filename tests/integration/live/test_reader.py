"""The stories' own reader of the targets gives what was loaded: every kind of node, from every table."""
import random

import pytest

import ring


def test_the_reader_gives_what_was_loaded(live, ring_table, ledger):
    rng = random.Random(ledger.seed)
    for _ in range(1000):
        ring_table.write(*ledger.step(rng, rng.randrange(len(ledger.rings))))
    live.write_plan(capture="none")
    live.run("--until", "loaded")
    ring.check(ledger, live.reader.items(), ring_table.contents())
    assert dict(live.reader.versions()) == {key: ledger.versions[key] for key in ledger.items}
    ring.check(ledger, live.finish(), where="the dump")
    # A reader that sees no fault would prove nothing.
    live.reader.sql("DELETE FROM order_lines WHERE line_no = (SELECT max(line_no) FROM order_lines)")
    with pytest.raises(AssertionError, match="other content"):
        ring.check(ledger, live.reader.items())
