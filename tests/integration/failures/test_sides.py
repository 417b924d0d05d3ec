"""A side that fails: wrong credentials, a server that vanishes, a disk that is full, bytes that lie. Exit codes,
messages without secrets, and the same command again when it is put right."""
import json
import os
import signal
import sqlite3
import subprocess
import time

import pytest

import items
import paths
from postgres import PASSWORD
from tool import environment, generate, generate_lines

KEYS = ["PK", "SK"]


def shop(tool, count=2000):
    (full,) = generate(os.path.join(tool.folder, "x"), "--mode", "shop", "--items", count, "--files", 4)
    return full, items.Contents(KEYS).add_all(items.export_items(full))


def test_wrong_credentials(tool, postgres):
    full, _ = shop(tool, 10)
    tool.plan(f"export:{full}", postgres.new_database(), KEYS)
    wrong = environment()
    wrong["PGPASSWORD"] = "hunter2-wrong"
    said = tool.run("run", tool.plan_path, code=2, env=wrong).said
    assert "password" in said and "hunter2" not in said and PASSWORD not in said, said


def test_no_server_there(tool, own_postgres):
    full, expected = shop(tool)
    tool.plan(f"export:{full}", own_postgres.new_database(), KEYS)
    own_postgres.stop()
    said = tool.run("run", tool.plan_path, code=3).said
    assert str(own_postgres.port) in said, said
    own_postgres.start()
    tool.run("run", tool.plan_path, "--until", "verified")
    items.assert_same(expected, tool.dump(KEYS))


def test_server_vanishes_mid_load(tool, own_postgres):
    full, expected = shop(tool, 150000)
    database = own_postgres.new_database()
    tool.plan(f"export:{full}", database, KEYS)
    process = tool.start("run", tool.plan_path, "--until", "verified")
    deadline = time.monotonic() + 60
    name = database.rsplit("/", 1)[1]
    # Until there are rows of ours; reltuples and counts of uncommitted rows are invisible, the files are not.
    while time.monotonic() < deadline:
        (size,), = own_postgres.sql("SELECT pg_database_size(current_database())", name)
        if int(size) > 15_000_000 or process.poll() is not None:
            break
        time.sleep(0.02)
    assert process.poll() is None, "the load ended before the server could be stopped"
    own_postgres.stop("immediate")
    assert process.wait(timeout=120) == 3, open(os.path.join(tool.folder, "background.log")).read()[-3000:]
    own_postgres.start()
    tool.run("run", tool.plan_path, "--until", "verified")
    items.assert_same(expected, tool.dump(KEYS))


def test_full_disk(tool):
    """RLIMIT_FSIZE stands for the full disk: a write past it fails with EFBIG. A mount would need to be root."""
    full, expected = shop(tool, 30000)
    tool.plan(f"export:{full}", "sqlite:target.sqlite", KEYS)

    def limit():
        import resource
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))

    result = tool.run("run", tool.plan_path, "--until", "loaded", code=3, preexec_fn=limit)
    assert "target.sqlite" in result.said, result.said
    tool.run("run", tool.plan_path, "--until", "verified")
    items.assert_same(expected, tool.dump(KEYS))


def test_interrupted_by_a_signal(tool, target):
    full, expected = shop(tool, 100000)
    tool.plan(f"export:{full}", target, KEYS)
    process = tool.start("run", tool.plan_path, "--until", "verified")
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) in (0, 3)
    tool.run("run", tool.plan_path, "--until", "verified")
    items.assert_same(expected, tool.dump(KEYS))


def test_two_runs_at_once(tool, target):
    full, expected = shop(tool, 100000)
    tool.plan(f"export:{full}", target, KEYS)
    first = tool.start("run", tool.plan_path, "--until", "verified")
    time.sleep(0.3)
    assert first.poll() is None
    second = tool.run("run", tool.plan_path, "--until", "verified", code=None)
    assert second.code in (2, 3), repr(second)
    assert first.wait(timeout=300) == 0
    items.assert_same(expected, tool.dump(KEYS))


@pytest.mark.parametrize("line", [b'{"Item":{"PK":{"S":"a\xff"},"SK":{"S":"b"}}}', b'{"Item":{"PK":{"S":"a"}',
                                  b'{"Item":{"PK":{"S":"a"},"SK":{"S":"b"},"n":{"N":"1e999"}}}',
                                  b'{"Item":{"SK":{"S":"no partition key"}}}', b"not json at all",
                                  b'{"Item":{"PK":{"S":"a"},"SK":{"S":"b"},"v":{"X":"secret-content"}}}'])
def test_C7_a_bad_record_becomes_a_dead_letter(tool, target, line):
    path = os.path.join(tool.folder, "dump.jsonl")
    generate_lines(path, "--mode", "shop", "--items", 100)
    expected = items.Contents(KEYS).add_all(entry["Item"] for entry in items.read_lines(path))
    tool.plan(f"dump:{path}", target, KEYS)
    with open(path, "rb") as file:
        lines = file.readlines()
    with open(path, "wb") as file:
        file.writelines(lines[:50] + [line + b"\n"] + lines[50:])
    result = tool.run("run", tool.plan_path, "--until", "verified", code=1)
    assert "secret-content" not in result.said
    (letter,) = tool.letters()
    assert letter["state"] == "open" and letter["reason"], letter
    shown = subprocess.run([paths.OFFRAMP, "letters", tool.plan_path, "show", str(letter["id"])], stdout=subprocess.PIPE,
                           env=environment(), check=True)
    # Whole: the record as it was read, or the item when it was one but has no usable key.
    whole = shown.stdout.rstrip(b"\n")
    assert whole == line or json.loads(whole) == json.loads(line)["Item"], whole
    items.assert_same(expected, tool.dump(KEYS))


def test_duplicate_keys_in_a_dump(tool, target):
    """One item of a key stays, another one that differs is kept as a dead letter, a copy goes silently (C7)."""
    path = os.path.join(tool.folder, "dump.jsonl")
    generate_lines(path, "--mode", "shop", "--items", 1000, "--duplicates", 40)
    last = {}
    for entry in items.read_lines(path):
        last[items.key_of(entry["Item"], KEYS)] = entry["Item"]
    assert len(last) == 960
    tool.plan(f"dump:{path}", target, KEYS)
    tool.run("run", tool.plan_path, "--until", "loaded", code=1)
    assert len(tool.letters()) == 20
    found = tool.dump(KEYS)
    assert found.items.keys() == last.keys()


def test_a_table_in_the_way(tool, target, postgres):
    """A table of the same name that is not ours is left alone."""
    full, _ = shop(tool, 100)
    tool.plan(f"export:{full}", target, KEYS)
    with open(tool.plan_path, encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.strip().lstrip("- ").startswith("into:")]
    create = f'CREATE TABLE "{names[0]}" (precious text)'
    if target.startswith("sqlite:"):
        with sqlite3.connect(target.removeprefix("sqlite:")) as database:
            database.execute(create)
    else:
        postgres.sql(create, target.rsplit("/", 1)[1])
    result = tool.run("run", tool.plan_path, "--until", "loaded", code=None)
    assert result.code in (2, 3) and names[0] in result.said, repr(result)


def test_the_target_is_emptied_behind_our_back(tool, tmp_path):
    """C6: a target that lost what was loaded is a gap, not a fresh start."""
    full, _ = shop(tool, 1000)
    tool.plan(f"export:{full}", f"sqlite:{tmp_path}/target.sqlite", KEYS)
    tool.run("run", tool.plan_path, "--until", "loaded")
    for name in os.listdir(tmp_path):
        if name.startswith("target.sqlite"):
            os.remove(tmp_path / name)
    tool.run("run", tool.plan_path, "--until", "verified", code=3)


def test_verify_finds_a_changed_row(tool, tmp_path):
    full, _ = shop(tool, 1000)
    tool.plan(f"export:{full}", f"sqlite:{tmp_path}/target.sqlite", KEYS)
    tool.run("run", tool.plan_path, "--until", "verified")
    subprocess.run(["sqlite3", tmp_path / "target.sqlite"], input=tamper(tmp_path / "target.sqlite"), text=True,
                   check=True)
    report = tool.run("verify", tool.plan_path, "--json", code=1).json()
    assert report["equal"] is False


def tamper(path):
    """A statement that deletes one row of the largest table."""
    with sqlite3.connect(path) as database:
        tables = [name for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'offramp%'")]
        counts = {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}
    largest = max(counts, key=counts.get)
    assert counts[largest] > 0
    return f'DELETE FROM "{largest}" WHERE rowid = (SELECT min(rowid) FROM "{largest}");'


def test_a_role_that_is_named_like_our_schema(tool, own_postgres):
    """search_path begins with "$user": for a role named offramp, our schema must not become the place of its tables."""
    own_postgres.sql(f"CREATE ROLE offramp SUPERUSER LOGIN PASSWORD '{PASSWORD}'", "postgres")
    full, expected = shop(tool)
    tool.plan(f"export:{full}", own_postgres.new_database().replace("//app@", "//offramp@"), KEYS)
    tool.run("run", tool.plan_path, "--until", "loaded")
    tool.run("verify", tool.plan_path)
    items.assert_same(expected, tool.dump(KEYS))
