"""Random PartiQL statements of every kind for the differential test, and how two servers' answers to them are compared.

All randomness comes from the `random.Random` that is handed in. Literals are written where a value has one and its text
is plain, parameters elsewhere.
"""
import json
import random
import re

from serve_compare import Outcome, bag, of_answer, ordered, without_measures
from serve_deviations import APPLYING, DEVIATIONS, Accepted, Deviation, message
from serve_differential import EPISODE_STEPS, Worker
from serve_lab import PAGES_MAX, Lab, plain_numbers
from serve_requests import Requests, Step, TableShape
from serve_values import value, weighted

PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")
# Names of serve_values that are keywords of PartiQL.
KEYWORDS = {"size", "order", "partition", "when"}
PLAIN_TEXT = re.compile(r"[ -~]*$")
COMPARATORS = ("=", "<>", "!=", "<", "<=", ">", ">=")


class Text:
    """One statement while it is made: its parameters in the order of their question marks. Key attributes are asked for in
    terms of their own, because the oracle refuses some conditions on them."""

    def __init__(self, rng, attributes, keys):
        self.rng, self.parameters = rng, []
        self.attributes = attributes.only([name for name in attributes.names if name not in dict(keys)])

    def chance(self, probability):
        return self.rng.random() < probability

    def name(self, name):
        plain = PLAIN_NAME.match(name) and name.lower() not in KEYWORDS
        return name if plain and self.chance(0.6) else '"' + name.replace('"', '""') + '"'

    def value(self, wire):
        literal = literal_of(wire) if self.chance(0.7) else None
        if literal is not None:
            return literal
        self.parameters.append(wire)
        return "?"

    def path(self, name=None):
        top = name or self.rng.choice(self.attributes.names)
        text, kind = self.name(top), self.attributes.kinds.get(top)
        if kind == "M" and self.chance(0.6):
            member = self.rng.choice(self.attributes.members)
            text += "." + self.name(member) if self.chance(0.8) else "['" + member + "']"
        elif kind == "L" and self.chance(0.6):
            text += f"[{self.rng.choice((0, 1, 2, 7))}]"
        return text

    def known(self, name):
        """A value of the kind that the attribute usually has."""
        return self.attributes.value(self.rng, name)


def literal_of(wire):
    """None when it has none, or one that a parser may read in its own way."""
    (kind, content), = wire.items()
    if kind == "S":
        return "'" + content.replace("'", "''") + "'" if PLAIN_TEXT.match(content) else None
    if kind == "N":
        return content if re.match(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$", content) else None
    if kind == "BOOL":
        return "true" if content else "FALSE"
    if kind == "NULL":
        return "null"
    if kind in ("L", "SS", "NS"):
        parts = [literal_of(part if kind == "L" else {kind[0]: part}) for part in content]
        if None in parts:
            return None
        return ("[" + ", ".join(parts) + "]") if kind == "L" else ("<<" + ", ".join(parts) + ">>")
    if kind == "M":
        parts = [(name, literal_of(part)) for name, part in content.items()]
        if any(part is None or not PLAIN_TEXT.match(name) for name, part in parts):
            return None
        return "{" + ", ".join("'" + name.replace("'", "''") + "': " + part for name, part in parts) + "}"
    return None


def compared(t, name, path):
    comparator = t.rng.choice(COMPARATORS)
    compared = t.known(name) if comparator in COMPARATORS[:3] else scalar(t, name)
    sides = [path, t.value(compared)] if t.chance(0.9) else [t.path(t.rng.choice([n for n in t.attributes.names if n != name]))
                                                           if len(t.attributes.names) > 1 else t.value(compared), t.value(compared)]
    if "?" not in sides and t.chance(0.1):
        sides.reverse()
    return f"{sides[0]} {comparator} {sides[1]}"


def listed(t, name, path):
    choices = ", ".join(t.value(t.known(name)) for _ in range(t.rng.choice((1, 2, 4))))
    return f"{path} {t.rng.choice(('IN', 'not in'))} " + (f"[{choices}]" if "?" not in choices and t.chance(0.5) else f"({choices})")


PREDICATES = (
    (40, compared),
    (10, lambda t, name, path: f"{path} BETWEEN {between(t, name)}"),
    (10, listed),
    (12, lambda t, name, path: f"{path} IS {t.rng.choice(('', 'NOT '))}{t.rng.choice(('MISSING', 'NULL'))}"),
    (8, lambda t, name, path: f"begins_with({path}, {t.value(t.rng.choice(({'S': 'a'}, {'S': ''}, {'B': 'YQ=='})))})"),
    (8, lambda t, name, path: f"contains({path}, {t.value(value(t.rng, 2))})"),
    (6, lambda t, name, path: f"attribute_type({path}, '{t.rng.choice(('S', 'N', 'B', 'M', 'L', 'SS', 'NULL', 'BOOL'))}')"),
    (6, lambda t, name, path: f"size({path}) {t.rng.choice(COMPARATORS)} {t.rng.choice((0, 1, 2, 3))}"),
)


def predicate(t, depth):
    name = t.rng.choice(t.attributes.names)
    path = t.path(name)
    return weighted(t.rng, *PREDICATES)(t, name, path)


def joined(t, depth):
    return "(" + f" {t.rng.choice(('AND', 'OR', 'or'))} ".join(condition(t, depth) for _ in range(t.rng.choice((2, 2, 3)))) + ")"


def condition(t, depth=0):
    make = weighted(t.rng, (30, joined), (8, lambda t, depth: f"NOT {condition(t, depth)}"), (62, predicate))
    return predicate(t, depth) if depth >= 2 else make(t, depth + 1)


def scalar(t, name):
    for _ in range(5):
        found = t.known(name)
        if next(iter(found)) in "SNB":
            return found
    return {"N": "1"}


def between(t, name):
    if t.attributes.kinds.get(name) == "S":
        low, high = sorted(t.rng.choices("abcxyz", k=2))
        return f"'{low}' AND '{high}'"
    low, high = sorted(t.rng.choices((-5, -1, 0, 1, 2, 10, 100), k=2))
    return f"{low} AND {high}"


class Statements:
    def __init__(self, rng, tables):
        self.rng, self.tables = rng, tables

    def chance(self, probability):
        return self.rng.random() < probability

    def step(self):
        make = weighted(self.rng, (34, self.select), (16, self.insert), (26, self.update), (8, self.delete), (7, self.batch), (9, self.transaction))
        return make(self.rng.choice(self.tables))

    def request(self, t, statement):
        request = {"Statement": statement}
        if t.parameters:
            request["Parameters"] = t.parameters
        return request

    def key_equal(self, t, table, key):
        """The whole key, in any order and with what else is asked."""
        parts = [f"{t.name(name)} = {t.value(key[name])}" for name, _ in table.keys]
        return " AND ".join(parts)

    # ---- reads

    def select(self, table):
        index = self.rng.choice(table.indexes) if table.indexes and self.chance(0.35) else None
        whole = index is None or index.projection["ProjectionType"] == "ALL"
        attributes = table.attributes if whole else table.attributes.only(index.projection.get("NonKeyAttributes", []))
        keys = index.keys if index else table.keys
        t = Text(self.rng, attributes, [*keys, *table.keys])
        listed = self.selected(t) if self.chance(0.35) and t.attributes.names else "*"
        where, order, several = self.key_terms(t, table, keys)
        if self.chance(0.4) and t.attributes.names:
            where.append(condition(t))
        text = f"SELECT {listed} FROM {t.name(table.name)}" + (f".{t.name(index.name)}" if index else "")
        if where:
            text += " WHERE " + " AND ".join(where)
        sequence = None
        # The oracle sorts what it has read: it fails inside when that is an index or has no sort key, and sorts page by page.
        limited = self.chance(0.4)
        if order and index is None and not several and listed == "*" and not limited and self.chance(0.5):
            descending = self.chance(0.6)
            text += f" ORDER BY {t.name(keys[1][0])}" + (self.rng.choice((" DESC", " desc")) if descending else self.rng.choice(("", " ASC")))
            sequence = keys[1][0]
        request = self.request(t, text + (";" if self.chance(0.05) else ""))
        if limited:
            request["Limit"] = self.rng.choice((1, 2, 3, 7, 50))
        if index is None and self.chance(0.2):
            request["ConsistentRead"] = self.chance(0.5)
        return Step("ExecuteStatement", request, "pages", order=sequence)

    def selected(self, t):
        names = self.rng.sample(t.attributes.names, min(len(t.attributes.names), self.rng.choice((1, 2, 3))))
        return ", ".join(t.path(name) for name in names)

    def key_terms(self, t, table, keys):
        """Terms for the key, whether they name one partition and have a sort key, whether several partitions."""
        (name, kind), roll, terms = keys[0], self.rng.random(), []
        if roll < 0.25:
            return terms, False, False
        several = roll > 0.85
        if several:
            # One kind of brackets, and no parameters: the oracle takes none there.
            values = [table.key_part(self.rng, name, kind) for _ in range(self.rng.choice((1, 2, 3)))]
            terms.append(f"{t.name(name)} IN (" + ", ".join(t.value(one) for one in values) + ")")
        else:
            terms.append(f"{t.name(name)} = {t.value(table.key_part(self.rng, name, kind))}")
        if len(keys) > 1 and self.chance(0.55):
            terms.append(self.sort_term(t, table, *keys[1]))
        return terms, len(keys) > 1, several

    def sort_term(self, t, table, name, kind):
        part = lambda: t.value(table.key_part(self.rng, name, kind))
        roll = self.rng.random()
        if roll < 0.3:
            return f"{t.name(name)} = {part()}"
        if roll < 0.7:
            return f"{t.name(name)} {self.rng.choice(('<', '<=', '>', '>='))} {part()}"
        if roll < 0.85 or kind == "N":
            low, high = sorted((table.key_part(self.rng, name, kind) for _ in range(2)), key=sort_place)
            return f"{t.name(name)} BETWEEN {t.value(low)} AND {t.value(high)}"
        return f"begins_with({t.name(name)}, {part()})"

    # ---- writes

    def insert(self, table):
        t = Text(self.rng, table.attributes, table.keys)
        return Step("ExecuteStatement", self.request(t, self.insert_text(t, table)))

    def insert_text(self, t, table, key=None):
        item = {**table.item(self.rng), **(key or {})}
        # In the oracle's tuples a name may hold anything but be empty.
        members = ", ".join("'" + name.replace("'", "''") + "': " + t.value(content) for name, content in item.items())
        return f"INSERT INTO {t.name(table.name)} VALUE {{{members}}}"

    def changes(self, t, table):
        names = self.rng.sample(t.attributes.names, self.rng.choice((1, 1, 2, 3)))
        clauses = []
        for name in names:
            path, kind, roll = t.path(name), t.attributes.kinds.get(name), self.rng.random()
            if roll < 0.15:
                clauses.append(f"REMOVE {path}")
                continue
            if kind == "N" and roll < 0.6:
                assigned = f"{path} {self.rng.choice('+-')} {self.rng.choice((1, 2, 1.5))}"
            elif kind == "L" and roll < 0.5:
                assigned = f"list_append({t.name(name)}, {t.value({'L': [value(self.rng, 2)]})})"
            elif kind in ("SS", "NS") and roll < 0.7:
                path = t.name(name)
                function = self.rng.choice(("set_add", "SET_DELETE"))
                assigned = f"{function}({path}, {t.value(t.known(name) if self.chance(0.2) else value(self.rng, 2, kind))})"
            elif roll < 0.7:
                other = self.rng.choice(t.attributes.names)
                assigned = t.path(other)
            else:
                assigned = t.value(t.known(name))
            clauses.append(f"SET {path} = {assigned}")
        return " ".join(clauses)

    def update_text(self, t, table, key=None, returning=True):
        text = f"UPDATE {t.name(table.name)} {self.changes(t, table)}"
        text += " WHERE " + self.key_equal(t, table, key or table.key(self.rng))
        if self.chance(0.3):
            text += " AND " + condition(t)
        if returning and self.chance(0.6):
            text += f" RETURNING {self.rng.choice(('ALL', 'MODIFIED', 'modified'))} {self.rng.choice(('OLD', 'NEW'))} *"
        return text

    def update(self, table):
        t = Text(self.rng, table.attributes, table.keys)
        request = self.request(t, self.update_text(t, table))
        if self.chance(0.2):
            request["ReturnValuesOnConditionCheckFailure"] = self.rng.choice(("ALL_OLD", "NONE"))
        return Step("ExecuteStatement", request)

    def delete_text(self, t, table, key=None, returning=True):
        text = f"DELETE FROM {t.name(table.name)} WHERE " + self.key_equal(t, table, key or table.key(self.rng))
        if self.chance(0.4):
            text += " AND " + condition(t)
        return text + (" RETURNING ALL OLD *" if returning and self.chance(0.5) else "")

    def delete(self, table):
        t = Text(self.rng, table.attributes, table.keys)
        return Step("ExecuteStatement", self.request(t, self.delete_text(t, table)))

    # ---- several

    def keys_apart(self, count):
        """Up to `count` tables with keys that are not the same item."""
        found = {}
        for _ in range(count):
            table = self.rng.choice(self.tables)
            key = table.key(self.rng)
            found[table.name, json.dumps([sort_place(part) for part in key.values()], default=str)] = table, key
        return list(found.values())

    def several(self, reads, checks, returning):
        requests = []
        for table, key in self.keys_apart(self.rng.choice((1, 2, 3, 5))):
            t = Text(self.rng, table.attributes, table.keys)
            if reads:
                text = f"SELECT {self.selected(t) if self.chance(0.3) else '*'} FROM {t.name(table.name)} WHERE {self.key_equal(t, table, key)}"
            else:
                kind = self.rng.choice(("insert", "update", "delete", *(("check",) if checks else ())))
                if kind == "insert":
                    text = self.insert_text(t, table, key)
                elif kind == "check":
                    text = f"EXISTS(SELECT * FROM {t.name(table.name)} WHERE {self.key_equal(t, table, key)} AND {condition(t)})"
                else:
                    text = getattr(self, f"{kind}_text")(t, table, key, returning)
            requests.append(self.request(t, text))
        return requests

    def batch(self, table):
        return Step("BatchExecuteStatement", {"Statements": self.several(self.chance(0.4), False, True)})

    def transaction(self, table):
        return Step("ExecuteTransaction", {"TransactStatements": self.several(self.chance(0.3), True, False)})


def sort_place(wire):
    (kind, content), = wire.items()
    import base64
    import decimal
    if kind == "N":
        return decimal.Decimal(content).normalize()
    return base64.b64decode(content) if kind == "B" else content.encode()


# ---- comparing


class StatementLab(Lab):
    """Pages go on with NextToken; entries of batches and reasons of transactions are compared by their codes, because the
    oracle words them in its own way (the exact words are tested elsewhere)."""

    def run(self, step):
        if step.kind == "pages":
            return self._walk(step)
        outcomes = [of_answer(step.operation, answer) for answer in self._all(step.operation, step.request)]
        if step.operation == "BatchExecuteStatement":
            return [entries_of(outcome) for outcome in outcomes]
        return [reasons_of(outcome) for outcome in outcomes] if step.operation == "ExecuteTransaction" else outcomes

    def _walk(self, step, join=True):
        outcomes = []
        for side, answer in zip(self.sides, self._all(step.operation, step.request)):
            items, pages = [], 0
            while answer.status == 200:
                said = answer.json
                items += said["Items"]
                token, pages = said.get("NextToken"), pages + 1
                if not token:
                    break
                if pages == PAGES_MAX:
                    return [Outcome("endless", f"{PAGES_MAX} pages on {side.name}", {}) for _ in self.sides]
                answer = side.connection.call(step.operation, dict(step.request, NextToken=token))
                if side is self.sides[0]:
                    answer.raw = plain_numbers(answer.raw)
            if answer.status != 200:
                outcomes.append(of_answer(step.operation, answer))
                continue
            sequence = [json.dumps(item[step.order]) for item in items] if step.order and all(step.order in item for item in items) else None
            outcomes.append(Outcome(None, None, {"Items": bag(items)}, sequence, answer))
        return outcomes


def entries_of(outcome):
    if outcome.error is None:
        entries = []
        for entry in without_measures(outcome.content)["Responses"]:
            if "Error" in entry:
                entry = {"Code": entry["Error"]["Code"], "Item": entry["Error"].get("Item")}
            entries.append(ordered(entry))
        outcome.content = {"Responses": entries}
    return outcome


def reasons_of(outcome):
    """Refused for an item: with reasons by the service, without by the oracle, when it finds that early."""
    reasons = outcome.content.get("CancellationReasons") if outcome.error else None
    if reasons:
        codes = ["DuplicateItem" if "Duplicate primary key" in (reason.get("Message") or "") else reason["Code"] for reason in reasons]
        # Which other conditions are tried when one statement is invalid is not promised.
        outcome.content = {"codes": codes if "ValidationError" not in codes else "invalid"}
        outcome.message = None
    elif outcome.error in ("ValidationException", "TransactionCanceledException"):
        outcome.error, outcome.message, outcome.content = "TransactionCanceledException", None, {"codes": "invalid"}
    return outcome


def returns_parts(step, theirs, ours):
    return re.search(r"RETURNING MODIFIED", json.dumps(step.request), re.I) is not None


STATEMENT_DEVIATIONS = [
    Deviation("name of a duplicate", "Local calls the error of an INSERT that finds an item DuplicateItem.", "type", "^DuplicateItem: ", "^DuplicateItemException: ", "^ExecuteStatement$"),
    Deviation("modified parts", "RETURNING MODIFIED gives of a nested path that path alone; Local gives the whole attribute.", "content", "^$", "^$",
              "Statement$", returns_parts),
    Deviation("path below a missing attribute", "REMOVE of a path whose parent is not there; see the deviation of UpdateItem.", "success",
              "invalid for update", "^$", "^ExecuteStatement$"),
    Deviation("internal failure of an order", "Local fails inside when it sorts what some conditions leave.", "success", "^InternalFailure", "^$", "^ExecuteStatement$",
              lambda step, theirs, ours: "ORDER BY" in step.request["Statement"]),
    message("words of an index key", "Local does not say which index and which types.", "Type mismatch for Index Key$", "Type mismatch for Index Key|unsupported type"),
    message("under the root", "Local does not say where in a literal a number is.", "", "under root"),
    message("partition among others", "Local fails inside when a value for a partition is empty or too long.", "", "AttributeValue for a key attribute cannot contain"),
    message("order of overlapping paths", "Of two paths that overlap Local may name the other first.", "Two document paths overlap", "Two document paths overlap"),
    message("order of refusals in an UPDATE", "An update that is refused for two reasons: which comes first is not documented.", APPLYING, APPLYING, "^ExecuteStatement$"),
]


class StatementWorker(Worker):
    def __init__(self, ports, seed, requests, differences_max=10, shrinking=True):
        super().__init__(ports, seed, 0, requests, differences_max, shrinking)
        self.lab = StatementLab(ports)
        self.accepted = Accepted([*STATEMENT_DEVIATIONS, *DEVIATIONS])

    def episode(self, number):
        rng = random.Random(f"{self.seed}/partiql/{number}")
        shapes = [TableShape(rng, f"p{number}t{at}") for at in range(rng.choice((1, 2)))]
        differing = self.lab.create(shapes)
        assert not differing, differing
        statements, history = Statements(rng, shapes), []
        first = list(Requests(rng, shapes).first(15 * len(shapes)))
        for at in range(EPISODE_STEPS):
            step = first[at] if at < len(first) else statements.step()
            if not self.step(shapes, history, step):
                break
            history.append(step)
        self.lab.drop(shapes)
