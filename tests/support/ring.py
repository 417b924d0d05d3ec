"""The ring workload: items that point to each other in rings, changed at full speed, and a ledger that knows the truth.

A node is {pk, ring, kind, next, prev, version, payload[, lines]}: `version` counts the writes of its key, also across
deletion and creation anew, so that any lost, doubled, reordered or resurrected change shows. `kind` decides the
target's table and changes; kind "order" has a list of maps, which becomes a child table.

Ring(...) makes the nodes; Writers(ring, write) change them from threads, each with rings of its own; check() compares
what a target holds with the ledger and follows the rings; Observer watches that no key's version ever goes back.
"""
import collections
import random
import threading
import time

from items import canonical_item

KINDS = ("plain", "order", "odd")

TABLES = """tables:
  - match: "kind = 'order'"
    into: orders
    key: {pk: "NODE#{node}"}
    columns: {ring: {from: ring, type: bigint}, next: {from: next, type: text}, prev: {from: prev, type: text}, version: {from: version, type: bigint}, payload: {from: payload, type: text}}
    children: {order_lines: {from: lines, ordinal: line_no, columns: {sku: {from: sku, type: text}, qty: {from: qty, type: bigint}}}}
  - match: "kind = 'plain'"
    into: nodes
    key: {pk: "NODE#{node}"}
    columns: {ring: {from: ring, type: bigint}, next: {from: next, type: text}, prev: {from: prev, type: text}, version: {from: version, type: bigint}}
  - into: other_items
    columns: {version: {from: version, type: bigint}}
"""

# One statement, so one state of the target: every key with its version.
VERSIONS = ("SELECT 'NODE#' || node, version FROM orders UNION ALL SELECT 'NODE#' || node, version FROM nodes "
            "UNION ALL SELECT pk, version FROM other_items")


def node(number):
    return f"NODE#{number:07}"


class Ledger:
    """Rings with their nodes in order, every key's item and version. Each ring is changed by one thread only."""

    def __init__(self, count, ring_size, seed):
        self.seed = seed
        self.rings = [[node(number) for number in range(first, min(first + ring_size, count))]
                      for first in range(0, count, ring_size)]
        self.spare = [[] for _ in self.rings]      # deleted nodes of each ring
        self.versions = collections.defaultdict(int)  # deleted keys keep theirs
        self.items = {}
        rng = random.Random(seed)
        for ring, members in enumerate(self.rings):
            for place, key in enumerate(members):
                self.items[key] = self.make(rng, ring, key, members[place - 1], members[(place + 1) % len(members)],
                                            KINDS[place % len(KINDS)])

    def make(self, rng, ring, key, before, after, kind=None):
        """The key's next version."""
        self.versions[key] += 1
        kind = kind or rng.choice(KINDS)
        item = {"pk": {"S": key}, "ring": {"N": str(ring)}, "kind": {"S": kind}, "next": {"S": after},
                "prev": {"S": before}, "version": {"N": str(self.versions[key])},
                "payload": {"S": f"{rng.getrandbits(64):016x}" * rng.randint(1, 12)}}
        if kind == "order":
            item["lines"] = {"L": [{"M": {"sku": {"S": f"sku{rng.randrange(100)}"}, "qty": {"N": str(rng.randint(1, 9))}}}
                                   for _ in range(rng.randint(0, 4))]}
        return item

    def step(self, rng, ring):
        """One change of a ring: the actions of one transaction, which the ledger has made already."""
        members, spare = self.rings[ring], self.spare[ring]
        place = rng.randrange(len(members))
        what = rng.random()
        if what < 0.15 and len(members) > 3:
            gone = members.pop(place)
            spare.append(gone)
            del self.items[gone]
            actions = [("delete", {"pk": {"S": gone}})]
            changed = [(place - 1) % len(members), place % len(members)]
        elif what < 0.30 and spare:
            members.insert(place, spare.pop(rng.randrange(len(spare))))
            actions, changed = [], [place - 1, place, (place + 1) % len(members)]
        elif what < 0.75 and len(members) > 3:
            # Two neighbours change places: four nodes point elsewhere.
            other = (place + 1) % len(members)
            members[place], members[other] = members[other], members[place]
            actions, changed = [], [place - 1, place, other, (other + 1) % len(members)]
        else:
            actions, changed = [], [place]
        for at in dict.fromkeys(index % len(members) for index in changed):
            key = members[at]
            old = self.items.get(key)
            # Mostly of the same kind as before.
            kind = old["kind"]["S"] if old and rng.random() < 0.8 else None
            self.items[key] = self.make(rng, ring, key, members[at - 1], members[(at + 1) % len(members)], kind)
            actions.append(("put", self.items[key]))
        return actions


class Counted:
    """What counts changes in total() and keeps what went wrong in failures."""

    def wait_for(self, changes):
        """Until so many more changes have been made."""
        goal = self.total() + changes
        while self.total() < goal:
            if self.failures:
                raise self.failures[0]
            time.sleep(0.02)


class Writers(Counted):
    """Threads that change the rings through write(*actions) until stop(); changes a second, all together: `rate`."""

    def __init__(self, ledger, write, threads=2, rate=None):
        self.ledger, self.write, self.rate = ledger, write, rate and rate / threads
        self.changes = [0] * threads
        self.failures = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number, threads), daemon=True)
                         for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self, number, threads):
        rng = random.Random(f"{self.ledger.seed}/{number}/{len(self.ledger.versions)}/{time.time_ns()}")
        mine = range(number, len(self.ledger.rings), threads)
        begun = time.monotonic()
        try:
            while not self._stop.is_set():
                actions = self.ledger.step(rng, rng.choice(mine))
                self.write(*actions)
                self.changes[number] += len(actions)
                if self.rate:
                    ahead = self.changes[number] / self.rate - (time.monotonic() - begun)
                    if ahead > 0.005:
                        self._stop.wait(ahead)
        except Exception as error:  # told by stop(), on the test's own thread
            self.failures.append(error)

    def total(self):
        return sum(self.changes)

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self.failures:
            raise self.failures[0]
        return self.total()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def dynamodb_writer(dynamodb, table):
    """write() for DynamoDB Local: one transaction each."""
    def write(*actions):
        dynamodb.client.transact_write_items(TransactItems=[
            {"Put": {"TableName": table, "Item": item}} if verb == "put" else
            {"Delete": {"TableName": table, "Key": item}} for verb, item in actions])
    return write


def check(ledger, found, source=None, where="the target"):
    """`found`: every item of the target, a list; `source`: of a last consistent scan. Says what kind of wrong it is."""
    if source is not None:
        check(ledger, source, where="the source itself")
    wrong = []
    by_key = {}
    for item in found:
        key = item["pk"]["S"]
        if key in by_key:
            wrong.append(f"{key} is there twice: versions {by_key[key]['version']['N']} and {item['version']['N']}")
        by_key[key] = item
    for key, item in by_key.items():
        version, newest = int(item["version"]["N"]), ledger.versions.get(key, 0)
        if key not in ledger.items:
            wrong.append(f"{key} was {'resurrected' if newest else 'never written'}: version {version} is there, "
                         f"and it was deleted after version {newest}")
        elif version != newest:
            wrong.append(f"{key} has version {version}, the newest is {newest}: "
                         f"{'a change was lost or came too late' if version < newest else 'nobody wrote that'}")
        elif canonical_item(item) != canonical_item(ledger.items[key]):
            names = [name for name in item.keys() | ledger.items[key].keys()
                     if item.get(name) != ledger.items[key].get(name)]
            wrong.append(f"{key} has the right version {version} and other content in {sorted(names)}")
    for key in ledger.items.keys() - by_key.keys():
        wrong.append(f"{key} was lost: version {ledger.versions[key]} is not there")
    for number, members in enumerate(ledger.rings):
        at, walked = members[0], []
        while at in by_key and len(walked) <= len(members):
            walked.append(at)
            after = by_key[at]["next"]["S"]
            if after in by_key and by_key[after]["prev"]["S"] != at:
                wrong.append(f"ring {number} is broken: {at} points to {after}, which comes after "
                             f"{by_key[after]['prev']['S']}")
            at = after
            if at == members[0]:
                break
        if walked != members:
            wrong.append(f"ring {number} is broken: {len(walked)} nodes of {len(members)} are met on the way round")
    assert not wrong, f"{len(wrong)} faults at {where} (seed {ledger.seed}):\n" + "\n".join(sorted(wrong)[:20])


class Observer:
    """Reads every key's version at the target again and again: after arm() none may go back, ever, nor be there twice.

    `read()` gives (key, version) pairs of one state of the target. Before the replay has passed the end of the load
    keys may step back (design.md, C3), so arm() is called when the tool says that it has caught up. A deleted and
    newly created key goes on counting.
    """

    def __init__(self, read, pause_s=0.05):
        self.read, self.pause_s = read, pause_s
        self.looks = 0
        self.advances = 0  # keys that were seen at a newer version
        self.wrong = []
        self._newest = {}
        self._armed = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def look(self, armed):
        seen = {}
        for key, version in self.read():
            if key in seen:
                self.wrong.append(f"{key} is there twice: versions {seen[key]} and {version}")
            seen[key] = version
        for key, version in seen.items():
            before = self._newest.get(key)
            if before is not None and version < before and armed:
                self.wrong.append(f"{key} went back from version {before} to {version}")
            if before is None or version > before:
                self.advances += before is not None
                self._newest[key] = version
        self.looks += 1

    def _run(self):
        armed = False
        while not self._stop.is_set():
            if self._armed.is_set() and not armed:
                self._newest.clear()  # what was seen before may have been ahead
                armed = True
            try:
                if armed:
                    self.look(armed)
            except Exception as error:  # told by stop()
                self.wrong.append(repr(error))
                return
            self._stop.wait(self.pause_s)

    def arm(self):
        self._armed.set()

    def stop(self):
        self._stop.set()
        self._thread.join()
        assert not self.wrong, "\n".join(self.wrong[:10])
        return self.looks
