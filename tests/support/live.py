"""A live migration as its user runs it: the process in the background, its status, and the target read past the tool.

Live(tool, source, target, …) writes the plan; start() runs it; await_equal() waits until the target is what the ledger
says. Nothing here sleeps for a fixed time where there is something to wait for.
"""
import json
import os
import signal
import sqlite3
import subprocess
import time
import urllib.parse

import paths
import ring
from tool import environment

STOP_SECONDS_MAX = 5.0  # SIGTERM to the end, in every phase
WAIT_SECONDS_MAX = 90.0


class Background:
    """The tool's process; its two outputs go to the folder's background.log."""

    def __init__(self, tool, *words, env=None):
        self.started_ms = int(time.time() * 1000)
        self.log_path = os.path.join(tool.folder, "background.log")
        self.from_byte = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        self.process = tool.start(*words, env=env)

    def said(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            log.seek(self.from_byte)
            return log.read()

    def running(self):
        return self.process.poll() is None

    def wait(self, seconds=WAIT_SECONDS_MAX):
        """The exit code; fails when the process does not end."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the tool does not end; it said\n{self.said()[-3000:]}") from None

    def expect(self, code, seconds=WAIT_SECONDS_MAX):
        got = self.wait(seconds)
        assert got == code, f"exit {got}, expected {code}; it said\n{self.said()[-3000:]}"
        return self.said()

    def terminate(self, codes=(0,)):
        """SIGTERM ends it in time; returns the seconds that took."""
        assert self.running(), f"it has ended already: exit {self.process.returncode}\n{self.said()[-3000:]}"
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"SIGTERM did not end it within 60 s; it said\n{self.said()[-3000:]}") from None
        took = time.monotonic() - began
        assert code in codes, f"exit {code} after SIGTERM; it said\n{self.said()[-3000:]}"
        assert took <= STOP_SECONDS_MAX, f"SIGTERM took {took:.1f} s; it said\n{self.said()[-3000:]}"
        return took

    def kill(self):
        if self.running():
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class TargetReader:
    """The rows of ring.TABLES put together as items by this file, not by the tool; each read is of one state."""

    def __init__(self, url, postgres=None):
        self.url, self.postgres = url, postgres
        if url.startswith("sqlite:"):
            self.file, self.database = url.removeprefix("sqlite:"), None
        else:
            self.file, self.database = None, urllib.parse.urlsplit(url).path[1:]

    def sql(self, statement):
        """Rows as tuples of SQLite's values, or as lists of text."""
        if self.database:
            return self.postgres.sql(statement, self.database)
        with sqlite3.connect(self.file, timeout=30, isolation_level=None) as connection:
            return connection.execute(statement).fetchall()

    def versions(self):
        return [(key, int(version)) for key, version in self.sql(ring.VERSIONS)]

    def _tables(self, names):
        if self.database:
            rows = self.sql(" UNION ALL ".join(f"SELECT '{name}', to_jsonb(t)::text FROM {name} t" for name in names))
            return [(name, json.loads(row)) for name, row in rows]
        connection = sqlite3.connect(self.file, timeout=30, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")
            found = [(name, dict(row)) for name in names for row in connection.execute(f"SELECT * FROM {name}")]
            for _, row in found:
                row["extra"] = json.loads(row["extra"]) if row["extra"] else None
            return found
        finally:
            connection.close()

    def items(self):
        lines, items = {}, []
        for table, row in self._tables(["orders", "order_lines", "nodes", "other_items"]):
            if table == "order_lines":
                lines.setdefault(row["node"], []).append(row)
                continue
            item = dict(row["extra"] or {})
            item["pk"] = {"S": row["pk"] if table == "other_items" else "NODE#" + row["node"]}
            for name, tag in (("ring", "N"), ("next", "S"), ("prev", "S"), ("version", "N"), ("payload", "S")):
                if row.get(name) is not None:
                    item[name] = {tag: str(row[name])}
            items.append((table, item))
        out = []
        for table, item in items:
            mine = lines.pop(item["pk"]["S"][5:], None) if table == "orders" else None
            if mine:
                mine.sort(key=lambda line: line["line_no"])
                assert [line["line_no"] for line in mine] == list(range(len(mine))), mine
                item["lines"] = {"L": [{"M": {"sku": {"S": line["sku"]}, "qty": {"N": str(line["qty"])}}}
                                       for line in mine]}
            out.append(item)
        assert not lines, f"order_lines without an order: {sorted(lines)[:5]}"
        return out


class Live:
    """`source`: the address of a table; `limits`, `capture`: YAML of the plan's members."""

    def __init__(self, tool, source, target, postgres=None, tables=ring.TABLES, key="{pk: S}", capture="streams",
                 limits=None, load="{from: scan}", target_in_plan=None):
        self.tool, self.reader = tool, TargetReader(target, postgres)
        at = urllib.parse.urlsplit(source)
        words = urllib.parse.parse_qs(at.query)
        self.source = (f"version: 1\nsource:\n  table: {at.netloc}\n  region: {words['region'][0]}\n"
                       f"  endpoint: {words['endpoint'][0]}\n  key: {key}\n  load: {load}\n")
        self.rest = f"target: {target_in_plan or target}\n{tables}"
        self.background = None
        self.write_plan(capture, limits)

    def write_plan(self, capture="streams", limits=None):
        with open(self.tool.plan_path, "w", encoding="utf-8") as file:
            file.write(f"{self.source}  capture: {capture}\n" + (f"  limits: {limits}\n" if limits else "") + self.rest)

    def start(self, *words, env=None):
        assert not (self.background and self.background.running())
        self.background = Background(self.tool, "run", self.tool.plan_path, *words, env=env and environment(**env))
        return self.background

    def run(self, *words, code=0, **options):
        return self.tool.run("run", self.tool.plan_path, *words, code=code, **options)

    def status(self):
        return self.tool.status()

    def phase(self):
        """What the process of this moment says that it does; "starting" until it has said something."""
        # Before that, `status` would only hold the journal that the process is about to make.
        if not os.path.exists(self.tool.plan_path + ".offramp/live.json"):
            return "starting"
        result = self.tool.run("status", self.tool.plan_path, "--json", code=None)
        said = result.json().get("live") if result.code == 0 else None
        return said["phase"] if said and said["at_ms"] >= self.background.started_ms else "starting"

    def await_(self, what, truth, seconds=WAIT_SECONDS_MAX, running=True):
        deadline = time.monotonic() + seconds
        while not truth():
            if running and self.background and not self.background.running():
                raise AssertionError(f"waiting for {what}: the tool ended with exit "
                                     f"{self.background.process.returncode}; it said\n{self.background.said()[-3000:]}")
            assert time.monotonic() < deadline, (
                f"no {what} within {seconds} s; the tool said\n"
                f"{self.background.said()[-3000:] if self.background else ''}")
            time.sleep(0.05)

    def await_phase(self, *names, seconds=WAIT_SECONDS_MAX):
        self.await_(f"phase {' or '.join(names)}", lambda: self.phase() in names, seconds)

    def await_in_sync(self, seconds=WAIT_SECONDS_MAX):
        self.await_phase("in sync", seconds=seconds)

    def await_equal(self, ledger, source=None, seconds=WAIT_SECONDS_MAX):
        """Nobody writes any more: the target becomes what the ledger says, and is that in every detail."""
        expected = {key: ledger.versions[key] for key in ledger.items}

        def same():
            try:
                return dict(self.reader.versions()) == expected
            except (AssertionError, sqlite3.OperationalError):
                return False  # no tables yet, or the server is away

        try:
            self.await_("target that is equal", same, seconds)
        except AssertionError as why:
            ring.check(ledger, self.reader.items(), source)
            raise why
        ring.check(ledger, self.reader.items(), source)

    def observer(self):
        return ring.Observer(self.reader.versions)

    def finish(self):
        """What a stopped migration must fulfil: the tool reads the same items as this file does, and finds no fault."""
        with open(os.path.join(self.tool.folder, "dump.jsonl"), "wb") as out:
            done = subprocess.run([paths.OFFRAMP, "dump", self.tool.plan_path, "--side", "target"], stdout=out,
                                  stderr=subprocess.PIPE, env=environment(), cwd=self.tool.folder)
        assert done.returncode == 0, done.stderr
        with open(os.path.join(self.tool.folder, "dump.jsonl"), encoding="utf-8") as lines:
            return [json.loads(line)["Item"] for line in lines]

    def stop(self):
        if self.background:
            self.background.kill()
