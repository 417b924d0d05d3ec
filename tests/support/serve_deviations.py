"""Where the oracle (DynamoDB Local) is known not to say what the service says, each with the reason.

A deviation names what it speaks of as narrowly as it can: the operation, the kind of difference, both errors. What it
accepts is counted and printed; two of our own sides must agree all the same.
"""
import re


class Deviation:
    """Patterns are searched for in "Type: message" of an error, "" for a success."""

    def __init__(self, name, reason, kinds, theirs="", ours="", operations="", when=None):
        self.name, self.reason, self.kinds = name, reason, kinds.split()
        self.theirs, self.ours, self.operations = re.compile(theirs, re.S), re.compile(ours, re.S), re.compile(operations)
        self.when = when

    def accepts(self, step, theirs, ours, kind):
        return (kind in self.kinds and self.operations.search(step.operation) is not None
                and self.theirs.search(text_of(theirs)) is not None and self.ours.search(text_of(ours)) is not None
                and (self.when is None or self.when(step, theirs, ours)))


def text_of(outcome):
    return f"{outcome.error}: {outcome.message}" if outcome.error else ""


DEVIATIONS = []


class Accepted:
    """Callable as the lab wants it; counts by name."""

    def __init__(self, deviations=None):
        self.deviations = DEVIATIONS if deviations is None else deviations
        self.counts = {}

    def __call__(self, step, theirs, ours, kind):
        for deviation in self.deviations:
            if deviation.accepts(step, theirs, ours, kind):
                self.counts[deviation.name] = self.counts.get(deviation.name, 0) + 1
                return deviation.name
        return None
