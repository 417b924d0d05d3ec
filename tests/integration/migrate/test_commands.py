"""The commands as a person meets them: signals, pipes, devices, mistakes, a dump of each side read back."""
import json
import os
import signal
import socket
import stat
import subprocess
import time

import paths
import pytest
from items import assert_same
from tool import Tool, environment


def line(n, name="x" * 40):
    return json.dumps({"pk": {"S": f"p{n % 97}"}, "sk": {"N": str(n)}, "name": {"S": name}})


def write_items(path, count):
    with open(path, "w", encoding="utf-8") as out:
        for n in range(count):
            out.write(line(n) + "\n")


def planned(tool, tmp_path, count, target=None):
    write_items(tmp_path / "items.jsonl", count)
    tool.plan("dump:items.jsonl", target or "sqlite:t.sqlite", ["pk", "sk"], "-q")


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_how_to_go_on_and_goes_on(tool, tmp_path, which):
    planned(tool, tmp_path, 600_000)
    process = tool.start("run", tool.plan_path, "--until", "loaded")
    deadline = time.monotonic() + 60
    while tool.status()["records"] == 0:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(which)
    assert process.wait(timeout=30) == 3
    with open(tmp_path / "background.log", encoding="utf-8") as log:
        said = log.read()
    assert f"Go on with `offramp run {tool.plan_path}`" in said, said
    status = tool.status()
    assert status["phase"] == "loading" and 0 < status["records"] < 600_000 and not status["running"]
    done = tool.run("run", tool.plan_path, "--json").json()
    assert done["stored"] == 600_000 and done["verified"]["equal"] is True


def test_a_server_that_never_answers_does_not_hold_a_stop_up(tool):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        with open(tool.plan_path, "w", encoding="utf-8") as plan:
            plan.write("version: 1\nsource:\n  table: Things\n  region: eu-west-1\n"
                       f"  endpoint: http://127.0.0.1:{server.getsockname()[1]}\n"
                       "  key: {pk: S, sk: N}\n  load: {from: scan, segments: 2}\n  capture: none\n"
                       "target: sqlite:t.sqlite\ntables:\n  - into: things\n")
        process = tool.start("run", tool.plan_path, env=environment(AWS_ACCESS_KEY_ID="k", AWS_SECRET_ACCESS_KEY="s"))
        connection, _ = server.accept()
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 3
        assert time.monotonic() - begun < 5
        connection.close()
    with open(os.path.join(tool.folder, "background.log"), encoding="utf-8") as log:
        assert "Go on with `offramp run" in log.read()


def test_outputs_that_are_no_files_are_written_through(tool, tmp_path):
    write_items(tmp_path / "items.jsonl", 100)
    words = ["plan", "dump:items.jsonl", "sqlite:t.sqlite", "--key", "pk,sk", "-q", "-o"]
    null = tool.run(*words, "/dev/null")
    assert null.out == "" and "wrote the plan to /dev/null" in null.err
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode) and not os.path.exists("/dev/null.offramp")
    printed = tool.run(*words, "/dev/stdout").out
    assert printed.splitlines()[2] == "version: 1", printed
    with open(tool.plan_path, "w", encoding="utf-8") as plan:
        plan.write(printed)
    tool.run("run", tool.plan_path)
    tool.run("dump", tool.plan_path, "-o", "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert tool.run("dump", tool.plan_path, "-o", "/dev/stdout").out.count("\n") == 100
    assert "/dev/full" in tool.run("dump", tool.plan_path, "-o", "/dev/full", code=3).err
    with open("/dev/full", "w") as full:
        done = subprocess.run([paths.OFFRAMP, "status", tool.plan_path], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 3 and "standard output" in done.stderr


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_dump_of_a_side_reads_back_as_the_same(tool, tmp_path, side):
    planned(tool, tmp_path, 500)
    tool.run("run", tool.plan_path)
    tool.run("dump", tool.plan_path, "--side", side, "-o", "again.jsonl")
    assert stat.S_IMODE(os.stat(tmp_path / "again.jsonl").st_mode) == 0o600
    (tmp_path / "second").mkdir()
    second = Tool(tmp_path / "second")
    second.move(f"dump:{tmp_path}/again.jsonl", "sqlite:t.sqlite", ["pk", "sk"], "-q")
    assert_same(tool.dump(["pk", "sk"]), second.dump(["pk", "sk"]))


def test_a_key_in_two_tables_becomes_one_and_a_letter(tool, tmp_path):
    with open(tmp_path / "items.jsonl", "w", encoding="utf-8") as out:
        out.write(line(1, "first") + "\n" + line(2, "only") + "\n" + line(1, "b second") + "\n")
    with open(tool.plan_path, "w", encoding="utf-8") as plan:
        plan.write("version: 1\nsource:\n  table: Things\n  key: {pk: S, sk: N}\n  load: {from: dump, path: items.jsonl}\n"
                   "  capture: none\ntarget: sqlite:t.sqlite\ntables:\n  - match: \"begins_with(#n, 'b')\"\n".replace("#n", "name")
                   + "    into: bs\n  - into: others\n")
    result = tool.run("run", tool.plan_path, "--json", code=1).json()
    assert result["rows"]["bs"] == 1 and result["rows"]["others"] == 1
    assert result["verified"]["equal"] is True
    (letter,) = tool.letters()
    assert letter["code"] == "item.duplicate_key"
    assert "first" in tool.run("letters", tool.plan_path, "show", letter["id"]).out
    tool.run("letters", tool.plan_path, "waive", letter["id"], "--because", "old")
    assert tool.run("run", tool.plan_path).code == 0


@pytest.mark.parametrize("words, said", [
    (["runn", "plan.yaml"], "'runn' is not a command (did you mean run?)"),
    (["run", "plan.yaml", "--untl", "loaded"], "'--untl' is not an option (did you mean --until?)"),
    (["letters", "plan.yaml", "lst"], "'lst' is not a command (did you mean list?)"),
    (["letters", "pln.yaml", "list"], "cannot read the plan pln.yaml"),
    (["letters", "pln.yaml", "waive", "--all", "--because", "x"], "cannot read the plan pln.yaml"),
    (["letters", "plan.yaml", "list"], "plan.yaml has not been run yet"),
    (["verify", "plan.yaml"], "offramp run plan.yaml"),
    (["plan", "dump:itms.jsonl", "sqlite:t.sqlite", "-o", "p.yaml"], "itms.jsonl"),
    (["plan", "dump:items.jsonl", "sqlite:t.sqlite", "-o", "none/p.yaml"], "there is no folder none"),
    (["plan", "dump:items.jsonl", "sqlite:t.sqlite", "-o", "plan.yaml"], "plan.yaml exists already"),
])
def test_a_mistake_is_named_and_nothing_is_touched(tool, tmp_path, words, said):
    planned(tool, tmp_path, 10)
    before = sorted(os.listdir(tmp_path))
    result = tool.run(*words, code=2)
    assert said in result.err, repr(result)
    assert sorted(os.listdir(tmp_path)) == before
