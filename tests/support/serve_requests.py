"""Random tables and random requests of every data-plane operation on them, for the differential test.

A `TableShape` is what CreateTable made; a `Requests` makes `Step`s: one request, or a walk over all pages of a Query or
Scan whose order the service does not promise. No state of a server is needed: keys and values come from small pools.
"""
import json
import re

from serve_expressions import Placeholders, condition, key_condition, order_of, projection, update
from serve_values import Attributes, bad_value, key_value, value, weighted

LEGACY_OPERATORS = {"EQ": 1, "NE": 1, "IN": 2, "LE": 1, "LT": 1, "GE": 1, "GT": 1, "BETWEEN": 2, "NOT_NULL": 0, "NULL": 0,
                    "CONTAINS": 1, "NOT_CONTAINS": 1, "BEGINS_WITH": 1}


class Step:
    """kind: "one" request; "pages": until there is no LastEvaluatedKey; "segments": that for each of `segments`."""

    __slots__ = ("kind", "operation", "request", "segments", "order", "spoiled")

    def __init__(self, operation, request, kind="one", segments=0, order=None, spoiled=False):
        self.kind, self.operation, self.request, self.segments, self.order = kind, operation, request, segments, order
        self.spoiled = spoiled  # something was broken without looking

    def __repr__(self):
        more = f" ({self.kind})" if self.kind != "one" else ""
        return f"{self.operation}{more} {json.dumps(self.request, ensure_ascii=False)}"


class Index:
    def __init__(self, name, keys, projection, local):
        self.name, self.keys, self.projection, self.local = name, keys, projection, local

    @property
    def partition(self):
        return self.keys[0]

    @property
    def sort(self):
        return self.keys[1] if len(self.keys) > 1 else None

    def wire(self):
        return {"IndexName": self.name, "KeySchema": schema(self.keys), "Projection": self.projection}


def schema(keys):
    return [{"AttributeName": name, "KeyType": role} for (name, _), role in zip(keys, ("HASH", "RANGE"))]


class TableShape:
    fixed = None  # items to begin with again, for a table that is not made anew

    def __init__(self, rng, name):
        self.name = name
        self.attributes = Attributes(rng)
        self.keys = [(rng.choice(("pk", "id", "Partition", "p.k", "order")), rng.choice("SSNB"))]
        if rng.random() < 0.75:
            self.keys.append((rng.choice(("sk", "when", "Sort-Key", "rowid")), rng.choice("SSNB")))
        # What indexes are on: attributes of their own, of one type all over the table.
        pool = [("i1", "S"), ("i2", "N"), ("i3", "B"), ("i4", rng.choice("SN"))]
        self.indexes = []
        if len(self.keys) == 2:
            for number in range(rng.choice((0, 0, 1, 2))):
                self.indexes.append(Index(f"lsi{number}", [self.keys[0], rng.choice(pool)], self._projection(rng), True))
        for number in range(rng.choice((0, 1, 1, 2, 3))):
            keys = [rng.choice(pool + self.keys)]
            if rng.random() < 0.65:
                keys.append(rng.choice([key for key in pool + self.keys if key[0] != keys[0][0]]))
            self.indexes.append(Index(f"gsi{number}", keys, self._projection(rng), False))
        self.index_attributes = {name: kind for index in self.indexes for name, kind in index.keys
                                 if name not in dict(self.keys)}

    def _projection(self, rng):
        kind = rng.choice(("ALL", "ALL", "KEYS_ONLY", "INCLUDE"))
        if kind == "INCLUDE":
            return {"ProjectionType": kind, "NonKeyAttributes": rng.sample(self.attributes.names, 2)}
        return {"ProjectionType": kind}

    def create(self):
        definitions = dict(self.keys) | self.index_attributes
        request = {"TableName": self.name, "BillingMode": "PAY_PER_REQUEST", "KeySchema": schema(self.keys),
                   "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind}
                                            for name, kind in definitions.items()]}
        for member, local in (("LocalSecondaryIndexes", True), ("GlobalSecondaryIndexes", False)):
            found = [index.wire() for index in self.indexes if index.local == local]
            if found:
                request[member] = found
        return request

    def key_part(self, rng, name, kind):
        """A value of a key attribute, the table's or an index's."""
        return key_value(rng, kind, 8 if len(self.keys) > 1 and name == self.keys[1][0] else 4)

    def key(self, rng):
        return {name: self.key_part(rng, name, kind) for name, kind in self.keys}

    def item(self, rng):
        item = self.key(rng)
        item.update(self.attributes.some(rng))
        for name, kind in self.index_attributes.items():
            if rng.random() < 0.6:
                item[name] = self.key_part(rng, name, kind)
        return item


class Requests:
    """Of one group of tables; `wrong` is the share of requests that are made wrong on purpose."""

    def __init__(self, rng, tables, wrong=0.06):
        self.rng = rng
        self.tables = tables
        self.wrong = wrong
        self.mistakes_left = 0

    def mistake(self, probability):
        """Whether to do something wrong here: at most once in a request, because which of two mistakes a server names
        first is rarely documented."""
        if self.mistakes_left and self.rng.random() < probability:
            self.mistakes_left = 0
            return True
        return False

    def chance(self, probability):
        return self.rng.random() < probability

    def first(self, count):
        """Something to read."""
        for _ in range(count):
            table = self.rng.choice(self.tables)
            yield Step("PutItem", {"TableName": table.name, "Item": table.item(self.rng)})

    def step(self):
        make = weighted(self.rng, (10, self.get), (14, self.put), (22, self.update), (8, self.delete), (18, self.query), (6, self.scan),
                        (4, self.batch_get), (4, self.batch_write), (3, self.transact_get), (7, self.transact_write), (12, self.legacy))
        spoiled = self.chance(self.wrong)
        self.mistakes_left = 0 if spoiled or self.chance(0.75) else 1
        step = make(self.rng.choice(self.tables))
        if spoiled:
            step = Step(step.operation, spoil(self.rng, step.request), step.kind, step.segments, step.order, True)
        return step

    def placeholders(self, table):
        return Placeholders(self.rng, table.attributes, self.mistake)

    def _key(self, table):
        key = table.key(self.rng)
        if self.mistake(0.1):
            wrong_key(self.rng, table, key)
        return key

    def _item(self, table):
        item = table.item(self.rng)
        if self.mistake(0.12):
            roll = self.rng.random()
            if roll < 0.4:
                wrong_key(self.rng, table, item)
            elif roll < 0.6 and table.index_attributes:
                name = self.rng.choice(list(table.index_attributes))
                item[name] = self.rng.choice(({"S": ""}, {"B": ""}, {"BOOL": True}, {"NULL": True}, {"N": "1"}, {"S": "a"}))
            else:
                item[self.rng.choice(table.attributes.names)] = bad_value(self.rng)
        return item

    def _return(self, request, kinds=("NONE", "ALL_OLD")):
        if self.chance(0.5):
            request["ReturnValues"] = self.rng.choice(kinds)
        if self.chance(0.15):
            request["ReturnValuesOnConditionCheckFailure"] = self.rng.choice(("NONE", "ALL_OLD"))
        if self.chance(0.05):
            request["ReturnConsumedCapacity"] = self.rng.choice(("NONE", "TOTAL", "INDEXES"))
        if self.chance(0.03):
            request["ReturnItemCollectionMetrics"] = self.rng.choice(("NONE", "SIZE"))

    def get(self, table):
        request = {"TableName": table.name, "Key": self._key(table)}
        p = self.placeholders(table)
        if self.chance(0.5):
            request["ProjectionExpression"] = projection(p)
        if self.chance(0.2):
            request["ConsistentRead"] = self.chance(0.5)
        if p.values:
            p.values = {}
        return Step("GetItem", p.put_into(request))

    def put(self, table):
        request = {"TableName": table.name, "Item": self._item(table)}
        p = self.placeholders(table)
        if self.chance(0.4):
            request["ConditionExpression"] = condition(p)
        self._return(request)
        return Step("PutItem", p.put_into(request))

    def delete(self, table):
        request = {"TableName": table.name, "Key": self._key(table)}
        p = self.placeholders(table)
        if self.chance(0.5):
            request["ConditionExpression"] = condition(p)
        self._return(request)
        return Step("DeleteItem", p.put_into(request))

    def update(self, table):
        request = {"TableName": table.name, "Key": self._key(table)}
        p = self.placeholders(table)
        if self.chance(0.95):
            request["UpdateExpression"] = self._more_than_remove(p, update(p, [name for name, _ in table.keys]))
            if table.index_attributes and self.chance(0.15):
                name, kind = self.rng.choice(list(table.index_attributes.items()))
                if request["UpdateExpression"].startswith("SET "):
                    new = table.key_part(self.rng, name, kind) if not self.mistake(0.3) else value(self.rng, 1)
                    request["UpdateExpression"] = f"SET {p.name(name)} = {p.value(new)}, " + request["UpdateExpression"][4:]
        if self.chance(0.3):
            request["ConditionExpression"] = condition(p)
        self._return(request, ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW", "ALL_NEW", "UPDATED_NEW"))
        return Step("UpdateItem", p.put_into(request))

    @staticmethod
    def _more_than_remove(p, text):
        """The oracle makes an item of an update that only removes; see test_reference.py."""
        return f"{text} SET unseen = {p.value({'N': '1'})}" if text[:7].upper() == "REMOVE " and not re.search(r"\b(SET|ADD|DELETE)\b", text, re.I) else text

    def _read(self, table, index, request, p, filtered=0.35):
        # What an index does not hold, a filter or projection on it may not name (Query) or sees nothing of (Scan).
        whole = index is None or index.projection["ProjectionType"] == "ALL" or "KeyConditionExpression" in request and self.mistake(0.3)
        if not whole:
            p.attributes = table.attributes.only(index.projection.get("NonKeyAttributes", []))
        if self.chance(filtered) and p.attributes.names:
            request["FilterExpression"] = condition(p)
        if self.chance(0.3) and p.attributes.names:
            request["ProjectionExpression"] = projection(p)
        elif self.chance(0.15):
            request["Select"] = self.rng.choice(("COUNT", "ALL_ATTRIBUTES", *(("ALL_PROJECTED_ATTRIBUTES",) if index else ())))
        elif self.mistake(0.04):
            request["Select"] = self.rng.choice(("ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES"))
        if self.chance(0.1):
            request["ConsistentRead"] = index is None and self.chance(0.5) or self.mistake(0.3)
        if self.chance(0.03):
            request["ReturnConsumedCapacity"] = self.rng.choice(("TOTAL", "INDEXES"))

    def query(self, table):
        index = self.rng.choice(table.indexes) if table.indexes and self.chance(0.45) else None
        where = index or Index(None, table.keys, None, True)
        request = {"TableName": table.name}
        if index:
            request["IndexName"] = index.name
        p = self.placeholders(table)
        request["KeyConditionExpression"] = key_condition(p, where.partition, where.sort,
                                                          lambda name, kind: table.key_part(self.rng, name, kind))
        if self.chance(0.3):
            request["ScanIndexForward"] = self.chance(0.5)
        self._read(table, index, request, p)
        limited = self.chance(0.4)
        if limited:
            request["Limit"] = self.rng.choice((1, 1, 2, 3, 5, 100))
        request = p.put_into(request)
        if index is None and not limited and self.chance(0.15):
            start = self._key(table)
            request["ExclusiveStartKey"] = start
        if limited or index:
            # Items of an index with equal keys come in no promised order, so their pages differ.
            order = where.sort[0] if index and where.sort else None
            return Step("Query", request, "pages", order=order or ("*" if index is None else None))
        return Step("Query", request)

    def scan(self, table):
        index = self.rng.choice(table.indexes) if table.indexes and self.chance(0.35) else None
        request = {"TableName": table.name}
        if index:
            request["IndexName"] = index.name
        p = self.placeholders(table)
        self._read(table, index, request, p, 0.6)
        if self.chance(0.5):
            request["Limit"] = self.rng.choice((1, 3, 7, 50))
        request = p.put_into(request)
        if self.chance(0.25):
            return Step("Scan", request, "segments", self.rng.choice((1, 2, 5)))
        return Step("Scan", request, "pages")

    def batch_get(self, table):
        requests = {}
        for table in self.rng.sample(self.tables, self.rng.choice((1, len(self.tables)))):
            keys = unique([self._key(table) for _ in range(self.rng.choice((1, 2, 5, 10)))], not self.mistake(0.05))
            entry = {"Keys": keys}
            p = self.placeholders(table)
            if self.chance(0.4):
                entry["ProjectionExpression"] = projection(p)
                p.values = {}
                p.put_into(entry)
                entry.pop("ExpressionAttributeValues", None)
            if self.chance(0.2):
                entry["ConsistentRead"] = True
            requests[table.name] = entry
        return Step("BatchGetItem", {"RequestItems": requests})

    def batch_write(self, table):
        requests = {}
        for table in self.rng.sample(self.tables, self.rng.choice((1, len(self.tables)))):
            keys, entries = set(), []
            for _ in range(self.rng.choice((1, 2, 5, 8))):
                entry = ({"PutRequest": {"Item": self._item(table)}} if self.chance(0.7)
                         else {"DeleteRequest": {"Key": self._key(table)}})
                content = entry.get("PutRequest", entry.get("DeleteRequest"))
                whole = content.get("Item", content.get("Key"))
                identity = repr([plain_key(whole.get(name)) for name, _ in table.keys])
                if identity not in keys or self.mistake(0.1):
                    keys.add(identity)
                    entries.append(entry)
            requests[table.name] = entries
        return Step("BatchWriteItem", {"RequestItems": requests})

    def transact_get(self, table):
        items = []
        for _ in range(self.rng.choice((1, 2, 4))):
            table = self.rng.choice(self.tables)
            get = {"TableName": table.name, "Key": self._key(table)}
            p = self.placeholders(table)
            if self.chance(0.4):
                get["ProjectionExpression"] = projection(p)
                p.values = {}
                p.put_into(get)
                get.pop("ExpressionAttributeValues", None)
            items.append({"Get": get})
        return Step("TransactGetItems", {"TransactItems": items})

    def transact_write(self, table):
        actions, seen = [], set()
        for _ in range(self.rng.choice((1, 2, 3, 5))):
            table = self.rng.choice(self.tables)
            p = self.placeholders(table)
            kind = self.rng.choice(("Put", "Update", "Delete", "ConditionCheck"))
            action = {"TableName": table.name}
            if kind == "Put":
                action["Item"] = self._item(table)
            else:
                action["Key"] = self._key(table)
            if kind == "Update":
                action["UpdateExpression"] = self._more_than_remove(p, update(p, [name for name, _ in table.keys]))
            if kind == "ConditionCheck" or self.chance(0.4):
                action["ConditionExpression"] = condition(p)
            if self.chance(0.3):
                action["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
            whole = action.get("Item", action.get("Key"))
            identity = repr((table.name, [plain_key(whole.get(name)) for name, _ in table.keys]))
            if identity not in seen or self.mistake(0.1):
                seen.add(identity)
                actions.append({kind: p.put_into(action)})
        return Step("TransactWriteItems", {"TransactItems": actions})

    # The parameters from before expressions.

    def _legacy_conditions(self, table, names, expected):
        conditions = {}
        for name in names:
            kind = table.attributes.kinds.get(name, "S")
            if expected and self.chance(0.4):
                conditions[name] = ({"Value": table.attributes.value(self.rng, name)} if self.chance(0.6)
                                    else {"Exists": False})
                continue
            operator = self.rng.choice(list(LEGACY_OPERATORS))
            count = LEGACY_OPERATORS[operator]
            if operator in ("BEGINS_WITH", "LT", "LE", "GE", "GT", "BETWEEN") and kind not in ("S", "N", "B"):
                kind = "S"
            if operator == "BEGINS_WITH" and kind == "N":
                kind = "S"
            if operator in ("CONTAINS", "NOT_CONTAINS") and kind not in ("S", "N", "B"):
                kind = self.rng.choice("SN")
            values = [value(self.rng, 1, kind) for _ in range(count)]
            if operator == "IN":
                values = [value(self.rng, 1, self.rng.choice("SN"))]
            if operator == "BETWEEN":
                values.sort(key=order_of)
            entry = {"ComparisonOperator": operator}
            if values:
                entry["AttributeValueList"] = values
            conditions[name] = entry
        return conditions

    def _legacy_expected(self, table, request):
        names = self.rng.sample(table.attributes.names, self.rng.choice((1, 1, 2)))
        request["Expected"] = self._legacy_conditions(table, names, True)
        if len(names) > 1 and self.chance(0.6):
            request["ConditionalOperator"] = self.rng.choice(("AND", "OR"))

    def legacy(self, table):
        operation = self.rng.choice(("GetItem", "PutItem", "DeleteItem", "UpdateItem", "UpdateItem", "Query", "Scan", "BatchGetItem"))
        some = self.rng.sample(table.attributes.names, 2)
        request = {"TableName": table.name}
        if operation == "GetItem":
            request.update(Key=self._key(table), AttributesToGet=some)
        elif operation == "BatchGetItem":
            keys = unique([self._key(table) for _ in range(3)], True)
            request = {"RequestItems": {table.name: {"Keys": keys, "AttributesToGet": some}}}
        elif operation == "PutItem":
            request["Item"] = self._item(table)
            self._legacy_expected(table, request)
            self._return(request)
        elif operation == "DeleteItem":
            request["Key"] = self._key(table)
            self._legacy_expected(table, request)
            self._return(request)
        elif operation == "UpdateItem":
            request["Key"] = self._key(table)
            updates = {}
            for name in some:
                kind = table.attributes.kinds[name]
                action = self.rng.choice(("PUT", "ADD", "DELETE"))
                entry = {"Action": action}
                if action == "PUT":
                    entry["Value"] = table.attributes.value(self.rng, name)
                elif action == "ADD":
                    entry["Value"] = value(self.rng, 1, kind if kind in ("N", "SS", "NS", "BS", "L") else "N")
                elif kind in ("SS", "NS", "BS") and self.chance(0.6):
                    entry["Value"] = value(self.rng, 1, kind)
                    if kind == "NS":  # the oracle does not find a member that is written with an exponent
                        entry["Value"]["NS"] = [member for member in entry["Value"]["NS"] if "e" not in member.lower()] or ["1"]
                updates[name] = entry
            # The oracle makes an item of an update that only removes; see test_reference.py.
            if all(entry["Action"] == "DELETE" for entry in updates.values()):
                updates[some[0]] = {"Action": "PUT", "Value": table.attributes.value(self.rng, some[0])}
            request["AttributeUpdates"] = updates
            if self.chance(0.3):
                self._legacy_expected(table, request)
            self._return(request, ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"))
        else:
            return self._legacy_read(table, operation, request, some)
        return Step(operation, request)

    def _legacy_read(self, table, operation, request, some):
        if operation == "Query":
            (name, kind), rest = table.keys[0], table.keys[1:]
            request["KeyConditions"] = {name: {"ComparisonOperator": "EQ", "AttributeValueList": [table.key_part(self.rng, name, kind)]}}
            for name, kind in rest[:1 if self.chance(0.6) else 0]:
                operator = self.rng.choice(("EQ", "LE", "LT", "GE", "GT", "BETWEEN", "BEGINS_WITH"))
                if operator == "BEGINS_WITH" and kind == "N":
                    operator = "EQ"
                values = sorted([table.key_part(self.rng, name, kind) for _ in range(LEGACY_OPERATORS[operator])], key=order_of)
                request["KeyConditions"][name] = {"ComparisonOperator": operator, "AttributeValueList": values}
        if self.chance(0.6):
            request["QueryFilter" if operation == "Query" else "ScanFilter"] = self._legacy_conditions(table, some, False)
            if self.chance(0.5):
                request["ConditionalOperator"] = self.rng.choice(("AND", "OR"))
        if self.chance(0.4):
            request["AttributesToGet"] = some
        return Step(operation, request, "one" if operation == "Query" else "pages")


def wrong_key(rng, table, key):
    name, kind = rng.choice(table.keys)
    rng.choice([
        lambda: key.pop(name), lambda: key.update({"more": {"S": "a"}}), lambda: key.update({name: bad_value(rng)}),
        lambda: key.update({name: {"N": "1"} if kind != "N" else {"S": "1"}}), lambda: key.update({name: {"BOOL": True}}),
        lambda: key.update({name: {"S": ""} if kind == "S" else {"B": ""}}), lambda: key.update({name: {"M": {}}}),
        lambda: key.clear(), lambda: key.update({name: {"S": "x" * 2049}} if kind == "S" else {}),
    ])()


def plain_key(wire):
    """Numbers by value: a batch may not hold a key twice."""
    if isinstance(wire, dict) and isinstance(wire.get("N"), str):
        try:
            return float(wire["N"]) if abs(float(wire["N"])) < 1e15 else wire["N"]
        except ValueError:
            return wire["N"]
    return wire


def unique(keys, wanted):
    if not wanted:
        return keys + keys[:1]
    found = {repr([plain_key(member) for member in key.values()]): key for key in keys}
    return list(found.values())


WRONG = [None, 5, -1, 1.5, "", "x", True, [], {}, [5], {"a": 5}, "ALL", "x" * 300, [{}], {"a": {}}, "NONE", 0]


def spoil(rng, request):
    """The request with one member changed, dropped or added, at any depth."""
    request = json.loads(json.dumps(request))
    places = []

    def walk(at, depth):
        members = at.items() if isinstance(at, dict) else enumerate(at)
        for name, member in members:
            if name != "Action":  # the oracle does not know that PUT is the default
                places.append((at, name, depth))
            if isinstance(member, (dict, list)) and depth < 5:
                walk(member, depth + 1)

    walk(request, 0)
    if not places:
        return request
    # The members of the request itself as often as all the rest.
    top = [place for place in places if place[2] == 0]
    at, name, _ = rng.choice(top if rng.random() < 0.6 else places)
    roll = rng.random()
    if roll < 0.3:
        del at[name]
    elif roll < 0.8:
        at[name] = rng.choice(WRONG)
    else:
        request[rng.choice(MEMBERS_OF_REQUESTS)] = rng.choice(WRONG)
    return request


MEMBERS_OF_REQUESTS = ["TableName", "Key", "Item", "ReturnValues", "ReturnConsumedCapacity", "Limit", "Select", "ConsistentRead",
                       "IndexName", "ExclusiveStartKey", "Segment", "TotalSegments", "ConditionExpression", "FilterExpression",
                       "ProjectionExpression", "UpdateExpression", "KeyConditionExpression", "ExpressionAttributeNames",
                       "ExpressionAttributeValues", "Expected", "AttributeUpdates", "AttributesToGet", "ScanIndexForward",
                       "ConditionalOperator", "QueryFilter", "ScanFilter", "KeyConditions", "ClientRequestToken", "Unknown",
                       "ReturnItemCollectionMetrics", "ReturnValuesOnConditionCheckFailure", "RequestItems", "TransactItems"]


def create_variant(rng, shape):
    """A CreateTable that is wrong in one way; or right and odd."""
    request = json.loads(json.dumps(shape.create()))
    definitions, keys = request["AttributeDefinitions"], request["KeySchema"]
    rng.choice([
        lambda: request.pop(rng.choice(list(request))),
        lambda: definitions.append({"AttributeName": "unused", "AttributeType": "S"}),
        lambda: definitions.pop(rng.randrange(len(definitions))),
        lambda: definitions[0].update(AttributeType="BOOL"),
        lambda: keys[0].update(KeyType="RANGE"),
        lambda: keys.append({"AttributeName": keys[0]["AttributeName"], "KeyType": "RANGE"}),
        lambda: keys.append({"AttributeName": "third", "KeyType": "HASH"}),
        lambda: request.update(TableName="ab"),
        lambda: request.update(TableName="a b c"),
        lambda: request.update(TableName="x" * 256),
        lambda: request.update(BillingMode="PROVISIONED"),
        lambda: request.update(BillingMode="NEVER"),
        lambda: request.update(ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}),
        lambda: request.update(BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 0, "WriteCapacityUnits": 1}),
        lambda: request.update(LocalSecondaryIndexes=[]),
        lambda: request.update(GlobalSecondaryIndexes=[]),
        lambda: request.update(GlobalSecondaryIndexes=[{"IndexName": "g", "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}]),
        lambda: request.update(GlobalSecondaryIndexes=[{"IndexName": "ggg", "KeySchema": keys, "Projection": {"ProjectionType": "INCLUDE"}}]),
        lambda: request.update(GlobalSecondaryIndexes=[{"IndexName": "ggg", "KeySchema": keys, "Projection": {}}]),
        lambda: request.update(GlobalSecondaryIndexes=[{"IndexName": "ggg", "KeySchema": keys, "Projection": {"ProjectionType": "ALL", "NonKeyAttributes": ["a"]}}]),
        lambda: request.update(GlobalSecondaryIndexes=[{"IndexName": "ggg", "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}] * 2),
        lambda: request.update(LocalSecondaryIndexes=[{"IndexName": "lll", "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}] * 6),
        lambda: request.update(LocalSecondaryIndexes=[{"IndexName": "lll", "KeySchema": keys[::-1], "Projection": {"ProjectionType": "ALL"}}]),
        lambda: request.update(StreamSpecification={"StreamEnabled": False}),
        lambda: request.update(StreamSpecification={"StreamEnabled": True}),
        lambda: request.update(TableClass="STANDARD"),
        lambda: request.update(DeletionProtectionEnabled=False),
        lambda: request.update(Tags=[{"Key": "a", "Value": "b"}]),
        lambda: request.update(KeySchema=[]),
        lambda: request.update(AttributeDefinitions=[]),
    ])()
    if rng.random() < 0.15:
        request = spoil(rng, request)
    return request
