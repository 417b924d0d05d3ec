# C2 with an export as the load: it must show the table as it was at least five minutes after the capture began.
import time

import ring
from export_writer import write_export


def test_an_export_is_the_load_of_a_live_migration(target, make_live, server, ring_table, ledger, tmp_path):
    early = write_export(str(tmp_path), "01-early", "Ring", list(ring_table.contents()), time.time() - 60)
    live = make_live(server.source("Ring"), target,
                     load=f"{{from: export, path: {early}}}")
    with ring.Writers(ledger, ring_table.write, rate=500) as writers:
        # Taken before the capture began: what was written in between would be missing.
        said = live.run(code=2).err
        assert "Nothing was loaded" in said and "ExportTime" in said, said
        assert live.status()["phase"] != "loaded"
        writers.wait_for(500)
        # What was written meanwhile is captured, also while nothing runs, because the stream keeps it.
        with_margin = write_export(str(tmp_path), "02-later", "Ring", list(ring_table.contents()), time.time() + 310)
        live.source = live.source.replace(early, with_margin)
        live.write_plan()
        live.start()
        live.await_in_sync()
        writers.wait_for(1000)
    live.await_equal(ledger, ring_table.contents())
    live.background.terminate()
    assert live.tool.letters() == []
