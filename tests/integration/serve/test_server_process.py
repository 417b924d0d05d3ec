"""The command as an operator meets it: start and stop, keys and signatures, TLS, wrong use."""
import datetime
import http.client
import json
import os
import socket
import subprocess

import boto3
import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from serve_process import REGION, Serve
from serve_wire import Connection, head_of
from tool import environment

TABLE = {"TableName": "keyed", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
         "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}]}


def client_of(server, key, secret, region=REGION, **more):
    return boto3.client("dynamodb", endpoint_url=server.url, region_name=region, aws_access_key_id=key, aws_secret_access_key=secret,
                        config=Config(retries={"max_attempts": 0}), **more)


def code_of(call, *words, **more):
    with pytest.raises(ClientError) as caught:
        call(*words, **more)
    return caught.value.response["Error"]["Code"]


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "keys"
    path.write_text("# who may use it\n\nALICE alices-secret\nBOB bobs/secret+=\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def keyed(keys, tmp_path):
    server = Serve("sqlite::memory:", tmp_path, any_key=False, words=["--keys", keys])
    yield server
    server.stop()


def test_signatures_are_checked(keyed):
    for key, secret in (("ALICE", "alices-secret"), ("BOB", "bobs/secret+=")):
        assert client_of(keyed, key, secret).list_tables()["TableNames"] == []
    assert code_of(client_of(keyed, "ALICE", "bobs/secret+=").list_tables) == "InvalidSignatureException"
    assert code_of(client_of(keyed, "CAROL", "alices-secret").list_tables) == "UnrecognizedClientException"
    assert code_of(client_of(keyed, "local", "local").list_tables) == "UnrecognizedClientException"
    connection = keyed.connection()
    unsigned = b"\r\n".join(line for line in head_of("ListTables", 2).split(b"\r\n") if not line.startswith(b"Authorization")) + b"{}"
    connection.send_bytes(unsigned)
    assert connection.receive().error == "MissingAuthenticationTokenException"
    connection.send_bytes(unsigned.replace(b"X-Amz-Date", b"Authorization: AWS4-HMAC-SHA256 nonsense\r\nX-Amz-Date"))
    assert connection.receive().error == "IncompleteSignatureException"
    # The connection that was refused goes on, and nothing of a secret is in the log.
    assert connection.call("ListTables", {}).status == 400
    assert "alices-secret" not in keyed.said and "bobs/secret" not in keyed.said


def test_a_changed_body_and_an_old_signature_are_refused(keyed, monkeypatch):
    client = client_of(keyed, "ALICE", "alices-secret")
    client.meta.events.register("before-send.dynamodb.ListTables", lambda request, **_: setattr(request, "body", b'{"Limit": 2}'))
    client.meta.events.register("before-send.dynamodb.ListTables", lambda request, **_: request.headers.__setitem__("Content-Length", "12"))
    assert code_of(client.list_tables) == "InvalidSignatureException"

    def signed_at(moment):
        """The status and code of a ListTables signed at that moment, by botocore's own signer (boto3 may use another)."""
        class Then(datetime.datetime):
            @classmethod
            def utcnow(cls):
                return moment

        class Clock:
            timedelta, datetime = datetime.timedelta, Then

        monkeypatch.setattr(botocore.auth, "datetime", Clock)
        request = AWSRequest("POST", keyed.url + "/", {"X-Amz-Target": "DynamoDB_20120810.ListTables",
                                                       "Content-Type": "application/x-amz-json-1.0"}, b"{}")
        botocore.auth.SigV4Auth(Credentials("ALICE", "alices-secret"), "dynamodb", REGION).add_auth(request)
        connection = http.client.HTTPConnection("127.0.0.1", keyed.port)
        connection.request("POST", "/", b"{}", dict(request.headers.items()))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()).get("__type", "").rpartition("#")[2]

    now = datetime.datetime.utcnow()
    for minutes, expected in ((0, (200, "")), (-14, (200, "")), (14, (200, "")), (-16, (400, "InvalidSignatureException")),
                              (16, (400, "InvalidSignatureException"))):
        assert signed_at(now + datetime.timedelta(minutes=minutes)) == expected, minutes


def test_keys_that_others_may_read_are_refused(keys, tool):
    keys.chmod(0o644)
    result = tool.run("serve", "sqlite::memory:", "--listen", "127.0.0.1:0", "--keys", keys, code=None, timeout=30)
    assert result.code not in (0, None) and "chmod" in result.said and "alices-secret" not in result.said, repr(result)


@pytest.mark.parametrize("words", [
    ["sqlite::memory:", "--listen", "0.0.0.0:0", "--insecure-any-key"], ["sqlite::memory:", "--listen", "0.0.0.0:0"], ["nonsense:x"], [],
    ["sqlite::memory:", "--listen", "nowhere"], ["sqlite::memory:", "--listen", "127.0.0.1:99999"], ["/no/such/plan.yaml"],
    ["sqlite:/no/such/folder/x.sqlite"], ["postgresql://app@127.0.0.1:1/none"], ["sqlite::memory:", "--keys", "/no/such/file"],
    ["sqlite::memory:", "--tls-certificate", "/no/such/file"], ["sqlite::memory:", "--what"],
])
def test_wrong_use_is_told_at_once(tool, words):
    result = tool.run("serve", *words, code=None, timeout=60)
    assert result.code not in (0, None) and result.code > 0 and result.err.strip() and "listening" not in result.out, repr(result)


def test_a_port_that_is_taken(tool):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = tool.run("serve", "sqlite::memory:", "--listen", f"127.0.0.1:{port}", code=None, timeout=30)
    assert result.code > 0 and str(port) in result.err, repr(result)


def test_tls(tmp_path):
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
    key.chmod(0o600)
    server = Serve("sqlite::memory:", tmp_path, words=["--tls-certificate", certificate, "--tls-key", key])
    try:
        assert server.scheme == "https"
        client = server.client(verify=str(certificate))
        client.create_table(**TABLE)
        item = {"a": {"S": "x"}, "long": {"S": "y" * 100000}}  # more than a record of TLS
        client.put_item(TableName="keyed", Item=item)
        assert client.get_item(TableName="keyed", Key={"a": {"S": "x"}})["Item"] == item
        plain = Connection(server.port, 10)
        with pytest.raises(ConnectionError):
            plain.send_bytes(head_of("ListTables", 2) + b"{}")
            answer = plain.receive()
            if answer.status == 400:  # told so in clear
                raise ConnectionResetError
    finally:
        server.stop()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_is_asked_when_it_stops_is_answered(kind, tmp_path, postgres):
    """SIGTERM: requests in progress are answered, connections end, exit 0; what was acknowledged is there afterwards."""
    target = f"sqlite:{tmp_path}/x.sqlite" if kind == "sqlite" else postgres.new_database()
    server = Serve(target, tmp_path)
    connections = [server.connection() for _ in range(8)]
    assert connections[0].call("CreateTable", TABLE).status == 200
    acknowledged = set()
    for number, connection in enumerate(connections):
        connection.send("PutItem", json.dumps({"TableName": "keyed", "Item": {"a": {"S": str(number)}}}).encode())
    server.process.terminate()
    for number, connection in enumerate(connections):
        try:
            if connection.receive().status == 200:
                acknowledged.add(str(number))
        except ConnectionError:
            pass
    assert server.process.wait(30) == 0, server.said
    server.start()
    found = {item["a"]["S"] for item in server.connection().call("Scan", {"TableName": "keyed"}).json["Items"]}
    server.stop()
    assert acknowledged <= found


def test_an_idle_connection_does_not_hold_it_up(tmp_path):
    server = Serve("sqlite::memory:", tmp_path)
    idle = [server.connection() for _ in range(3)]
    for connection in idle:
        assert connection.call("ListTables", {}).status == 200
    half = socket.create_connection(("127.0.0.1", server.port))
    half.sendall(head_of("ListTables", 100)[:50])
    server.stop()
    half.close()


def test_metrics_and_health(sqlite_server):
    raw = sqlite_server.connection()
    for path, says in (("/healthz", b""), ("/metrics", b"# TYPE"), ("/", b"healthy")):
        raw.send_bytes(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        answer = raw.receive()
        assert answer.status == 200 and says in answer.raw, answer


def test_the_database_is_kept(tmp_path):
    """SQLite in a file: another process has the tables of the one before."""
    target = f"sqlite:{tmp_path}/kept.sqlite"
    server = Serve(target, tmp_path)
    assert server.connection().call("CreateTable", TABLE).status == 200
    described = server.connection().call("DescribeTable", {"TableName": "keyed"}).json["Table"]
    server.kill()
    server.start()
    assert server.connection().call("DescribeTable", {"TableName": "keyed"}).json["Table"] == described
    server.stop()
    assert os.path.exists(f"{tmp_path}/kept.sqlite")


def test_a_lost_database_comes_back(own_postgres, tmp_path):
    """While PostgreSQL is away requests fail as the service's own failures do; once it is back they do not."""
    server = Serve(own_postgres.new_database(), tmp_path)
    try:
        connection = server.connection()
        assert connection.call("CreateTable", TABLE).status == 200
        put = {"TableName": "keyed", "Item": {"a": {"S": "x"}}}
        assert connection.call("PutItem", put).status == 200
        own_postgres.stop("immediate")
        for operation, request in (("PutItem", put), ("GetItem", {"TableName": "keyed", "Key": put["Item"]}), ("Scan", {"TableName": "keyed"})):
            answer = connection.call(operation, request)
            assert answer.status in (500, 503) and answer.error in ("InternalServerError", "ServiceUnavailable"), answer
        own_postgres.start()
        for _ in range(20):  # a connection each may have to find out that it was lost
            if connection.call("GetItem", {"TableName": "keyed", "Key": put["Item"]}).status == 200:
                break
        for operation, request in (("GetItem", {"TableName": "keyed", "Key": put["Item"]}), ("PutItem", put), ("Scan", {"TableName": "keyed"})):
            assert connection.call(operation, request).status == 200
        server.assert_alive()
    finally:
        server.stop()


def test_the_environments_key_is_good(tmp_path):
    server = Serve("sqlite::memory:", tmp_path, any_key=False, env=environment(AWS_ACCESS_KEY_ID="ENV", AWS_SECRET_ACCESS_KEY="env-secret"))
    try:
        assert client_of(server, "ENV", "env-secret").list_tables()["TableNames"] == []
        assert code_of(client_of(server, "ENV", "other").list_tables) == "InvalidSignatureException"
    finally:
        server.stop()
