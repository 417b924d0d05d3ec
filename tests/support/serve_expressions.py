"""Random expressions of DynamoDB with the names and values they need: conditions, filters, projections, updates and key
conditions; mostly right, some wrong in each of the ways that the service tells apart.

One `Placeholders` per request: all expressions of a request share its ExpressionAttributeNames and -Values.
"""
import base64
import decimal
import re

from serve_values import bad_value, value, weighted

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
RESERVED = {"name", "status", "size", "partition", "order", "when", "total", "lines", "type"}  # of those that the pools hold


class Placeholders:
    """`mistake(probability)` says whether to do something wrong; see Requests."""

    def __init__(self, rng, attributes, mistake=lambda probability: False):
        self.rng = rng
        self.attributes = attributes
        self.mistake = mistake
        self.names = {}
        self.values = {}

    def chance(self, probability):
        return self.rng.random() < probability

    def name(self, text):
        plain = PLAIN.match(text) and text.lower() not in RESERVED
        if plain and self.chance(0.6):
            return text
        if self.mistake(0.03):
            return text  # a reserved word or what is no word at all
        for known, meant in self.names.items():
            if meant == text:
                return known
        placeholder = f"#n{len(self.names)}"
        self.names[placeholder] = text
        return placeholder

    def value(self, wire):
        placeholder = f":v{len(self.values)}"
        if self.mistake(0.03):
            wire = bad_value(self.rng)
        self.values[placeholder] = wire
        return placeholder

    def some_value(self, kind=None):
        return self.value(value(self.rng, 1, kind))

    def path(self, top=None, nested=0.35):
        top = top or self.rng.choice(self.attributes.names)
        text = self.name(top)
        kind = self.attributes.kinds.get(top)
        if kind not in ("M", "L"):
            nested *= 0.15
        depth = 0
        while self.chance(nested) and depth < 3:
            # The first step mostly fits the attribute, what is below it is anything.
            index = self.chance(0.4) if depth else (kind == "L") == self.chance(0.9)
            text += f"[{self.rng.choice((0, 0, 1, 2, 7))}]" if index else "." + self.name(
                self.rng.choice(self.attributes.members))
            nested *= 0.5
            depth += 1
        return text

    def put_into(self, request):
        """What the request must carry; sometimes something unused or something less."""
        if self.names:
            request["ExpressionAttributeNames"] = self.names
        if self.values:
            request["ExpressionAttributeValues"] = self.values
        if self.mistake(0.15):
            self.rng.choice([
                lambda: request.setdefault("ExpressionAttributeNames", {}).update({"#unused": "a"}),
                lambda: request.setdefault("ExpressionAttributeValues", {}).update({":unused": {"S": "a"}}),
                lambda: request.pop("ExpressionAttributeNames", None),
                lambda: request.pop("ExpressionAttributeValues", None),
                lambda: request.update({"ExpressionAttributeNames": {}}),
                lambda: request.update({"ExpressionAttributeValues": {}}),
                lambda: request.setdefault("ExpressionAttributeNames", {}).update({"x": "a"}),
                lambda: request.setdefault("ExpressionAttributeValues", {}).update({"x": {"S": "a"}}),
            ])()
        return request


def comparable(p, name):
    """A value that is often of the attribute's type."""
    kind = p.attributes.kinds[name]
    return p.value(p.attributes.value(p.rng, name) if p.chance(0.8) else value(p.rng, 1, kind))


def compared(p, name):
    operator = p.rng.choice(("=", "<>", "<", "<=", ">", ">="))
    if operator in ("=", "<>") or p.mistake(0.1):
        right = comparable(p, name)
    else:
        kind = p.attributes.kinds[name]
        right = p.some_value(kind if kind in ("S", "N", "B") else p.rng.choice("SNB"))
    left = p.path(name, 0.15)
    if p.chance(0.1):
        left, right = right, left
    return f"{left} {operator} {right}"


def between(p, name):
    kind = p.rng.choice("SNB")
    bounds = [value(p.rng, 1, kind) for _ in range(2)]
    if not p.mistake(0.1):
        bounds.sort(key=order_of)
    return f"{p.path(name, 0.1)} BETWEEN {p.value(bounds[0])} AND {p.value(bounds[1])}"


def typed(p, name):
    kind = {"S": p.rng.choice(("S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"))}
    if p.mistake(0.3):
        kind = p.rng.choice(({"S": "X"}, {"N": "1"}))
    return f"attribute_type({p.path(name)}, {p.value(kind)})"


def two_paths(p, name):
    return f"{p.path(name)} {p.rng.choice(('=', '<>', '<'))} {p.path(p.rng.choice([other for other in p.attributes.names if other != name] or ['none']), 0)}"


PREDICATES = (
    (35, compared),
    (7, lambda p, name: f"size({p.path(name, 0.1)}) {p.rng.choice(('=', '<', '>', '<>', '>=', '<='))} {p.value({'N': str(p.rng.randint(0, 4))})}"),
    (8, between),
    (8, lambda p, name: f"{p.path(name, 0.1)} IN ({', '.join(comparable(p, name) for _ in range(p.rng.choice((1, 2, 3))))})"),
    (8, lambda p, name: f"attribute_exists({p.path(name)})"),
    (8, lambda p, name: f"attribute_not_exists({p.path(name)})"),
    (6, typed),
    (7, lambda p, name: f"begins_with({p.path(name, 0.1)}, {p.some_value(p.rng.choice('SSSB'))})"),
    (7, lambda p, name: f"contains({p.path(name, 0.1)}, {p.some_value(p.rng.choice(('S', 'S', 'N', 'B', None)))})"),
    (3, two_paths),
    (3, lambda p, name: wrong_predicate(p) if p.mistake(0.6) else two_paths(p, name)),
)


def predicate(p):
    make = weighted(p.rng, *PREDICATES)
    return make(p, p.rng.choice(p.attributes.names))


def wrong_predicate(p):
    return p.rng.choice([
        lambda: "", lambda: f"{p.path()} =", lambda: f"{p.path()} == {p.some_value()}", lambda: "a = :undefined",
        lambda: "#undefined = :undefined", lambda: f"(({p.path()} = {p.some_value()}))", lambda: f"size({p.path()})",
        lambda: f"foo({p.path()})", lambda: f"attribute_exists({p.some_value()})", lambda: "attribute_exists(a, b)",
        lambda: "a = a", lambda: "contains(a, a)", lambda: f"begins_with({p.path()}, {p.some_value('N')})",
        lambda: f"{p.path()} < {p.some_value('BOOL')}", lambda: f"{p.path()} BETWEEN {p.value({'N': '2'})} AND {p.value({'N': '1'})}",
        lambda: f"{p.path()} BETWEEN {p.value({'N': '2'})} AND {p.value({'S': '1'})}", lambda: "NOT", lambda: "a[x] = b",
        lambda: f"SIZE({p.path()}) = {p.some_value('N')}", lambda: "_a = b", lambda: "1a = b", lambda: "a ! b", lambda: "a b",
        lambda: f"if_not_exists(a, {p.some_value()}) = {p.some_value()}", lambda: f"size({p.value({'N': '1'})}) = {p.value({'N': '1'})}",
        lambda: "a = b AND", lambda: "(a = b", lambda: "a = b)", lambda: "a[99999999999999999999] = b", lambda: "a IN ()",
    ])()


def joined(words):
    return lambda p, depth: f"{condition(p, depth)} {words} {condition(p, depth)}"


CONDITIONS = (
    (60, lambda p, depth: predicate(p)),
    (15, joined("AND")),
    (13, joined("OR")),
    (8, lambda p, depth: f"NOT {predicate(p)}"),
    (4, lambda p, depth: f"({condition(p, depth)} or {condition(p, depth)})"),
)


def condition(p, depth=0):
    make = weighted(p.rng, *CONDITIONS)
    return predicate(p) if depth >= 3 else make(p, depth + 1)


def projection(p):
    count = p.rng.choice((1, 1, 2, 3, 4))
    if p.mistake(0.2):
        return p.rng.choice(["", "a,,b", "a b", "a, a", "a.b, a", "a[0], a.b", ":v", "size(a)", "#undefined", "a.", "a[-1]", ","])
    tops = p.rng.sample(p.attributes.names, min(count, len(p.attributes.names)))
    return ", ".join(p.path(top) for top in tops)


def set_value(p, name):
    kind = p.attributes.kinds[name]
    roll = p.rng.random()
    if kind == "N" and roll < 0.45:
        other = p.path(name, 0) if p.chance(0.6) else f"if_not_exists({p.path(name, 0)}, {p.value({'N': '0'})})"
        return f"{other} {p.rng.choice('+-')} {p.value({'N': p.rng.choice(('1', '2.5', '-3', '1e20', '0'))})}"
    if kind == "L" and roll < 0.45:
        parts = [p.path(name, 0), p.some_value("L")]
        if p.chance(0.3):
            parts[0] = f"if_not_exists({p.path(name, 0)}, {p.value({'L': []})})"
        p.rng.shuffle(parts)
        return f"list_append({', '.join(parts)})"
    if roll < 0.55:
        return f"if_not_exists({p.path(name, 0.2)}, {comparable(p, name)})"
    if roll < 0.62:
        return p.path()
    if roll < 0.64:
        return f"{p.path()} + {p.path()}"
    return comparable(p, name)


def update(p, keys=()):
    if p.mistake(0.2):
        return p.rng.choice([
            lambda: "", lambda: "SET", lambda: "SET a", lambda: "SET a =", lambda: f"SET a = {p.some_value()} SET b = {p.some_value()}",
            lambda: f"SET a = {p.some_value()}, a = {p.some_value()}", lambda: f"SET a.b = {p.some_value()}, a = {p.some_value()}",
            lambda: "ADD a b", lambda: f"ADD a {p.some_value('S')}", lambda: f"DELETE a {p.some_value('N')}", lambda: "REMOVE :v",
            lambda: f"SET a = foo(a, {p.some_value()})", lambda: f"SET a = a + b + {p.some_value('N')}", lambda: "INVALID SYNTAX",
            lambda: f"SET a = list_append(a, {p.some_value('N')})", lambda: "SET a = list_append(a)", lambda: "REMOVE a, a",
            lambda: f"SET a = {p.some_value('S')} + {p.some_value('N')}", lambda: f"SET a.b = {p.some_value()}, a[1] = {p.some_value()}",
            lambda: f"SET {p.name(p.rng.choice(keys) if keys else 'a')} = {p.some_value()}", lambda: "SET a = size(b)",
            lambda: f"REMOVE {p.name(p.rng.choice(keys) if keys else 'a')}", lambda: "SET a = :undefined", lambda: "SET #u = a",
            lambda: f"SET a = ((({p.some_value()})))", lambda: f"ADD a.b {p.some_value('N')} SET", lambda: "SET a = if_not_exists(:v, a)",
        ])()
    names = p.attributes.names[:]
    p.rng.shuffle(names)
    sections = {}
    for name in names[:p.rng.choice((1, 1, 2, 3, 4))]:
        kind = p.attributes.kinds[name]
        roll = p.rng.random()
        if roll < 0.5:
            sections.setdefault("SET", []).append(f"{p.path(name, 0.25)} = {set_value(p, name)}")
        elif roll < 0.7:
            sections.setdefault("REMOVE", []).append(p.path(name))
        elif roll < 0.88:
            kind = kind if kind in ("N", "SS", "NS", "BS") else p.rng.choice(("N", "SS"))
            sections.setdefault("ADD", []).append(f"{p.path(name, 0.1)} {p.some_value(kind)}")
        else:
            kind = kind if kind in ("SS", "NS", "BS") else "SS"
            sections.setdefault("DELETE", []).append(f"{p.path(name, 0.1)} {p.some_value(kind)}")
    order = list(sections)
    p.rng.shuffle(order)
    return " ".join(f"{word if p.chance(0.8) else word.lower()} {', '.join(sections[word])}" for word in order)


def key_condition(p, partition, sort, key_of):
    """`partition`, `sort`: (name, type), sort may be None; `key_of(name, type)` gives a value."""
    name, kind = partition
    right = p.value(key_of(name, kind))
    text = f"{p.name(name)} = {right}" if p.chance(0.95) else f"{right} = {p.name(name)}"
    if p.mistake(0.2):
        return p.rng.choice([
            lambda: f"{p.name(name)} > {right}", lambda: f"NOT {text}", lambda: f"{text} OR {text}", lambda: f"{text} AND {text}",
            lambda: f"{p.name(name)} = {p.some_value()}", lambda: f"foo = {right}", lambda: "", lambda: f"{text} AND a = {p.some_value()}",
            lambda: f"{p.name(name)} IN ({right})", lambda: f"{text} AND attribute_exists(a)", lambda: f"({text})",
            lambda: f"size({p.name(name)}) = {right}", lambda: f"{text} AND",
        ])()
    if sort is None or p.chance(0.35):
        return text
    name, kind = sort
    operator = p.rng.choice(("=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"))
    if p.mistake(0.05):
        operator = "<>"
    if operator == "BETWEEN":
        low, high = key_of(name, kind), key_of(name, kind)
        if not p.mistake(0.2):
            low, high = sorted((low, high), key=order_of)
        condition_text = f"{p.name(name)} BETWEEN {p.value(low)} AND {p.value(high)}"
    elif operator == "begins_with":
        if kind == "N" and not p.mistake(0.2):
            return text
        prefix = key_of(name, kind)
        if kind == "S" and p.chance(0.8):
            prefix = {"S": prefix["S"][:p.rng.choice((1, 1, 6, 9))]}
        condition_text = f"begins_with({p.name(name)}, {p.value(prefix)})"
    else:
        condition_text = f"{p.name(name)} {operator} {p.value(key_of(name, kind))}"
    return f"{text} AND {condition_text}" if p.chance(0.85) else f"{condition_text} AND {text}"


def order_of(wire):
    (kind, content), = wire.items()
    if kind == "N":
        return decimal.Decimal(content)
    if kind == "B":
        return base64.b64decode(content)
    return content.encode()
