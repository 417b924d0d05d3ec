"""The ring workload itself: its ledger is what a source holds, and every kind of fault is found."""
import copy
import random
import time

import pytest

import ring


@pytest.fixture
def ledger():
    return ring.Ledger(60, 10, seed=4)


def content(ledger):
    return list(copy.deepcopy(ledger.items).values())


def test_the_ledger_is_what_a_table_holds(ledger, server):
    table = server.tables.create("Ring")
    table.load(content(ledger))
    table.enable_stream()
    with ring.Writers(ledger, table.write, threads=3) as writers:
        writers.wait_for(2000)
    ring.check(ledger, table.contents())
    assert table.changes >= 2000
    assert table.held() == table.changes, "each action is a change, and each change is in the stream once"
    assert any(key not in ledger.items for key in ledger.versions), "deletions are a part of it"
    assert {item["kind"]["S"] for item in ledger.items.values()} == set(ring.KINDS)


def test_the_ledger_is_what_dynamodb_local_holds(ledger, dynamodb):
    table = dynamodb.create("RingSelfTest", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    dynamodb.put_all(table, content(ledger))
    with ring.Writers(ledger, ring.dynamodb_writer(dynamodb, table), threads=3) as writers:
        writers.wait_for(300)
    ring.check(ledger, dynamodb.client.scan(TableName=table, ConsistentRead=True)["Items"])


def test_each_key_counts_its_versions(ledger):
    rng = random.Random(1)
    newest = {key: 1 for key in ledger.items}
    kinds = {"put": 0, "delete": 0}
    for _ in range(3000):
        for verb, item in ledger.step(rng, rng.randrange(len(ledger.rings))):
            kinds[verb] += 1
            if verb == "put":
                key, version = item["pk"]["S"], int(item["version"]["N"])
                assert version == newest[key] + 1
                newest[key] = version
        ring.check(ledger, ledger.items.values()) if rng.random() < 0.02 else None
    assert kinds["delete"] > 100 and kinds["put"] > 5000


FAULTS = {
    "a lost item": (lambda found, old: found.pop(7), "was lost"),
    "an item twice": (lambda found, old: found.append(found[3]), "twice"),
    "an old version": (lambda found, old: found.__setitem__(5, old[found[5]["pk"]["S"]]), "lost or came too late"),
    "a version nobody wrote": (lambda found, old: found[5].update(version={"N": "99999"}), "nobody wrote"),
    "other content": (lambda found, old: found[5].update(payload={"S": "x"}), "other content in ['payload']"),
    "an attribute too much": (lambda found, old: found[5].update(more={"S": "x"}), "other content in ['more']"),
    "a key nobody wrote": (lambda found, old: found.append(dict(found[0], pk={"S": "NODE#9"})), "never written"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(ledger, name):
    old = copy.deepcopy(ledger.items)
    rng = random.Random(2)
    for _ in range(400):
        ledger.step(rng, rng.randrange(len(ledger.rings)))
    ring.check(ledger, content(ledger))
    found = [item for item in content(ledger)]
    found.sort(key=lambda item: item["pk"]["S"] not in old)  # the first ones have an old version
    change, said = FAULTS[name]
    change(found, old)
    with pytest.raises(AssertionError) as caught:
        ring.check(ledger, found)
    assert said in str(caught.value)


def test_a_resurrected_item_is_found(ledger):
    before = copy.deepcopy(ledger.items)
    rng = random.Random(2)
    while not (gone := before.keys() - ledger.items.keys()):
        ledger.step(rng, 0)
    with pytest.raises(AssertionError, match="was resurrected"):
        ring.check(ledger, content(ledger) + [before[gone.pop()]])


def test_a_broken_ring_is_found_whatever_the_ledger_says(ledger):
    found = content(ledger)
    for items in (found, ledger.items.values()):
        by_key = {item["pk"]["S"]: item for item in items}
        by_key[ring.node(3)]["next"] = {"S": ring.node(5)}
    with pytest.raises(AssertionError, match="ring 0 is broken"):
        ring.check(ledger, found)


@pytest.mark.parametrize("states,said", [
    ([[("a", 1)], [("a", 3)], [], [("a", 2)]], "went back from version 3 to 2"),
    ([[("a", 1), ("a", 2)]], "twice"),
])
def test_the_observer_finds_what_goes_back(states, said):
    observer = ring.Observer(lambda: states[min(observer.looks, len(states) - 1)], pause_s=0.001)
    observer.arm()
    while not observer.wrong and observer.looks < 1000:
        time.sleep(0.001)
    with pytest.raises(AssertionError, match=said):
        observer.stop()
