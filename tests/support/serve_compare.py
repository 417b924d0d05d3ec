"""Whether two answers of different servers say the same.

Members and set members in any order, lists of items that have no promised order as bags, capacities and times by their
presence only. An error is its type, its message and what it carries. `difference` returns None or a short text.
"""
import json
import re

BAGS = {"SS", "NS", "BS"}
ARN = re.compile(r"arn:aws:dynamodb:[a-z0-9-]+:\d+:")


def ordered(at):
    """The JSON with sets sorted, so that == compares."""
    if isinstance(at, dict):
        if len(at) == 1:
            (name, content), = at.items()
            if name in BAGS and isinstance(content, list):
                return {name: sorted(content, key=str)}
            if not isinstance(content, (dict, list)):
                return at
        return {name: ordered(content) for name, content in at.items()}
    if isinstance(at, list):
        return [ordered(content) for content in at]
    return at


def bag(entries):
    return sorted(json.dumps(ordered(entry), sort_keys=True) for entry in entries)


class Outcome:
    """What one server said to one step: an error or a success, in comparable form."""

    __slots__ = ("error", "message", "content", "sequence", "raw")

    def __init__(self, error, message, content, sequence=None, raw=None):
        self.error, self.message, self.content, self.sequence, self.raw = error, message, content, sequence, raw

    def __repr__(self):
        if self.error:
            more = f" {json.dumps(self.content, ensure_ascii=False)}" if self.content else ""
            return f"{self.error}: {self.message}{more}"
        text = json.dumps(self.content, ensure_ascii=False, sort_keys=True)
        return text + (f" in the order {self.sequence}" if self.sequence else "")


def of_answer(operation, answer):
    """Of a single request."""
    said = answer.json
    if answer.status != 200:
        kind = said.get("__type", f"status {answer.status}").rsplit("#", 1)[-1]
        message = said.get("message", said.get("Message"))
        content = {}
        if "Item" in said:
            content["Item"] = ordered(said["Item"])
        if said.get("CancellationReasons"):
            content["CancellationReasons"] = [ordered({name: member for name, member in reason.items() if member is not None})
                                              for reason in said["CancellationReasons"]]
        return Outcome(kind, message, content, raw=answer)
    said = without_measures(said)
    if operation == "BatchGetItem" and isinstance(said.get("Responses"), dict):
        said["Responses"] = {name: bag(entries) for name, entries in said["Responses"].items() if entries}
    return Outcome(None, None, ordered(said), raw=answer)


def without_measures(said):
    said.pop("SizeEstimateRangeGB", None)
    for name in ("ConsumedCapacity", "ItemCollectionMetrics"):
        if name in said:
            said[name] = bool(said[name])
    return said


TABLE_MEMBERS = ("TableName", "TableStatus", "KeySchema")
LIST_MEMBERS = ("AttributeDefinitions", "LocalSecondaryIndexes", "GlobalSecondaryIndexes")


def of_table(description):
    """A TableDescription without sizes, times, ids and throughput."""
    found = {name: description.get(name) for name in TABLE_MEMBERS}
    for name in LIST_MEMBERS:
        entries = []
        for entry in description.get(name) or []:
            entry = {key: content for key, content in entry.items()
                     if key in ("AttributeName", "AttributeType", "IndexName", "KeySchema", "Projection", "IndexStatus")}
            if "NonKeyAttributes" in entry.get("Projection", {}):
                entry["Projection"]["NonKeyAttributes"] = sorted(entry["Projection"]["NonKeyAttributes"])
            entries.append(entry)
        found[name] = bag(entries)
    return found


def plain_message(message):
    return ARN.sub("arn:", message) if message else message


def kind_of_message(message):
    """A message without what it quotes, to tell kinds of differences apart."""
    message = re.sub(r"((?i:expected|actual|operand type)): \S+|(?<=Type mismatch for key )\S+|(?<=Index Key )\S+", "…", message or "")
    message = re.sub(r"'[^']*'|\"[^\"]*\"|\[[^\]]*\]|\{[^}]*\}", "…", message)
    return re.sub(r"[:#][A-Za-z_]*\w*\d+|\d+", "…", message)[:160]


def difference(operation, ours, theirs):
    """None, or what differs: "type", "message", "success", "content" (with both)."""
    if ours.error != theirs.error:
        return "success" if None in (ours.error, theirs.error) else "type"
    if ours.error:
        if ours.content != theirs.content:
            return "content"
        return None if plain_message(ours.message) == plain_message(theirs.message) else "message"
    if ours.content != theirs.content:
        return "content"
    return None if ours.sequence == theirs.sequence else "order"
