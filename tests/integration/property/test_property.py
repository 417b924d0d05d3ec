"""C8: random hostile items, to each target and back, are the same items. Compared by Python.

OFFRAMP_PROPERTY_ITEMS says how many (20,000; `make property`: 1,000,000), OFFRAMP_SEED takes a printed seed back.
"""
import os
import random

import pytest

import items
from tool import generate, generate_lines

COUNT = int(os.environ.get("OFFRAMP_PROPERTY_ITEMS", "20000"))
SEED = int(os.environ.get("OFFRAMP_SEED", random.randrange(1 << 32)))


def test_C8_random_items_come_back(tool, target):
    print(f"seed {SEED}, {COUNT} items")
    (full,) = generate(os.path.join(tool.folder, "x"), "--mode", "random", "--items", COUNT, "--seed", SEED)
    tool.move(f"export:{full}", target, ["pk", "sk"])
    expected = items.Contents(["pk", "sk"]).add_all(items.export_items(full))
    assert len(expected.items) == COUNT
    items.assert_same(expected, tool.dump(["pk", "sk"]))


@pytest.mark.parametrize("types", ["S", "N", "B", "S,N", "S,B", "N,S", "B,N", "B,B"])
def test_C8_every_kind_of_key(tool, target, types):
    print(f"seed {SEED}")
    count = 2000
    keys = ["pk", "sk"][: len(types.split(","))]
    path = os.path.join(tool.folder, "dump.jsonl")
    generate_lines(path, "--mode", "random", "--items", count, "--seed", SEED, "--keys", types)
    expected = items.Contents(keys).add_all(line["Item"] for line in items.read_lines(path))
    tool.move(f"dump:{path}", target, keys)
    items.assert_same(expected, tool.dump(keys))


def test_C8_ion_and_json_give_the_same(tool, target):
    print(f"seed {SEED}")
    words = ["--mode", "random", "--items", 3000, "--seed", SEED]
    (ion,) = generate(os.path.join(tool.folder, "ion"), *words, "--format", "ion")
    (json_folder,) = generate(os.path.join(tool.folder, "json"), *words)
    tool.move(f"export:{ion}", target, ["pk", "sk"])
    expected = items.Contents(["pk", "sk"]).add_all(items.export_items(json_folder))
    items.assert_same(expected, tool.dump(["pk", "sk"]))


def test_the_comparison_can_fail():
    """The comparator itself: what is equal to DynamoDB is equal, what is not is not."""
    same = [({"N": "10"}, {"N": "1E1"}), ({"N": "0"}, {"N": "-0.0"}), ({"SS": ["a", "b"]}, {"SS": ["b", "a"]}),
            ({"M": {"a": {"N": "1"}, "b": {"NULL": True}}}, {"M": {"b": {"NULL": True}, "a": {"N": "1.0"}}})]
    different = [({"N": "1"}, {"S": "1"}), ({"L": [{"N": "1"}, {"N": "2"}]}, {"L": [{"N": "2"}, {"N": "1"}]}),
                 ({"S": ""}, {"NULL": True}), ({"SS": ["1"]}, {"NS": ["1"]}),
                 ({"N": "99999999999999999999999999999999999999"}, {"N": "99999999999999999999999999999999999998"})]
    for left, right in same:
        assert items.digest({"x": left}) == items.digest({"x": right})
    for left, right in different:
        assert items.digest({"x": left}) != items.digest({"x": right})
    left, right = items.Contents(["k"]), items.Contents(["k"])
    left.put({"k": {"S": "1"}, "v": {"N": "1"}})
    with pytest.raises(AssertionError):
        items.assert_same(left, right)
    right.put({"k": {"S": "1"}, "v": {"N": "2"}})
    with pytest.raises(AssertionError):
        items.assert_same(left, right)
