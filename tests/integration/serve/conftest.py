"""Servers that several stories share: DynamoDB Local as the oracle, `offramp serve` over each target."""
import pytest

from dynamodb_local import DynamoDbLocal
from serve_process import Serve


@pytest.fixture(scope="session")
def dynamodb(tmp_path_factory):
    server = DynamoDbLocal(tmp_path_factory.mktemp("oracle"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve-sqlite")
    server = Serve(f"sqlite:{folder}/served.sqlite", folder)
    server.database = f"{folder}/served.sqlite"
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory, postgres):
    folder = tmp_path_factory.mktemp("serve-postgresql")
    url = postgres.new_database()
    server = Serve(url, folder)
    server.database = url.rsplit("/", 1)[1]
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request):
    """A server for any number of tables; at the end of the story it lives and holds few files."""
    found = request.getfixturevalue("sqlite_server" if request.param == "sqlite" else "postgres_server")
    yield found
    found.assert_alive()
