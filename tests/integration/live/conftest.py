# Servers and live migrations of these stories. Whatever a story leaves running is ended here.
#
# The source of a story that asks for `server` is of one of SOURCES: the scripted endpoint, or `offramp serve` over one
# of its databases. A plain run alternates: each story has one kind for each of its targets (and other parameters), those
# of CYCLE or of its marker sources(*cycle). OFFRAMP_LIVE_SOURCE forces: scripted, served (both databases), sqlite,
# postgresql, or all. The marker scripted(why) is for stories that need what only the scripted endpoint can do.
import collections
import os
import random

import pytest

import ring
from dynamodb_local import DynamoDbLocal
from live import Live
from served_source import ServedSource
from table_server import TableServer

SOURCES = ("scripted", "sqlite", "postgresql")
CYCLE = ("scripted", "sqlite", "scripted", "postgresql")
FORCED = {"": None, "all": SOURCES, "served": SOURCES[1:], **{kind: (kind,) for kind in SOURCES}}


def pytest_configure(config):
    config.addinivalue_line("markers", "scripted(why): only the scripted endpoint can do it")
    config.addinivalue_line("markers", "sources(*kinds): what a plain run of the story alternates through")


def sources_of(item, variant):
    """The kinds of source that this story is to run with; `variant`: which of its other parameters, by number."""
    if item.get_closest_marker("scripted"):
        return ("scripted",)
    forced = FORCED[os.environ.get("OFFRAMP_LIVE_SOURCE", "")]
    if forced:
        return forced
    marker = item.get_closest_marker("sources")
    if marker:
        return (marker.args[variant % len(marker.args)],)
    # Stories of one module begin at different places of the cycle.
    stories = [name for name in vars(item.module) if name.startswith("test_")]
    return (CYCLE[(stories.index(item.originalname) + variant) % len(CYCLE)],)


def pytest_generate_tests(metafunc):
    if "source_kind" in metafunc.fixturenames:
        metafunc.parametrize("source_kind", SOURCES)


def pytest_collection_modifyitems(config, items):
    variants = collections.defaultdict(dict)  # by story
    left_out = set()
    for item in items:
        if not hasattr(item, "callspec") or "source_kind" not in item.callspec.params:
            continue
        params = {name: str(value) for name, value in item.callspec.params.items()}
        kind = params.pop("source_kind")
        numbers = variants[item.function]
        if kind not in sources_of(item, numbers.setdefault(str(params), len(numbers))):
            left_out.add(item)
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def dynamodb(tmp_path_factory):
    """One DynamoDB Local of this test run; stories make tables in it."""
    server = DynamoDbLocal(tmp_path_factory.mktemp("dynamodb"))
    yield server
    server.stop()


@pytest.fixture
def server(source_kind, tmp_path, request):
    """An endpoint of the story's own."""
    if source_kind == "scripted":
        server = TableServer()
    else:
        cluster = request.getfixturevalue("postgres") if source_kind == "postgresql" else None
        server = ServedSource(source_kind, tmp_path, cluster)
    yield server
    server.remove()


@pytest.fixture
def ledger():
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    return ring.Ledger(int(os.environ.get("OFFRAMP_RING_NODES", "2000")), 20, seed)


@pytest.fixture
def ring_table(server, ledger):
    """The ring at the source, with a stream of several shards."""
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
