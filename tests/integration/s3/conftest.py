import pytest

from s3_server import S3Server


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
    """One S3 server of this test run; stories make buckets in it."""
    server = S3Server(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()
