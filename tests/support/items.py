"""Items in Python, read and compared without the tool: what a source holds, and whether a dump says the same.

An item is a dict of attribute name → DynamoDB JSON value ({"S": …}). Two items are equal as DynamoDB means it:
members and set members in any order, numbers by value.
"""
import decimal
import gzip
import hashlib
import json
import os

_EXACT = decimal.Context(prec=60, Emax=9999, Emin=-9999)


def _number(text):
    value = decimal.Decimal(text)
    if value == 0:
        return "0"
    sign, digits, exponent = value.normalize(_EXACT).as_tuple()
    return f"{'-' if sign else ''}{''.join(map(str, digits))}e{exponent}"


def canonical(value):
    """The value as plain lists and dicts that are equal (==) exactly when the values are."""
    assert len(value) == 1, f"an attribute value has one type, not {sorted(value)}"
    (tag, content), = value.items()
    if tag == "N":
        return ["N", _number(content)]
    if tag in ("S", "B", "BOOL", "NULL"):
        return [tag, content]
    if tag == "M":
        return ["M", {name: canonical(member) for name, member in content.items()}]
    if tag == "L":
        return ["L", [canonical(member) for member in content]]
    # A set is a set: hand-made dumps hold members twice, which DynamoDB itself would refuse.
    if tag == "NS":
        return ["NS", sorted(set(map(_number, content)))]
    if tag in ("SS", "BS"):
        return [tag, sorted(set(content))]
    raise AssertionError(f"{tag} is not a type of DynamoDB")


def canonical_item(item):
    return {name: canonical(value) for name, value in item.items()}


def digest(item):
    text = json.dumps(canonical_item(item), sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def key_of(item, keys):
    return json.dumps([canonical(item[name]) for name in keys])


class Contents:
    """What a table holds, by key: digests only, so that a million items fit."""

    def __init__(self, keys):
        self.keys = keys
        self.items = {}

    def put(self, item):
        self.items[key_of(item, self.keys)] = digest(item)

    def delete(self, key):
        self.items.pop(key_of(key, self.keys), None)

    def add_all(self, items):
        """Every key once: a second item of the same key is an error of the side that gave it."""
        for item in items:
            key = key_of(item, self.keys)
            assert key not in self.items, f"the key {key} came twice"
            self.items[key] = digest(item)
        return self


def assert_same(expected, found):
    missing = expected.items.keys() - found.items.keys()
    extra = found.items.keys() - expected.items.keys()
    different = [key for key in expected.items.keys() & found.items.keys()
                 if expected.items[key] != found.items[key]]
    assert not (missing or extra or different), (
        f"{len(missing)} missing, e.g. {sorted(missing)[:3]}; {len(extra)} extra, e.g. {sorted(extra)[:3]}; "
        f"{len(different)} different, e.g. {sorted(different)[:3]}")


def plain_value(value):
    """Plain JSON as the tool reads it."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, (int, decimal.Decimal)):
        return {"N": str(value)}
    if isinstance(value, list):
        return {"L": [plain_value(member) for member in value]}
    return {"M": {name: plain_value(member) for name, member in value.items()}}


def read_lines(path):
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line, parse_float=decimal.Decimal)


def export_records(folder):
    """The records of an export folder, found through its manifest."""
    for entry in read_lines(os.path.join(folder, "manifest-files.json")):
        name = os.path.basename(entry["dataFileS3Key"])
        for place in (os.path.join(folder, "data", name), os.path.join(os.path.dirname(folder), "data", name)):
            if os.path.exists(place):
                yield from read_lines(place)
                break
        else:
            raise AssertionError(f"{name} of {folder} is nowhere")


def export_items(folder):
    for record in export_records(folder):
        yield record["Item"]


def apply_increment(contents, folder):
    """At most one record per key and window; a record without NewImage is a deletion."""
    for record in export_records(folder):
        if "NewImage" in record:
            contents.put(record["NewImage"])
        else:
            contents.delete(record["Keys"])
