# Servers and live migrations of these stories. Whatever a story leaves running is ended here.
import os
import random

import pytest

import ring
from dynamodb_local import DynamoDbLocal
from live import Live
from table_server import TableServer


@pytest.fixture(scope="session")
def dynamodb(tmp_path_factory):
    """One DynamoDB Local of this test run; stories make tables in it."""
    server = DynamoDbLocal(tmp_path_factory.mktemp("dynamodb"))
    yield server
    server.stop()


@pytest.fixture
def server():
    """A scripted endpoint of the story's own."""
    server = TableServer()
    yield server
    server.stop()


@pytest.fixture
def ledger():
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    return ring.Ledger(int(os.environ.get("OFFRAMP_RING_NODES", "2000")), 20, seed)


@pytest.fixture
def ring_table(server, ledger):
    """The ring at the scripted endpoint, with a stream of two shards."""
    table = server.tables.create("Ring")
    table.load(list(ledger.items.values()))
    table.enable_stream(shards=2)
    return table


@pytest.fixture
def make_live(tool, request):
    made = []

    def make(source, target, **more):
        if target.startswith("postgresql:"):
            more.setdefault("postgres", request.getfixturevalue("postgres"))
        made.append(Live(tool, source, target, **more))
        return made[-1]

    yield make
    for live in made:
        live.stop()


@pytest.fixture
def live(make_live, server, ring_table, target):
    """The ring to each kind of target."""
    return make_live(server.source("Ring"), target)


@pytest.fixture
def sqlite_live(make_live, server, ring_table, tmp_path):
    """The ring to SQLite: for stories that are about the source or the process."""
    return make_live(server.source("Ring"), f"sqlite:{tmp_path}/target.sqlite")
