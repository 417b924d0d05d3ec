"""The generator keeps its promises: other stories stand on them."""
import base64
import gzip
import hashlib
import json
import os

import pytest

import items
from tool import generate, generate_lines


def tree(folder):
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(where, name), "rb") as file:
                found[os.path.relpath(os.path.join(where, name), folder)] = file.read()
    return found


@pytest.mark.parametrize("mode", ["shop", "bench", "random"])
def test_the_same_seed_gives_the_same_bytes(tmp_path, mode):
    words = ["--mode", mode, "--items", 3000, "--seed", 5, "--changes", 200, "--windows", 2]
    for name in ("a", "b"):
        assert len(generate(tmp_path / name, *words)) == 3
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    generate(tmp_path / "c", *words[:-6], "--seed", 6, *words[-4:])
    assert tree(tmp_path / "a") != tree(tmp_path / "c")


def test_manifests_are_true(tmp_path):
    for folder in generate(tmp_path, "--mode", "shop", "--items", 3001, "--files", 3, "--changes", 100):
        with open(os.path.join(folder, "manifest-summary.json"), "rb") as file:
            summary = file.read()
        with open(os.path.join(folder, "manifest-files.json"), "rb") as file:
            listing = file.read()
        for name, content in (("summary", summary), ("files", listing)):
            with open(os.path.join(folder, f"manifest-{name}.md5"), "rb") as file:
                assert file.read() == base64.b64encode(hashlib.md5(content).digest())
        total = 0
        for line in listing.splitlines():
            entry = json.loads(line)
            with open(os.path.join(tmp_path, entry["dataFileS3Key"]), "rb") as file:
                content = file.read()
            md5 = hashlib.md5(content).digest()
            assert entry["md5Checksum"] == base64.b64encode(md5).decode()
            assert entry["etag"] == hashlib.md5(md5).hexdigest() + "-1"
            assert gzip.decompress(content).count(b"\n") == entry["itemCount"]
            total += entry["itemCount"]
        assert json.loads(summary)["itemCount"] == total


def test_increments_follow_from_what_was(tmp_path):
    """OldImage is what the chain before it says, no key comes twice in a window, deletions have no NewImage."""
    full, *windows = generate(tmp_path, "--mode", "shop", "--items", 1000, "--changes", 300, "--windows", 3)
    state = items.Contents(["PK", "SK"]).add_all(items.export_items(full))
    for window in windows:
        seen, deletions = set(), 0
        for record in items.export_records(window):
            key = items.key_of(record["Keys"], state.keys)
            assert key not in seen
            seen.add(key)
            assert state.items.get(key) == (items.digest(record["OldImage"]) if "OldImage" in record else None)
            deletions += "NewImage" not in record
        assert len(seen) == 300 and deletions > 20
        items.apply_increment(state, window)


def test_random_items_are_hostile(tmp_path):
    path = tmp_path / "dump.jsonl"
    generate_lines(path, "--mode", "random", "--items", 12000, "--seed", 3)
    types, longest, largest, deepest, nul_keys, keys = set(), 0, 0, 0, 0, set()

    def walk(value, depth):
        nonlocal longest, deepest
        (tag, content), = value.items()
        types.add(tag)
        deepest = max(deepest, depth)
        if tag == "N":
            digits = content.lstrip("-").replace(".", "").strip("0")
            longest = max(longest, len(digits))
            assert len(digits) <= 38
        for member in content.values() if tag == "M" else content if tag == "L" else ():
            walk(member, depth + 1)

    for entry in items.read_lines(path):
        item = entry["Item"]
        keys.add(items.key_of(item, ["pk", "sk"]))
        nul_keys += "\0" in item["pk"]["S"]
        size = len(json.dumps(item, ensure_ascii=False).encode())
        largest = max(largest, size)
        for value in item.values():
            walk(value, 1)
    assert len(keys) == 12000 and nul_keys > 10
    assert types == {"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"}
    assert longest == 38 and deepest == 32 and 300_000 < largest < 560_000


def test_duplicates(tmp_path):
    path = tmp_path / "dump.jsonl"
    generate_lines(path, "--mode", "shop", "--items", 100, "--duplicates", 10)
    by_key = {}
    for entry in items.read_lines(path):
        by_key.setdefault(items.key_of(entry["Item"], ["PK", "SK"]), []).append(items.digest(entry["Item"]))
    assert len(by_key) == 90
    twice = [digests for digests in by_key.values() if len(digests) == 2]
    assert len(twice) == 10 and sum(first == second for first, second in twice) == 5
