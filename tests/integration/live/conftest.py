import pytest

from dynamodb_local import DynamoDbLocal


@pytest.fixture(scope="session")
def dynamodb(tmp_path_factory):
    """One DynamoDB Local of this test run; stories make tables in it."""
    server = DynamoDbLocal(tmp_path_factory.mktemp("dynamodb"))
    yield server
    server.stop()
