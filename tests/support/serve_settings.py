"""Random changes of what a table is set to (UpdateTable, time to live, deletion protection), right and wrong ones, for the
differential test, and how two servers' answers to them are compared: by the error, or by the table's description when it
has settled, because every server applies some of it after it has answered.

All randomness comes from the `random.Random` that is handed in.
"""
import json
import random
import re
import time

from serve_compare import Outcome, bag, of_answer
from serve_deviations import DEVIATIONS, Accepted, Deviation, message
from serve_differential import Worker
from serve_lab import Lab
from serve_requests import Requests, Step, TableShape, schema, spoil
from serve_values import weighted

EPISODE_STEPS = 60
SETTLED_SECONDS_MAX = 60
ORACLE_SECONDS_MAX = 5  # it is done at once or never
NAMES = ["gsi0", "gsi1", "added", "more", "lsi0", "none"]
KEYS = [("i1", "S"), ("i2", "N"), ("i3", "B"), ("i4", "S"), ("fresh", "N")]
VIEWS = ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]


class Settings:
    """What is asked of a group of tables; `wrong` is the share of requests that are spoiled."""

    def __init__(self, rng, tables, wrong=0.08):
        self.rng, self.tables, self.wrong = rng, tables, wrong

    def chance(self, probability):
        return self.rng.random() < probability

    def step(self):
        make = weighted(self.rng, (52, self.update), (9, self.index_change), (20, self.live), (6, self.describe), (6, self.describe_live),
                        (4, self.delete), (3, self.scan))
        step = make(self.rng.choice(self.tables))
        if self.chance(self.wrong):
            step = Step(step.operation, spoil(self.rng, step.request), step.kind, spoiled=True)
        return step

    # ---- UpdateTable

    def update(self, table):
        request = {"TableName": table.name}
        kinds = [self.billing, self.throughput, self.stream, self.stream, self.protection, self.table_class, self.on_demand, self.index_throughput]
        for kind in self.rng.sample(kinds, self.rng.choice((1, 1, 1, 1, 2, 3, 0) if self.chance(0.3) else (1,))):
            kind(request)
        return Step("UpdateTable", request)

    def units(self):
        if self.chance(0.06):
            return self.rng.choice([{}, {"ReadCapacityUnits": 0, "WriteCapacityUnits": 1}, {"ReadCapacityUnits": 1}, {"WriteCapacityUnits": -5},
                                    {"ReadCapacityUnits": 1, "WriteCapacityUnits": 10**15}])
        return {"ReadCapacityUnits": self.rng.choice((1, 2, 5)), "WriteCapacityUnits": self.rng.choice((1, 3))}

    def billing(self, request):
        mode = request["BillingMode"] = self.rng.choice(("PROVISIONED", "PAY_PER_REQUEST"))
        if self.chance(0.8 if mode == "PROVISIONED" else 0.08):
            request["ProvisionedThroughput"] = self.units()
        # Every global index needs its own when a table becomes provisioned.
        if mode == "PROVISIONED" and self.chance(0.7):
            request["GlobalSecondaryIndexUpdates"] = [{"Update": {"IndexName": name, "ProvisionedThroughput": self.units()}}
                                                      for name in (NAMES[:2] if self.chance(0.3) else NAMES[:1])]

    def throughput(self, request):
        request["ProvisionedThroughput"] = self.units()

    def stream(self, request):
        on = self.chance(0.55)
        request["StreamSpecification"] = {"StreamEnabled": on, **({"StreamViewType": self.rng.choice(VIEWS)} if on != self.chance(0.05) else {})}

    def protection(self, request):
        request["DeletionProtectionEnabled"] = self.chance(0.4)

    def table_class(self, request):
        request["TableClass"] = self.rng.choice(("STANDARD", "STANDARD_INFREQUENT_ACCESS"))

    def on_demand(self, request):
        request["OnDemandThroughput"] = {"MaxReadRequestUnits": self.rng.choice((1, 10, -1)), "MaxWriteRequestUnits": self.rng.choice((1, 10, -1))}

    def index_throughput(self, request):
        request["GlobalSecondaryIndexUpdates"] = [{"Update": {"IndexName": name, "ProvisionedThroughput": self.units()}}
                                                  for name in self.rng.sample(NAMES, self.rng.choice((1, 1, 2)))]

    def index_change(self, table):
        """One index made or removed; seldom more, which the service does not do."""
        request = {"TableName": table.name}
        updates = request["GlobalSecondaryIndexUpdates"] = []
        for name in self.rng.sample(NAMES[:5], 2 if self.chance(0.05) else 1):
            if self.chance(0.45):
                updates.append({"Delete": {"IndexName": name}})
                continue
            keys = self.rng.sample(KEYS + table.keys, self.rng.choice((1, 2)))
            projection = self.rng.choice(({"ProjectionType": "ALL"}, {"ProjectionType": "KEYS_ONLY"}, {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "b"]}))
            if self.chance(0.06):
                projection = self.rng.choice(({}, {"ProjectionType": "INCLUDE"}, {"ProjectionType": "ALL", "NonKeyAttributes": ["a"]}, {"ProjectionType": "SOME"}))
            create = {"IndexName": name, "KeySchema": schema(keys), "Projection": projection}
            if self.chance(0.15):
                create["ProvisionedThroughput"] = self.units()
            updates.append({"Create": create})
            definitions = dict(table.keys) | dict(keys)
            if self.chance(0.06):
                definitions.pop(self.rng.choice(list(definitions)))
            request["AttributeDefinitions"] = [{"AttributeName": attribute, "AttributeType": kind} for attribute, kind in definitions.items()]
        return Step("UpdateTable", request)

    # ---- the rest

    def live(self, table):
        specification = {"Enabled": self.chance(0.6), "AttributeName": self.rng.choice(("at", "at", "at", "until", table.keys[0][0]))}
        if self.chance(0.08):
            specification = self.rng.choice(({}, {"Enabled": True}, {"Enabled": False}, {"AttributeName": "at"}, {"Enabled": True, "AttributeName": ""},
                                             {"Enabled": True, "AttributeName": "x" * 256}))
        return Step("UpdateTimeToLive", {"TableName": table.name, "TimeToLiveSpecification": specification})

    def describe(self, table):
        return Step("DescribeTable", {"TableName": table.name if self.chance(0.9) else "no-such-table"})

    def describe_live(self, table):
        return Step("DescribeTimeToLive", {"TableName": table.name if self.chance(0.9) else "no-such-table"})

    def delete(self, table):
        """Refused while it is protected; else it is made anew, see SettingsWorker."""
        return Step("DeleteTable", {"TableName": table.name})

    def scan(self, table):
        return Step("Scan", {"TableName": table.name, "IndexName": self.rng.choice(NAMES[:5])}, "pages")


# ---- comparing


class Stuck(Exception):
    pass


def settled(connection, name, seconds=SETTLED_SECONDS_MAX, fails=False):
    """The table's description when nothing of it changes any more. `fails`: the server may fail inside now and then."""
    deadline = time.monotonic() + seconds
    while True:
        answer = connection.call("DescribeTable", {"TableName": name})
        table = answer.json.get("Table")
        if fails and answer.status == 500 and time.monotonic() < deadline:
            time.sleep(0.02)
            continue
        if answer.status != 200 or all(status == "ACTIVE" for status in (
                table["TableStatus"], *(index["IndexStatus"] for index in table.get("GlobalSecondaryIndexes", ())))):
            return answer
        if time.monotonic() > deadline:
            raise Stuck(f"{name} does not settle: {answer}")
        time.sleep(0.02)


def units_of(entry):
    return {name: entry.get("ProvisionedThroughput", {}).get(name, 0) for name in ("ReadCapacityUnits", "WriteCapacityUnits")}


def description_of(table):
    """What two servers must tell alike; no times, ids and sizes."""
    found = {name: table.get(name) for name in ("TableName", "TableStatus", "KeySchema", "StreamSpecification", "OnDemandThroughput")}
    found["DeletionProtectionEnabled"] = table.get("DeletionProtectionEnabled", False)
    found["BillingMode"] = table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
    found["TableClass"] = table.get("TableClassSummary", {}).get("TableClass", "STANDARD")
    found["units"] = units_of(table)
    found["had_a_stream"] = "LatestStreamArn" in table and table["LatestStreamArn"].endswith(table["LatestStreamLabel"])
    found["attributes"] = bag(table.get("AttributeDefinitions") or [])
    for member in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        found[member] = bag({"name": index["IndexName"], "keys": index["KeySchema"], "status": index.get("IndexStatus"), "units": units_of(index),
                             "projection": {**index["Projection"], "NonKeyAttributes": sorted(index["Projection"].get("NonKeyAttributes", ()))}}
                            for index in table.get(member) or [])
    return found


class SettingsLab(Lab):
    def run(self, step):
        if step.operation not in ("UpdateTable", "DescribeTable", "DeleteTable"):
            return super().run(step)
        answers = self._all(step.operation, step.request)
        return [self._settled(step, side, answer) for side, answer in zip(self.sides, answers)]

    def _settled(self, step, side, answer):
        if answer.status != 200:
            return of_answer(step.operation, answer)
        if step.operation == "DeleteTable":
            return Outcome(None, None, {}, raw=answer)
        try:
            oracle = side is self.sides[0]
            described = settled(side.connection, step.request["TableName"], ORACLE_SECONDS_MAX if oracle else SETTLED_SECONDS_MAX, oracle)
        except Stuck as stuck:
            return Outcome("Stuck", str(stuck), {}, raw=answer)
        if described.status != 200:
            return Outcome("Stuck", f"{step.request['TableName']} is not described: {described}", {}, raw=answer)
        table = described.json["Table"]
        if oracle and table["ProvisionedThroughput"]["ReadCapacityUnits"] == 0:
            # It keeps the units of indexes when a table becomes paid on demand; the service tells none.
            for index in table.get("GlobalSecondaryIndexes", ()):
                index.pop("ProvisionedThroughput", None)
        return Outcome(None, None, description_of(table), raw=answer)

    def drop(self, shapes):
        for shape in shapes:
            for side in self.sides[1:]:
                settled(side.connection, shape.name)
        super().drop(shapes)


UPDATE, SETTINGS = "^UpdateTable$", "^(UpdateTable|UpdateTimeToLive|DescribeTimeToLive|DescribeTable|DeleteTable)$"


def setting(name, reason, kinds, theirs, ours, when=None):
    return Deviation(name, reason, kinds, theirs, ours, UPDATE, when)


def alike_but(**members):
    """In all but these members, of which the oracle says this."""
    def alike(_, theirs, ours):
        return (all(theirs.content[name] == ours.content[name] or name in members and theirs.content[name] == members[name] for name in theirs.content)
                and theirs.content.keys() == ours.content.keys())
    return alike


SETTING_DEVIATIONS = [
    message("words of settings", "Local checks settings with texts of its own; ours are those of the service.", "^ValidationException", "^ValidationException", SETTINGS),
    message("words of what is missing", "Local does not say which table or index is not there.", "^ResourceNotFoundException", "^ResourceNotFoundException", SETTINGS),
    setting("units on demand", "The service refuses units for a table that is paid on demand; Local ignores them.", "success type", "",
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified|rovisionedThroughput.(read|write)CapacityUnits' failed to satisfy|CapacityUnits is out of bounds"),
    Deviation("what is not kept", "Local does not keep OnDemandThroughput and TableClass; and it names the stream of a table of the same name that was deleted.",
              "content", "^$", "^$", "^(UpdateTable|DescribeTable)$", alike_but(OnDemandThroughput=None, had_a_stream=True, TableClass="STANDARD")),
    setting("table class", "Local knows no table classes.", "success type", "Nothing to update", ".*", lambda step, theirs, ours: "TableClass" in step.request
            or "OnDemandThroughput" in step.request),
    setting("definitions of another type", "The service keeps the type that an attribute has, and takes the request; Local refuses it.", "success",
            "SchemaElement redefined should be of same type", "^$"),
    setting("definitions left out", "The request itself defines the new index's attributes, also those that the table knows; Local does not ask for those.", "success",
            "^$", "Some index key attributes are not defined in AttributeDefinitions|no definition"),
    setting("nothing to change of no table", "A request that changes nothing is refused before the table is looked for; Local looks first.", "type",
            "^ResourceNotFoundException", "^ValidationException: At least one of"),
    setting("index that is not there", "The service refuses it as not found; Local, beside a billing mode, as invalid.", "type", "Invalid global secondary index name",
            "^ResourceNotFoundException"),
    Deviation("stuck", "Local never comes to the end of deleting some indexes, such as those of the table's own keys.", "success type", "^Stuck", ".*", SETTINGS),
    setting("internal failure of an update", "Local fails inside where an index is named that is not there, or a list has nothing.", "type success", "^InternalFailure", ".*"),
    setting("limit before constraints", "The framework looks at each parameter before the service counts what is asked.", "type", "^LimitExceededException", "validation errors? detected"),
]


class SettingsWorker(Worker):
    def __init__(self, ports, seed, number, requests, differences_max=10, shrinking=True):
        super().__init__(ports, seed, number, requests, differences_max, shrinking)
        self.lab = SettingsLab(ports)
        self.accepted = Accepted([*SETTING_DEVIATIONS, *DEVIATIONS])

    def episode(self, number):
        rng = random.Random(f"{self.seed}/settings/{self.number}/{number}")
        shapes = [TableShape(rng, f"s{self.number}e{number}")]
        differing = self.lab.create(shapes)
        assert not differing, differing
        settings, history = Settings(rng, shapes), []
        first = list(Requests(rng, shapes).first(4))
        for at in range(EPISODE_STEPS):
            step = first[at] if at < len(first) else settings.step()
            if not self.step(shapes, history, step):
                break
            history.append(step)
            if step.operation == "DeleteTable":
                self.lab.create([shape for shape in shapes if json.dumps(shape.name) in json.dumps(step.request)])
        self.lab.drop(shapes)


# ---- tags, which the oracle does not have


class Tags:
    """Random requests about the tags of one table, and what becomes of them by the service's rules."""

    KEYS = ["a", "b", "Name", "x" * 128, "k +-=._:/@", "été", "a" * 129, "", "aws:x", "AWS:y", "bad#", "\U0001f600", *(f"n{number}" for number in range(60))]
    VALUES = ["", "v", "w" * 256, "w" * 257, "a b", "bad*", "ü"]

    def __init__(self, rng, arn):
        self.rng, self.arn, self.tags = rng, arn, {}

    @staticmethod
    def fine(text, least, most):
        return least <= len(text) <= most and re.fullmatch(r"[\w +\-=.:/@]*", text) is not None

    def key_fine(self, key):
        return self.fine(key, 1, 128) and not key.lower().startswith("aws:")

    def step(self):
        """(operation, request, error type or None)"""
        rng, wrong = self.rng, self.rng.random()
        keys = rng.sample(self.KEYS[:5] + self.KEYS[12:] if rng.random() < 0.8 else self.KEYS, rng.choice((1, 1, 2, 5, 20)))
        if wrong < 0.03:
            return rng.choice(("TagResource", "UntagResource", "ListTagsOfResource")), {}, "ValidationException"
        if wrong < 0.06:
            keys = []
        if wrong > 0.97:
            return "ListTagsOfResource", {"ResourceArn": self.arn + "-none"}, "ResourceNotFoundException"
        kind = rng.random()
        if kind < 0.3:
            return "ListTagsOfResource", {"ResourceArn": self.arn}, None
        if kind < 0.55:
            right = keys and all(map(self.key_fine, keys))
            if right:
                self.tags = {key: value for key, value in self.tags.items() if key not in keys}
            return "UntagResource", {"ResourceArn": self.arn, "TagKeys": keys}, None if right else "ValidationException"
        tags = {key: rng.choice(self.VALUES[:3] if rng.random() < 0.95 else self.VALUES) for key in keys}
        twice = rng.random() < 0.04
        right = tags and not twice and all(map(self.key_fine, tags)) and all(self.fine(value, 0, 256) for value in tags.values()) and len({**self.tags, **tags}) <= 50
        if right:
            self.tags.update(tags)
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        return "TagResource", {"ResourceArn": self.arn, "Tags": listed + (listed[:1] if twice else [])}, None if right else "ValidationException"
