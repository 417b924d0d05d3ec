"""Several live tables moved by one plan: rings of their own behind one scripted endpoint, into one target.

Moves(tool, server, target, names, …) makes the tables and writes the plan; each Move has its ledger, its table and a
reader of its rows past the tool. A move's tables at the target begin with its table's name in lower case.
"""
import json
import os
import random

import ring
from live import Background, Live, TargetReader
from tool import environment

INTO = ("orders", "order_lines", "nodes", "other_items")


def named(text, prefix):
    for name in INTO:
        text = text.replace(f"into: {name}\n", f"into: {prefix}{name}\n").replace(f"{{{name}:", f"{{{prefix}{name}:")
        text = text.replace(f"FROM {name} ", f"FROM {prefix}{name} ").replace(f"FROM {name}$", f"FROM {prefix}{name}")
    return text


class Reader(TargetReader):
    def __init__(self, url, postgres, prefix):
        super().__init__(url, postgres)
        self.prefix = prefix

    def versions(self):
        statement = named(ring.VERSIONS + "$", self.prefix).rstrip("$")
        return [(key, int(version)) for key, version in self.sql(statement)]

    def _tables(self, names):
        return [(name.removeprefix(self.prefix), row)
                for name, row in super()._tables([self.prefix + name for name in names])]


class Move(Live):
    """One of the plan's moves: what Live knows of a plan with a single source."""

    def __init__(self, moves, server, name, nodes, shards):
        self.moves, self.name = moves, name
        self.prefix = name.lower() + "_"
        self.tool = moves.tool
        self.reader = Reader(moves.target, moves.postgres, self.prefix)
        self.ledger = ring.Ledger(nodes, 20, random.randrange(1 << 32))
        self.table = server.tables.create(name)
        self.table.load(list(self.ledger.items.values()))
        self.table.enable_stream(shards=shards)
        self.endpoint = server.url
        self.limits = None
        self.capture = "streams"

    background = property(lambda self: self.moves.background)

    @property
    def plan(self):
        return f"{self.tool.plan_path}::{self.name}"

    def text(self):
        lines = (f"source:\n  table: {self.name}\n  region: eu-west-1\n  endpoint: {self.endpoint}\n  key: {{pk: S}}\n"
                 f"  load: {{from: scan}}\n  capture: {self.capture}\n"
                 + (f"  limits: {self.limits}\n" if self.limits else "") + named(ring.TABLES, self.prefix))
        return "  - " + lines.rstrip("\n").replace("\n", "\n    ") + "\n"

    def status(self):
        return json.loads(self.tool.run("status", self.plan, "--json").out)

    def phase(self):
        if not os.path.exists(f"{self.tool.plan_path}.offramp/{self.name}/live.json"):
            return "starting"
        result = self.tool.run("status", self.plan, "--json", code=None)
        said = result.json().get("live") if result.code == 0 else None
        return said["phase"] if said and said["at_ms"] >= self.background.started_ms else "starting"

    def write(self, *actions):
        self.table.write(*actions)

    def equal(self, seconds=90):
        self.await_equal(self.ledger, self.table.contents(), seconds)


class Moves:
    def __init__(self, tool, server, target, names, postgres=None, nodes=600, shards=2, limits=None):
        self.tool, self.server, self.target, self.postgres = tool, server, target, postgres
        self.nodes, self.shards, self.limits = nodes, shards, limits
        self.background = None
        self.all = []
        for name in names:
            self.add(name)
        self.write_plan()

    def __iter__(self):
        return iter(self.all)

    def __getitem__(self, name):
        return next(move for move in self.all if move.name == name)

    def add(self, name):
        self.all.append(Move(self, self.server, name, self.nodes, self.shards))
        return self.all[-1]

    def write_plan(self):
        text = f"version: 1\ntarget: {self.target}\n" + (f"limits: {self.limits}\n" if self.limits else "") + "moves:\n"
        with open(self.tool.plan_path, "w", encoding="utf-8") as file:
            file.write(text + "".join(move.text() for move in self.all))

    def start(self, *words, env=None, plan=None):
        assert not (self.background and self.background.running())
        self.background = Background(self.tool, "run", plan or self.tool.plan_path, *words, env=env and environment(**env))
        return self.background

    def run(self, *words, code=0, **options):
        return self.tool.run("run", self.tool.plan_path, *words, code=code, **options)

    def await_in_sync(self):
        for move in self.all:
            move.await_in_sync()

    def status(self):
        lines = self.tool.run("status", self.tool.plan_path, "--json").out.splitlines()
        return [json.loads(line) for line in lines]

    def writers(self, rate=300):
        return AllWriters([ring.Writers(move.ledger, move.write, threads=1, rate=rate) for move in self.all])

    def equal(self):
        for move in self.all:
            move.equal()

    def stop(self):
        if self.background:
            self.background.kill()


class AllWriters(ring.Counted):
    def __init__(self, writers):
        self.writers = writers

    @property
    def failures(self):
        return [failure for writer in self.writers for failure in writer.failures]

    def total(self):
        return sum(writer.total() for writer in self.writers)

    def stop(self):
        for writer in self.writers:
            writer.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
