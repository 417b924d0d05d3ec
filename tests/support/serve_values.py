"""Random attribute values, keys and items of DynamoDB, as on the wire: mostly legal, always from small pools, so that
two requests often speak of the same item, the same attribute and the same value; now and then wrong on purpose.

All randomness comes from the `random.Random` that is handed in.
"""
import base64
import copy

# What texts may hold that breaks programs: nothing, NUL, quotes, what sorts differently as UTF-16, long ones.
STRINGS = ["", "a", "ab", "abc", "b", "B", "a\u0000b", "é", "e\u0301", "\uffff", "\U00010000", "\U0001f600", "'", "\"",
           "\\", "%", "a_b", "1", "10", "9", "true", "null", " ", "\n", "zz" * 40, "\u007f", "\u0080", "NaN", "{}"]
NUMBERS = ["0", "1", "-1", "2", "3", "10", "9", "100", "1.5", "-1.5", "0.1", "-0", "1e3", "1000", "1E-3", "0.001", "+5",
           "007", "1.50", "12345678901234567890", "99999999999999999999999999999999999999",
           "-99999999999999999999999999999999999999", "9.9999999999999999999999999999999999999E+125", "1E-130", "-1E-130",
           "-9.9999999999999999999999999999999999999E+125", "1e125", "0.00000000000000000001", "3.14159265358979", ".5", "5.",
           "9007199254740993", "-9223372036854775808", "9223372036854775808"]
SMALL_NUMBERS = ["0", "1", "-1", "2", "3", "7", "10", "1.5", "-2.25", "100", "0.1"]
BINARIES = [b"", b"a", b"ab", b"\x00", b"\x00\x01", b"\x7f", b"\x80", b"\xff", b"\xff\xff", b"abc", b"\x00" * 20]
BAD_NUMBERS = ["", " 1", "1 ", "NaN", "Infinity", "0x10", "1_0", "abc", "1e126", "1e-131", "--1", "1e",
               "123456789012345678901234567890123456789", "1" + "0" * 126, "0e126", "1.2.3"]
TYPES = ["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"]


def weighted(rng, *choices):
    """One of (weight, thing)."""
    return rng.choices([thing for _, thing in choices], [weight for weight, _ in choices])[0]


def b64(data):
    return base64.b64encode(data).decode()


def scalar(rng, kind):
    if kind == "S":
        return {"S": rng.choice(STRINGS)}
    if kind == "N":
        return {"N": rng.choice(NUMBERS if rng.random() < 0.4 else SMALL_NUMBERS)}
    if kind == "B":
        return {"B": b64(rng.choice(BINARIES))}
    if kind == "BOOL":
        return {"BOOL": rng.random() < 0.5}
    return {"NULL": True}


def numbers_apart(rng, count):
    """Texts of different values."""
    return rng.sample(["0", "1", "-1", "2", "3", "10", "1.5", "1E-130", "1e125", "12345678901234567890"], count)


def value(rng, depth=0, kind=None):
    kind = kind or rng.choice(TYPES if depth < 3 else TYPES[:5])
    if kind in ("S", "N", "B", "BOOL", "NULL"):
        return scalar(rng, kind)
    if kind == "L":
        return {"L": [value(rng, depth + 1) for _ in range(rng.choice((0, 1, 2, 3)))]}
    if kind == "M":
        return {"M": {name: value(rng, depth + 1) for name in rng.sample(MEMBERS, rng.choice((0, 1, 2, 3)))}}
    count = rng.choice((1, 1, 2, 3))
    if kind == "SS":
        return {"SS": rng.sample(STRINGS, count)}
    if kind == "NS":
        return {"NS": numbers_apart(rng, count)}
    return {"BS": [b64(member) for member in rng.sample(BINARIES, count)]}


def bad_value(rng):
    """What the service refuses, as a value of an item or of a placeholder."""
    return rng.choice([
        lambda: {"N": rng.choice(BAD_NUMBERS)}, lambda: {"S": "a", "N": "1"}, lambda: {}, lambda: {"SS": []},
        lambda: {"NS": []}, lambda: {"BS": []}, lambda: {"SS": ["a", "a"]}, lambda: {"NS": ["1", "1.0"]},
        lambda: {"BS": ["YQ==", "YQ=="]}, lambda: {"NULL": False}, lambda: {"X": "a"}, lambda: {"N": 5},
        lambda: {"S": 5}, lambda: {"B": "***"}, lambda: {"B": "YQ"}, lambda: {"BOOL": "true"}, lambda: {"L": {}},
        lambda: {"M": []}, lambda: {"L": [{"N": "x"}]}, lambda: {"M": {"a": {"NULL": False}}}, lambda: "a",
        lambda: {"NS": ["1", "x"]}, lambda: {"S": None}, lambda: {"M": {"": {"S": "a"}}},
    ])()


# Names: plain, of nested members, reserved words, with characters that only #names may have.
NAMES = ["a", "b", "c", "d", "e1", "f_g", "Name", "status", "size", "a.b", "x-y", "été", "A", "extra", "rowid"]
MEMBERS = ["a", "b", "c", "Name", "a.b", "deep"]
KEY_POOL = {
    "S": ["a", "b", "ab", "é", "\U0001f600", "10", "9", "A"],
    "N": ["1", "2", "-1", "10", "1e1", "0.5", "9", "10000000000000000000000000000000000001"],
    "B": [b64(data) for data in (b"a", b"ab", b"\x00", b"\xff", b"\x7f", b"b", b"\x80\x00", b"c")],
}


def key_value(rng, kind, pool=8):
    return {kind: rng.choice(KEY_POOL[kind][:pool])}


class Attributes:
    """The attributes of one table: what each is usually made of, so that comparisons have something to compare."""

    members = MEMBERS  # of maps

    def __init__(self, rng):
        self.names = rng.sample(NAMES, 9)
        self.kinds = {name: rng.choice(TYPES) for name in self.names}
        self.kinds[self.names[0]] = "N"
        self.kinds[self.names[1]] = "S"
        self.kinds[self.names[2]] = "M"
        self.kinds[self.names[3]] = "L"
        self.kinds[self.names[4]] = rng.choice(("SS", "NS", "BS"))

    def only(self, names):
        """The same of these alone."""
        found = copy.copy(self)
        found.names = list(names)
        return found

    def value(self, rng, name):
        return value(rng, 0, self.kinds[name] if rng.random() < 0.8 else None)

    def some(self, rng):
        return {name: self.value(rng, name) for name in self.names if rng.random() < 0.45}
