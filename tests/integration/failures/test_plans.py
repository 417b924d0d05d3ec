"""A plan with a mistake is refused whole, with exit 2, the line, and the nearest valid name; nothing is touched."""
import os
import re

import pytest

from tool import generate

KEYS = ["PK", "SK"]

# What is replaced in a good plan, by what, and what the message must hold beside the line.
CASES = {
    "unknown top-level key": (r"^version: 1$", "version: 1\ntabels: []", "tables"),
    "unknown source key": (r"^source:$", "source:\n  regoin: eu-west-1", "region"),
    "unknown column type": (r"type: bigint", "type: bigimt", "bigint"),
    "unknown load source": (r"from: export", "from: exprt", "export"),
    "another version": (r"^version: 1$", "version: 7", "version"),
    "unknown target": (r"^target: .*$", "target: postgress://db/app", "postgresql"),
    "yaml that is none": (r"^version: 1$", "version: [1", ""),
    "an expression that does not end": (r"^tables:$", "tables:\n  - match: \"begins_with(PK, 'A'\"\n    into: broken", ""),
}


@pytest.fixture
def planned(tool):
    (full,) = generate(os.path.join(tool.folder, "x"), "--mode", "shop", "--items", 500)
    tool.plan(f"export:{full}", "sqlite:target.sqlite", KEYS)
    return tool


@pytest.mark.parametrize("name", CASES)
def test_mistakes_are_named(planned, name):
    pattern, replacement, names = CASES[name]
    line = 0

    def change(text):
        nonlocal line
        found = re.search(pattern, text, re.M)
        assert found, f"{pattern} is not in the plan:\n{text}"
        line = text.count("\n", 0, found.start()) + 1
        return text[: found.start()] + replacement + text[found.end():]

    planned.edit_plan(change)
    said = planned.run("run", planned.plan_path, "--until", "loaded", code=2).said
    places = [int(number) for number in re.findall(r"plan\.yaml:(?: line )?(\d+)", said)]
    # A plan has one target, and the message quotes it: it needs no line to be found.
    assert name == "unknown target" or any(line <= place <= line + replacement.count("\n") + 1 for place in places), said
    assert names in said, said
    assert not os.path.exists(os.path.join(planned.folder, "target.sqlite"))


@pytest.mark.parametrize("url", ["postgress://x/y", "nothing", "", "ftp://x"])
def test_unknown_target_url(tool, url):
    (full,) = generate(os.path.join(tool.folder, "x"), "--mode", "shop", "--items", 10)
    said = tool.run("plan", f"export:{full}", url, "-o", tool.plan_path, code=2).said
    assert "sqlite:" in said and "postgresql:" in said, said


def test_unknown_source_url(tool):
    said = tool.run("plan", "exprt:x", "sqlite:t.sqlite", "-o", tool.plan_path, code=2).said
    assert "export:" in said, said


def test_no_plan_file(tool):
    assert "nowhere.yaml" in tool.run("run", "nowhere.yaml", code=2).said


def test_unknown_command_and_option(tool):
    tool.run("lode", code=2)
    tool.run("run", "--quickly", code=2)
    tool.run(code=2)


def test_a_plan_is_not_overwritten_by_accident(planned):
    with open(planned.plan_path) as file:
        before = file.read()
    planned.run("plan", "dump:x.jsonl", "sqlite:other.sqlite", "-o", planned.plan_path, code=2)
    with open(planned.plan_path) as file:
        assert file.read() == before
