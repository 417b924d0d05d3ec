"""A full export and the incremental exports after it: the target ends as Python says, or the run stops and says why."""
import glob
import gzip
import os
import re
import shutil

import pytest

import items
from tool import Tool, generate

REAL = "exports/full-then-incremental/AWSDynamoDB"


def then(tool, folders):
    """Puts the incremental exports into the plan, in this order."""
    listed = ", ".join(f"'{folder}'" for folder in folders)

    def change(text):
        lines = text.splitlines(keepends=True)
        for number, line in enumerate(lines):
            stripped = line.strip()
            if stripped.startswith("load: {") and "from: export" in stripped:
                lines[number] = line.rstrip().removesuffix("}") + f", then: [{listed}]}}\n"
                return "".join(lines)
            if stripped.startswith("from: export"):
                indent = line[: len(line) - len(line.lstrip())]
                lines.insert(number + 1, f"{indent}then: [{listed}]\n")
                return "".join(lines)
        raise AssertionError(f"no export in the plan:\n{text}")

    tool.edit_plan(change)


def expected_state(keys, full, increments):
    contents = items.Contents(keys).add_all(items.export_items(full))
    for folder in increments:
        items.apply_increment(contents, folder)
    return contents


def copy_chain(data, tool):
    """A copy to change."""
    folder = os.path.join(tool.folder, "AWSDynamoDB")
    shutil.copytree(os.path.join(data, REAL), folder)
    full, *increments = sorted(glob.glob(os.path.join(folder, "0*")))
    return full, increments


def test_a_summary_that_was_edited_is_remarked(tool, data):
    """The donors masked account and bucket: the md5 is AWS's, the summary is not any more."""
    (full, *_) = sorted(glob.glob(os.path.join(data, REAL, "0*")))
    said = tool.plan(f"export:{full}", "sqlite:t.sqlite", ["pk", "sk"]).said
    assert "manifest-summary.md5" in said, said


def test_real_chain(tool, target, data):
    full, increments = copy_chain(data, tool)
    tool.plan(f"export:{full}", target, ["pk", "sk"])
    then(tool, increments)
    tool.run("run", tool.plan_path, "--until", "verified")
    expected = expected_state(["pk", "sk"], full, increments)
    items.assert_same(expected, tool.dump(["pk", "sk"]))


@pytest.mark.parametrize("form", ["json", "ion"])
def test_made_chain(tool, target, form):
    words = ["--mode", "shop", "--items", 5000, "--changes", 1500, "--windows", 3, "--seed", 11]
    full, *increments = generate(os.path.join(tool.folder, form), *words, "--format", form)
    tool.plan(f"export:{full}", target, ["PK", "SK"])
    then(tool, increments)
    tool.run("run", tool.plan_path, "--until", "verified")
    # The Ion chain must give what the JSON one of the same seed holds: Python reads only JSON.
    json_full, *json_increments = (full, *increments)
    if form == "ion":
        json_full, *json_increments = generate(os.path.join(tool.folder, "json"), *words)
    items.assert_same(expected_state(["PK", "SK"], json_full, json_increments), tool.dump(["PK", "SK"]))


def test_a_missing_window_stops_the_run(tool, target, data):
    full, increments = copy_chain(data, tool)
    tool.plan(f"export:{full}", target, ["pk", "sk"])
    then(tool, increments[1:])
    said = tool.run("run", tool.plan_path, "--until", "loaded", code=3).said
    assert "10:35" in said, said  # where the chain begins again


def test_the_order_in_the_plan_does_not_matter(tool, target, data):
    """The windows say themselves which is newer."""
    full, increments = copy_chain(data, tool)
    tool.plan(f"export:{full}", target, ["pk", "sk"])
    then(tool, increments[::-1])
    tool.run("run", tool.plan_path, "--until", "verified")
    items.assert_same(expected_state(["pk", "sk"], full, increments), tool.dump(["pk", "sk"]))


def test_only_an_incremental_export_is_no_start(tool, data, tmp_path):
    _, increments = copy_chain(data, tool)
    done = tool.run("plan", f"export:{increments[0]}", f"sqlite:{tmp_path}/t.sqlite", "-o", tool.plan_path, "--key",
                    "pk,sk", code=None)
    assert done.code in (2, 3) and "full" in done.said, repr(done)


@pytest.mark.parametrize("kind", ["full", "incremental"])
def test_a_flipped_byte_in_any_file_stops_the_run(tmp_path, new_target, data, kind):
    """A new migration per file: what has been loaded from a good file is not read again."""
    keys = ["pk", "sk"]
    names = sorted(os.path.basename(path) for path in glob.glob(
        os.path.join(data, REAL, "01768385930622-efd1a093" if kind == "full" else "", "data", "*.gz")))
    assert len(names) >= 4
    for name in names:
        os.mkdir(tmp_path / name)
        tool = Tool(tmp_path / name)
        full, increments = copy_chain(data, tool)
        tool.plan(f"export:{full}", new_target(), keys)
        then(tool, increments)
        path = os.path.join(full if kind == "full" else os.path.dirname(full), "data", name)
        with open(path, "rb") as file:
            good = file.read()
        bad = bytearray(good)
        bad[len(bad) // 2] ^= 0x10
        with open(path, "wb") as file:
            file.write(bad)
        said = tool.run("run", tool.plan_path, "--until", "loaded", code=3).said
        assert name in said, said
        with open(path, "wb") as file:
            file.write(good)
        # With every byte as it was, the same command ends well.
        tool.run("run", tool.plan_path, "--until", "verified")
        items.assert_same(expected_state(keys, full, increments), tool.dump(keys))


@pytest.mark.parametrize("name", ["manifest-summary.json", "manifest-files.json"])
def test_a_changed_manifest_stops_the_run(tool, name, tmp_path):
    (full,) = generate(os.path.join(tool.folder, "x"), "--mode", "shop", "--items", 12, "--files", 4)
    path = os.path.join(full, name)
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(re.sub('"itemCount":(12|3),', '"itemCount":4,', text, count=1))
    done = tool.run("plan", f"export:{full}", f"sqlite:{tmp_path}/t.sqlite", "-o", tool.plan_path, "--key", "PK,SK",
                    code=3)
    assert name in done.said


def test_a_file_with_fewer_items_than_its_manifest_says_stops_the_run(tool, target, data):
    """The md5 is right, the count is not: the export contradicts itself."""
    full, *_ = generate(os.path.join(tool.folder, "x"), "--mode", "shop", "--items", 400, "--files", 2)
    manifest = os.path.join(full, "manifest-files.json")
    with open(manifest) as file:
        text = file.read()
    assert text.count('"itemCount":200') == 2
    with open(manifest, "w") as file:
        file.write(text.replace('"itemCount":200', '"itemCount":201', 1).replace('"itemCount":200', '"itemCount":199', 1))
    for name in ("manifest-files.md5", "manifest-summary.md5"):
        os.remove(os.path.join(full, name))
    said = tool.plan(f"export:{full}", target, ["PK", "SK"], code=3).said
    assert ".json.gz" in said and ("201" in said or "199" in said), said
    # The same when it is found out only by the run.
    with open(manifest, "w") as file:
        file.write(text)
    tool.plan(f"export:{full}", target, ["PK", "SK"])
    with open(manifest, "w") as file:
        file.write(text.replace('"itemCount":200', '"itemCount":201', 1).replace('"itemCount":200', '"itemCount":199', 1))
    said = tool.run("run", tool.plan_path, "--until", "loaded", code=3).said
    assert ".json.gz" in said and ("201" in said or "199" in said), said


def test_truncated_gzip_stops_the_run(tool, target, data):
    """Cut short, and the manifest made to agree: the gzip itself must be found out."""
    import base64
    import hashlib
    import json
    full, *_ = generate(os.path.join(tool.folder, "x"), "--mode", "shop", "--items", 2000, "--files", 1)
    tool.plan(f"export:{full}", target, ["PK", "SK"])
    (name,) = glob.glob(os.path.join(full, "data", "*.gz"))
    with open(name, "rb") as file:
        cut = file.read()[:-200]
    with open(name, "wb") as file:
        file.write(cut)
    with pytest.raises(EOFError), gzip.open(name) as file:
        file.read()
    path = os.path.join(full, "manifest-files.json")
    with open(path) as file:
        entry = json.load(file)
    entry["md5Checksum"] = base64.b64encode(hashlib.md5(cut).digest()).decode()
    with open(path, "w") as file:
        file.write(json.dumps(entry) + "\n")
    os.remove(os.path.join(full, "manifest-files.md5"))
    said = tool.run("run", tool.plan_path, "--until", "loaded", code=3).said
    assert os.path.basename(name) in said, said


def test_a_missing_data_file_stops_the_run(tool, target, data):
    full, increments = copy_chain(data, tool)
    tool.plan(f"export:{full}", target, ["pk", "sk"])
    name = sorted(glob.glob(os.path.join(full, "data", "*.gz")))[0]
    os.remove(name)
    said = tool.run("run", tool.plan_path, "--until", "loaded", code=3).said
    assert os.path.basename(name) in said, said
