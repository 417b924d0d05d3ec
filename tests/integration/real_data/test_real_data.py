"""Everything that others wrote: moved to each target, verified by the tool, and read back and compared by Python."""
import json
import os

import pytest

import items
import paths

FULL = "exports/full-all-types/AWSDynamoDB/01715685260608-c488b4e1"
FIRST_OF_CHAIN = "exports/full-then-incremental/AWSDynamoDB/01768385930622-efd1a093"

SOURCES = {
    "export of every type": (f"export:{FULL}", ["id"], lambda path: items.export_items(path)),
    "export with empty files": (f"export:{FIRST_OF_CHAIN}", ["pk", "sk"], lambda path: items.export_items(path)),
    "dump of every type": ("dump:dumps/all-types-dynamodb.json", ["id"],
                           lambda path: [json.load(open(path, encoding="utf-8"))["Item"]]),
    "array of people": ("dump:dumps/persons.ddb-array.json", ["id"],
                        lambda path: json.load(open(path, encoding="utf-8"))),
    "plain json game": ("dump:dumps/game-player-items.plain.jsonl", ["PK", "SK"],
                        lambda path: ({name: items.plain_value(value) for name, value in line.items()}
                                      for line in items.read_lines(path))),
    "products": ("dump:dumps/products-dynamodb.jsonl", ["productId"],
                 lambda path: (line["Item"] for line in items.read_lines(path))),
    "users": ("dump:dumps/users-dynamodb.jsonl", ["userId"],
              lambda path: (line["Item"] for line in items.read_lines(path))),
}


def check(tool, target, source, keys, expected, plain=False):
    done = tool.move(source, target, keys, *(["--plain"] if plain else []))
    assert "equal" in done.said
    report = tool.run("verify", tool.plan_path, "--json").json()
    assert report["equal"] is True
    found = tool.dump(keys)
    items.assert_same(expected, found)
    assert len(found.items) == len(expected.items) > 0


@pytest.mark.parametrize("name", SOURCES)
def test_moves_and_reads_back(tool, target, data, name):
    address, keys, read = SOURCES[name]
    kind, path = address.split(":", 1)
    path = os.path.join(data, path)
    expected = items.Contents(keys).add_all(read(path))
    check(tool, target, f"{kind}:{path}", keys, expected, plain=".plain." in path)


def models():
    folder = os.path.join(paths.DATA, "models")
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            for number, table in enumerate(json.load(file)["DataModel"]):
                yield f"{name.removesuffix('.json')}-{number}", table


MODELS = dict(models())


def test_there_are_models():
    assert len(MODELS) >= 10


@pytest.mark.parametrize("name", MODELS)
def test_models(tool, target, name):
    table = MODELS[name]
    keys = [part["AttributeName"] for part in table["KeyAttributes"].values()]
    path = os.path.join(tool.folder, "dump.jsonl")
    with open(path, "w", encoding="utf-8") as out:
        for item in table["TableData"]:
            out.write(json.dumps({"Item": item}, ensure_ascii=False) + "\n")
    expected = items.Contents(keys).add_all(table["TableData"])
    check(tool, target, f"dump:{path}", keys, expected)
