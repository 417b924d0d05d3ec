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
def target(request, tmp_path):
    """The URL of an empty target, once per kind of target."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path}/target.sqlite"
    return request.getfixturevalue("postgres").new_database()
