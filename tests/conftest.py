# Fixtures that every story may use: the tool in a folder of its own, the generator, the two targets, real data.
#
# A story that needs a server starts it or fails; nothing here skips.
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))

import paths  # noqa: E402
from postgres import Cluster  # noqa: E402
from tool import Tool  # noqa: E402


@pytest.fixture(scope="session")
def data():
    """The real data beside the repository."""
    assert os.path.isdir(paths.DATA), f"{paths.DATA} is missing: the stories read real exports from there"
    return paths.DATA


@pytest.fixture(scope="session")
def postgres():
    """One PostgreSQL server of this test run; stories make databases in it."""
    cluster = Cluster()
    cluster.start()
    yield cluster
    cluster.remove()


@pytest.fixture
def own_postgres():
    """A PostgreSQL server that a story may stop and start."""
    cluster = Cluster()
    cluster.start()
    yield cluster
    cluster.remove()


@pytest.fixture
def tool(tmp_path):
    return Tool(tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_target(request, tmp_path):
    """Makes the URL of another empty target at each call, for each kind of target."""
    made = []

    def make():
        made.append(1)
        if request.param == "sqlite":
            return f"sqlite:{tmp_path}/target{len(made)}.sqlite"
        return request.getfixturevalue("postgres").new_database()

    return make


@pytest.fixture
def target(new_target):
    """The URL of an empty target, for each kind of target."""
    return new_target()
