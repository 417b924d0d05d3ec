"""The shop of the generator as a table for the differential test: customers, orders with lines, products under one key.

What a plan makes of it: three tables with key templates, a child table of order lines, typed columns, and one table for
the rest. The requests therefore also write items that fit none of them.
"""
from serve_requests import Index, TableShape
from serve_values import Attributes, value

INDEXES = [
    Index("gsi1", [("GSI1PK", "S"), ("GSI1SK", "S")], {"ProjectionType": "ALL"}, False),
    Index("by-status", [("status", "S"), ("placed_at", "S")], {"ProjectionType": "KEYS_ONLY"}, False),
    Index("by-price", [("type", "S"), ("price", "N")], {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title", "stock"]}, False),
    Index("by-number", [("PK", "S"), ("order_number", "N")], {"ProjectionType": "ALL"}, True),
]
# What a key of the shop looks like, what only nearly does, and what does not.
ODD_PARTITIONS = ["CUSTOMER#", "CUSTOMER", "customer#00000000", "PRODUCT#x#y", "VENDOR#1", "CUSTOMER#00000000#", "é"]
ODD_SORTS = ["PROFILE", "DETAILS", "ORDER#", "ORDER", "ORDER#2024-06-01", "profile", "ORDER#2024#9#9", "A", "\U0001f600", "z"]


class ShopAttributes:
    members = ["street", "city", "geo", "lat", "colour", "sku", "qty", "note", "a"]

    def __init__(self, items):
        self.seen = {}
        for item in items:
            for name, content in item.items():
                if name not in ("PK", "SK", "GSI1PK", "GSI1SK", "type", "placed_at", "status", "price", "order_number"):
                    self.seen.setdefault(name, []).append(content)
        self.names = sorted(self.seen) + ["unseen"]
        self.kinds = {name: next(iter(contents[0])) for name, contents in self.seen.items()} | {"unseen": "S"}

    only = Attributes.only

    def value(self, rng, name):
        roll = rng.random()
        if name in self.seen and roll < 0.75:
            return rng.choice(self.seen[name])
        return value(rng, 0, self.kinds[name] if roll < 0.9 else None)


class ShopShape(TableShape):
    def __init__(self, name, items):
        self.name, self.fixed, self.keys, self.indexes = name, items, [("PK", "S"), ("SK", "S")], INDEXES
        self.attributes = ShopAttributes(items)
        self.index_attributes = {key: kind for index in INDEXES for key, kind in index.keys if key != "PK"}
        self.partitions = sorted({item["PK"]["S"] for item in items})[:6] + ["PRODUCT#00000000", "PRODUCT#00000001"]
        self.sorts = sorted({item["SK"]["S"] for item in items if item["PK"]["S"] in self.partitions})

    def key_part(self, rng, name, kind):
        if name == "PK":
            return {"S": rng.choice(ODD_PARTITIONS if rng.random() < 0.12 else self.partitions)}
        if name == "SK":
            return {"S": rng.choice(ODD_SORTS if rng.random() < 0.35 else self.sorts)}
        seen = [item[name] for item in self.fixed if name in item]
        return rng.choice(seen)

    def key(self, rng):
        if rng.random() < 0.6:
            item = rng.choice(self.fixed)
            return {"PK": item["PK"], "SK": item["SK"]}
        return super().key(rng)

    def item(self, rng):
        if rng.random() < 0.7:
            item = dict(rng.choice(self.fixed))
            if rng.random() < 0.3:
                item.update(self.key(rng))
        else:
            item = {**self.key(rng), **{name: self.key_part(rng, name, kind) for name, kind in self.index_attributes.items() if rng.random() < 0.4}}
        for name in rng.sample(self.attributes.names, rng.choice((0, 1, 2, 4))):
            if rng.random() < 0.7:
                item[name] = self.attributes.value(rng, name)
            else:
                item.pop(name, None)
        return item
