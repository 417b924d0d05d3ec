"""Several servers given the same requests, for the differential test; and how a difference is made small.

A `Lab` holds one connection to each side; `run` gives a step to all of them at once. `shrink` looks for the shortest
history and the smallest request that still show the same difference, each try on tables made anew.
"""
import decimal
import json
import os
import re
import time

from serve_compare import Outcome, bag, difference, kind_of_message, of_answer, of_table, ordered, without_measures
from serve_requests import Step
from serve_wire import Connection

NUMBER = re.compile(rb'"N":"([-+.0-9eE]+)"')
NUMBERS = re.compile(rb'"NS":\[([^\]]*)\]')
TEXT = re.compile(rb'"([-+.0-9eE]+)"')
PAGES_MAX = 400
SHRINK_SECONDS_MAX = float(os.environ.get("OFFRAMP_DIFF_SHRINK_SECONDS", "15"))


class Side:
    def __init__(self, name, port):
        self.name = name
        self.connection = Connection(port)


class Lab:
    """sides[0] is the oracle."""

    def __init__(self, ports):
        self.sides = [Side(name, port) for name, port in ports.items()]

    def run(self, step):
        """One outcome per side."""
        if step.kind == "segments":
            parts = []
            for segment in range(step.segments):
                request = dict(step.request, Segment=segment, TotalSegments=step.segments)
                parts.append(self._walk(Step(step.operation, request, "pages"), join=False))
            return [_merge([part[at] for part in parts], None) for at in range(len(self.sides))]
        if step.kind == "pages":
            return self._walk(step)
        return [of_answer(step.operation, answer) for answer in self._all(step.operation, step.request)]

    def _all(self, operation, request):
        body = json.dumps(request).encode()
        for side in self.sides:
            side.connection.send(operation, body)
        answers = [side.connection.receive() for side in self.sides]
        answers[0].raw = plain_numbers(answers[0].raw)
        return answers

    def _walk(self, step, join=True):
        outcomes = []
        for side, answer in zip(self.sides, self._all(step.operation, step.request)):
            pages = [answer]
            while answer.status == 200 and (key := answer.json.get("LastEvaluatedKey")):
                if len(pages) == PAGES_MAX:
                    return [Outcome("endless", f"{PAGES_MAX} pages on {side.name}", {}) for _ in self.sides]
                answer = side.connection.call(step.operation, dict(step.request, ExclusiveStartKey=key))
                if side is self.sides[0]:
                    answer.raw = plain_numbers(answer.raw)
                pages.append(answer)
            outcomes.append(_merge(pages, step.order) if join else pages)
        return outcomes

    def create(self, shapes):
        """Makes the tables anew on all sides; returns what the sides said to the last CreateTable that differs, or None."""
        for shape in shapes:
            if shape.fixed is not None:
                for side in self.sides:
                    refill(side.connection, shape)
                continue
            self._delete(shape.name)
            outcomes = [table_outcome(answer) for answer in self._all("CreateTable", shape.create())]
            for outcome in outcomes[1:]:
                if difference("CreateTable", outcomes[0], outcome) or outcome.error:
                    return outcomes
            for side in self.sides:
                wait_active(side.connection, shape.name)
        return None

    def drop(self, shapes):
        for shape in shapes:
            if shape.fixed is None:
                self._delete(shape.name)

    def _delete(self, name):
        """Also when a request has protected the table; the oracle takes some words that are no booleans for that wish."""
        answers = self._all("DeleteTable", {"TableName": name})
        if any(answer.error not in (None, "ResourceNotFoundException") for answer in answers):
            self._all("UpdateTable", {"TableName": name, "DeletionProtectionEnabled": False})
            self._all("DeleteTable", {"TableName": name})

    def close(self):
        for side in self.sides:
            side.connection.close()


def plain_numbers(raw):
    """The oracle gives numbers inside maps and lists as they were written ("+5", "1E3"); the service gives all as plain
    decimals without needless zeros. Ours stay as they are, so that they must be that."""
    raw = NUMBER.sub(lambda found: b'"N":"%s"' % plain(found[1]), raw)
    return NUMBERS.sub(lambda found: b'"NS":[%s]' % b",".join(b'"%s"' % plain(text) for text in TEXT.findall(found[1])), raw)


def plain(text):
    value = decimal.Decimal(text.decode())
    if not value:
        return b"0"
    written = f"{value:f}"
    return (written.rstrip("0").rstrip(".") if "." in written else written).encode()


def wait_active(connection, name):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        answer = connection.call("DescribeTable", {"TableName": name})
        if answer.status == 200 and answer.json["Table"]["TableStatus"] == "ACTIVE":
            return
        time.sleep(0.01)
    raise AssertionError(f"{name} does not become ACTIVE: {answer}")


def refill(connection, shape):
    """A table that stays is emptied and holds what it held at the beginning."""
    names = [name for name, _ in shape.keys]
    start = {}
    while True:
        page = connection.call("Scan", {"TableName": shape.name, **start}).json
        for item in page["Items"]:
            answer = connection.call("DeleteItem", {"TableName": shape.name, "Key": {name: item[name] for name in names}})
            assert answer.status == 200, answer
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    for item in shape.fixed:
        answer = connection.call("PutItem", {"TableName": shape.name, "Item": item})
        assert answer.status == 200, answer


def table_outcome(answer):
    outcome = of_answer("CreateTable", answer)
    if outcome.error is None:
        outcome.content = of_table(outcome.raw.json.get("TableDescription") or outcome.raw.json.get("Table"))
        # It may be CREATING for an instant.
        outcome.content.pop("TableStatus")
    return outcome


def _flat(pages):
    for page in pages:
        if isinstance(page, list):
            yield from _flat(page)
        else:
            yield page


def _merge(pages, order):
    """All pages as one outcome. `order`: "*" the items' order and where pages end count, a name: that attribute's."""
    items, count, scanned, breaks, more = [], 0, 0, [], set()
    for answer in _flat(pages):
        if answer.status != 200:
            return of_answer("Query", answer)
        said = without_measures(answer.json)
        items += said.pop("Items", [])
        count += said.pop("Count", 0)
        scanned += said.pop("ScannedCount", 0)
        breaks.append(json.dumps(ordered(said.pop("LastEvaluatedKey", None)), sort_keys=True))
        more.update(said)
    content = {"Items": bag(items), "Count": count, "ScannedCount": scanned, "more": sorted(more)}
    sequence = None
    if order == "*":
        sequence = [json.dumps(ordered(item), sort_keys=True) for item in items] + breaks
    elif order is not None and all(order in item for item in items):
        sequence = [json.dumps(item[order]) for item in items]
    return Outcome(None, None, content, sequence, pages)


class Difference:
    """Between the oracle and the side `side`, at the last of `steps`."""

    def __init__(self, shapes, steps, outcomes, names, at, kind):
        self.shapes, self.steps, self.outcomes, self.names, self.at, self.kind = shapes, steps, outcomes, names, at, kind

    @property
    def signature(self):
        theirs, ours = self.outcomes[0], self.outcomes[self.at]
        return (self.steps[-1].operation, self.kind, theirs.error, kind_of_message(theirs.message), ours.error,
                kind_of_message(ours.message))

    def __str__(self):
        lines = [f"{self.steps[-1].operation}: {self.kind} differs between {self.names[0]} and {self.names[self.at]}"]
        used = [shape for shape in self.shapes if any(shape.name in json.dumps(step.request) for step in self.steps)]
        lines += [f"  the {len(shape.fixed)} items of {shape.name}, then" for shape in used if shape.fixed is not None]
        lines += [f"  CreateTable {json.dumps(shape.create(), ensure_ascii=False)}" for shape in used if shape.fixed is None]
        lines += [f"  {step!r}" for step in self.steps]
        lines += [f"  {name:<12} {str(outcome)[:3000]}" for name, outcome in zip(self.names, self.outcomes)]
        return "\n".join(lines)


def find_difference(lab, step, outcomes, accepted):
    """(side, kind) of the first side that differs from the oracle, or from another of ours; None. `accepted(step, theirs,
    ours)` is the name of a known deviation of the oracle, or None."""
    for at in range(1, len(outcomes)):
        kind = difference(step.operation, outcomes[at], outcomes[0])
        if kind and not accepted(step, outcomes[0], outcomes[at], kind):
            return at, kind
    # Where the oracle is known to be wrong, our sides still agree.
    for at in range(2, len(outcomes)):
        kind = difference(step.operation, outcomes[at], outcomes[1])
        if kind:
            return at, f"{kind} (among ours)"
    return None


def shrink(lab, found, accepted):
    """A Difference of the same signature, as small as it gets in the time there is."""
    deadline = time.monotonic() + SHRINK_SECONDS_MAX
    best = [found]

    def same(steps):
        if time.monotonic() > deadline:
            return False
        if lab.create(found.shapes):
            return False
        for step in steps[:-1]:
            lab.run(step)
        outcomes = lab.run(steps[-1])
        now = find_difference(lab, steps[-1], outcomes, accepted)
        if now is None:
            return False
        candidate = Difference(found.shapes, steps, outcomes, found.names, *now)
        if candidate.signature != found.signature:
            return False
        best[0] = candidate
        return True

    history, last = found.steps[:-1], found.steps[-1]
    if not same([last]):
        writes = [step for step in history if not step.operation.startswith(("Get", "Query", "Scan", "BatchGet", "TransactGet"))]
        history = writes if same(writes + [last]) else history
        history = _fewer(history, lambda steps: same(steps + [last]))
    else:
        history = []
    for at in range(len(history) + 1):
        steps = best[0].steps
        where = len(steps) - 1 - at
        if where < 0:
            break
        _smaller(steps[where].request, lambda request, where=where: same(
            [*best[0].steps[:where], _with(best[0].steps[where], request), *best[0].steps[where + 1:]]))
    return best[0]


def _with(step, request):
    return Step(step.operation, request, step.kind, step.segments, step.order, step.spoiled)


def _fewer(steps, works):
    """Delta debugging: pieces of the history left out, in halves, quarters, …"""
    size = max(1, len(steps) // 2)
    while steps:
        at, changed = 0, False
        while at < len(steps):
            shorter = steps[:at] + steps[at + size:]
            if works(shorter):
                steps, changed = shorter, True
            else:
                at += size
        if size == 1 and not changed:
            return steps
        size = max(1, size // 2)
    return steps


def _smaller(request, works):
    """Members left out, one at a time, from the largest to the smallest."""
    again = True
    while again:
        again = False
        for path in sorted(_paths(request), key=len):
            shorter = json.loads(json.dumps(request))
            at = shorter
            for name in path[:-1]:
                at = at[name]
            del at[path[-1]]
            if works(shorter):
                request, again = shorter, True
                break


def _paths(at, path=()):
    members = at.items() if isinstance(at, dict) else enumerate(at) if isinstance(at, list) else ()
    for name, member in members:
        yield (*path, name)
        yield from _paths(member, (*path, name))
