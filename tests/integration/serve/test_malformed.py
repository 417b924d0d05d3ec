"""Whatever bytes come: an error of the service or a closed connection; the server lives, answers others, and grows no more.

The corpus is the same for both databases; what an answer must be is decided by what the service would do, not by a server.
"""
import json
import random
import os
import socket
import time
import zlib

import pytest

from serve_requests import WRONG
from serve_wire import Connection, head_of

SEED = int(os.environ.get("OFFRAMP_SEED", random.randrange(1 << 32)))
GARBAGE = int(os.environ.get("OFFRAMP_GARBAGE_REQUESTS", "1500"))
GROWTH_BYTES_MAX = 48 << 20
TABLE = "malformed"
KEY = {"pk": {"S": "a"}}
ITEM = {"pk": {"S": "a"}, "n": {"N": "1"}}
# One right request of each operation, to be broken.
REQUESTS = {
    "GetItem": {"TableName": TABLE, "Key": KEY, "ConsistentRead": True, "ProjectionExpression": "#n", "ExpressionAttributeNames": {"#n": "n"},
                "ReturnConsumedCapacity": "TOTAL"},
    "PutItem": {"TableName": TABLE, "Item": ITEM, "ConditionExpression": "n = :n", "ExpressionAttributeValues": {":n": {"N": "1"}},
                "ReturnValues": "ALL_OLD", "ReturnItemCollectionMetrics": "SIZE", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"},
    "UpdateItem": {"TableName": TABLE, "Key": KEY, "UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "1"}}, "ReturnValues": "ALL_NEW"},
    "DeleteItem": {"TableName": TABLE, "Key": KEY, "Expected": {"n": {"Exists": False}}, "ConditionalOperator": "AND"},
    "Query": {"TableName": TABLE, "KeyConditions": {"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}, "Limit": 1, "Select": "COUNT",
              "ScanIndexForward": False, "ExclusiveStartKey": KEY, "QueryFilter": {"n": {"ComparisonOperator": "NULL"}}},
    "Scan": {"TableName": TABLE, "Limit": 1, "Segment": 0, "TotalSegments": 2, "FilterExpression": "n = :n", "ExpressionAttributeValues": {":n": {"N": "1"}}},
    "BatchGetItem": {"RequestItems": {TABLE: {"Keys": [KEY], "AttributesToGet": ["n"]}}},
    "BatchWriteItem": {"RequestItems": {TABLE: [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": {"pk": {"S": "b"}}}}]}},
    "TransactGetItems": {"TransactItems": [{"Get": {"TableName": TABLE, "Key": KEY}}]},
    "TransactWriteItems": {"TransactItems": [{"Put": {"TableName": TABLE, "Item": ITEM}}, {"ConditionCheck": {"TableName": TABLE, "Key": {"pk": {"S": "b"}}, "ConditionExpression": "attribute_not_exists(pk)"}}],
                           "ClientRequestToken": "t"},
    "CreateTable": {"TableName": TABLE, "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]},
    "DescribeTable": {"TableName": TABLE}, "ListTables": {"Limit": 1, "ExclusiveStartTableName": "aaa"}, "DescribeTimeToLive": {"TableName": TABLE},
    "UpdateTable": {"TableName": "none-such", "BillingMode": "PAY_PER_REQUEST"}, "DeleteTable": {"TableName": "none-such"},
    "UpdateTimeToLive": {"TableName": TABLE, "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "t"}},
    "TagResource": {"ResourceArn": "arn:aws:dynamodb:eu-west-1:000000000000:table/none-such", "Tags": [{"Key": "a", "Value": "b"}]},
    "UntagResource": {"ResourceArn": "arn:aws:dynamodb:eu-west-1:000000000000:table/none-such", "TagKeys": ["a"]},
    "ListTagsOfResource": {"ResourceArn": "arn:aws:dynamodb:eu-west-1:000000000000:table/none-such", "NextToken": "t"},
    "UpdateContinuousBackups": {"TableName": TABLE, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False, "RecoveryPeriodInDays": 3}},
    "DescribeExport": {"ExportArn": "arn:aws:dynamodb:eu-west-1:000000000000:table/none-such/export/1"},
    "ListExports": {"TableArn": "arn:aws:dynamodb:eu-west-1:000000000000:table/none-such", "MaxResults": 5, "NextToken": "t"},
    "ExportTableToPointInTime": {"TableArn": "arn:aws:dynamodb:eu-west-1:000000000000:table/none-such", "S3Bucket": "b"},
    "ImportTable": {"S3BucketSource": {"S3Bucket": "b"}, "InputFormat": "ION", "TableCreationParameters": {"TableName": "none-such"}},
    "DescribeContributorInsights": {"TableName": TABLE, "IndexName": "none"},
    "DescribeEndpoints": {}, "DescribeLimits": {},
}


@pytest.fixture
def table(server):
    connection = server.connection()
    connection.call("DeleteTable", {"TableName": TABLE})
    answer = connection.call("CreateTable", REQUESTS["CreateTable"])
    assert answer.status == 200, answer
    assert connection.call("PutItem", {"TableName": TABLE, "Item": ITEM}).status == 200
    yield TABLE
    assert still_answers(server), server.said[-2000:]
    connection.call("DeleteTable", {"TableName": TABLE})
    connection.close()


def still_answers(server):
    server.assert_alive()
    connection = server.connection(10)
    answer = connection.call("ListTables", {})
    connection.close()
    return answer.status == 200


def checked(answer, what):
    """An answer as the service gives them: JSON, with its checksum; a client's mistake is never the server's fault."""
    assert answer.status in (200, 400, 404, 413), f"{what}: {answer}"
    if answer.status in (200, 400):
        said = answer.json
        assert isinstance(said, dict), what
        if answer.status == 400:
            assert "#" in said["__type"] and "InternalServerError" not in said["__type"], f"{what}: {answer}"
    if "x-amz-crc32" in answer.headers:
        assert int(answer.headers["x-amz-crc32"]) == zlib.crc32(answer.raw), what
    return answer


def every_place(at, path=()):
    yield path
    members = at.items() if isinstance(at, dict) else enumerate(at) if isinstance(at, list) else ()
    for name, member in members:
        yield from every_place(member, (*path, name))


def changed(request, path, content):
    if not path:
        return content
    request = json.loads(json.dumps(request))
    at = request
    for name in path[:-1]:
        at = at[name]
    if content is Ellipsis:
        del at[path[-1]]
    else:
        at[path[-1]] = content
    return request


@pytest.mark.parametrize("operation", sorted(REQUESTS))
def test_every_member_of_every_type(server, table, operation):
    """Each member of each request is left out, and given each wrong type; the connection stays open all the while."""
    connection = server.connection()
    request = REQUESTS[operation]
    tried = failed = 0
    for path in every_place(request):
        for content in [Ellipsis, *WRONG] if path else WRONG:
            answer = checked(connection.call(operation, changed(request, path, content)), (operation, path, content))
            tried += 1
            failed += answer.status != 200
    assert tried >= len(WRONG) and failed >= tried * 0.3 - 8
    connection.close()


def deep(levels):
    return '{"TableName":"%s","Item":{"pk":{"S":"a"},"d":%s{"S":"x"}%s}}' % (TABLE, '{"L":[' * levels, "]}" * levels)


BODIES = {
    "empty": b"", "blank": b"   ", "null": b"null", "array": b"[]", "text": b'"x"', "number": b"5", "half": b'{"TableName":"mal',
    "two": b'{"TableName":"malformed"}{"a":1}', "comma": b'{"TableName":"malformed",}', "single quotes": b"{'TableName':'malformed'}",
    "not UTF-8": b'{"TableName":"\xff\xfe"}', "cut UTF-8": b'{"TableName":"\xe2\x82"}', "overlong": b'{"TableName":"\xc0\x80"}',
    "surrogate": b'{"TableName":"\xed\xa0\x80"}', "half surrogate": b'{"TableName":"\\ud800"}', "bad escape": b'{"TableName":"\\x"}',
    "NUL": b'{"TableName":"a\x00b"}', "escaped NUL": b'{"TableName":"a\\u0000b"}', "BOM": b'\xef\xbb\xbf{"TableName":"malformed"}',
    "twice": b'{"TableName":"malformed","TableName":"other"}', "NaN": b'{"Limit":NaN}', "huge number": b'{"Limit":' + b"9" * 400 + b"}",
    "exponent": b'{"Limit":1e400}', "fraction": b'{"Limit":1.5}', "minus zero": b'{"Limit":-0}', "open braces": b"{" * 5000,
    "open arrays": b'{"a":' + b"[" * 100000, "deep": b'{"a":' + b"[" * 20000 + b"]" * 20000 + b"}", "deep maps": b'{"a":' * 20000 + b"1" + b"}" * 20000,
    "deep item": deep(32).encode(), "deeper item": deep(33).encode(), "very deep item": deep(5000).encode(),
    "long name": b'{"TableName":"malformed","Item":{"pk":{"S":"a"},"' + b"n" * 70000 + b'":{"S":"x"}}}',
    "long key": b'{"TableName":"malformed","Item":{"pk":{"S":"' + b"k" * 3000 + b'"}}}',
    "many members": b'{"TableName":"malformed","Item":{"pk":{"S":"a"}' + b"".join(b',"m%d":{"S":""}' % at for at in range(60000)) + b"}}",
    "big item": b'{"TableName":"malformed","Item":{"pk":{"S":"a"},"v":{"S":"' + b"v" * 409600 + b'"}}}',
    "bad base64": b'{"TableName":"malformed","Item":{"pk":{"S":"a"},"b":{"B":"a-_="}}}',
    "base64 unpadded": b'{"TableName":"malformed","Item":{"pk":{"S":"a"},"b":{"B":"YQ"}}}',
    "base64 garbage": b'{"TableName":"malformed","Item":{"pk":{"S":"a"},"b":{"BS":["====","%%%%"]}}}',
    "long expression": b'{"TableName":"malformed","Key":{"pk":{"S":"a"}},"ConditionExpression":"' + b"a = b OR " * 1000 + b'a = c"}',
    "deep expression": b'{"TableName":"malformed","Key":{"pk":{"S":"a"}},"ConditionExpression":"' + b"(" * 4000 + b'"}',
    "NOT NOT": b'{"TableName":"malformed","Key":{"pk":{"S":"a"}},"ConditionExpression":"' + b"NOT " * 1000 + b'a = b"}',
    "not expression": b'{"TableName":"malformed","Key":{"pk":{"S":"a"}},"ConditionExpression":"\\u0000\\uffff\xf0\x9f\x98\x80"}',
}


@pytest.mark.parametrize("what", sorted(BODIES))
def test_bodies_that_are_no_requests(server, table, what):
    for operation in ("PutItem", "DeleteItem", "Query", "BatchWriteItem", "CreateTable", "ListTables"):
        connection = server.connection()
        answer = checked(connection.call(operation, BODIES[what]), (what, operation))
        if operation != "ListTables" and what not in ("twice", "deep item", "many members", "long expression"):
            assert answer.status == 400, f"{operation}: {answer}"
        connection.close()


def test_a_body_beyond_the_limit(server, table):
    """16 MB is the most; what is announced larger is refused before it is read, what is sent larger without announcing too."""
    before = server.resident_bytes()
    connection = server.connection(20)
    connection.send_bytes(head_of("PutItem", 17 << 20))
    answer = connection.receive()
    assert answer.status == 413, answer
    connection.close()
    connection = server.connection(20)
    try:
        connection.send_bytes(head_of("PutItem", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
        for _ in range(17):
            connection.send_bytes(b"100000\r\n" + b"x" * (1 << 20) + b"\r\n")
        assert connection.receive().status == 413
    except OSError:
        pass  # closed while we were writing: as good
    connection.close()
    assert server.resident_bytes() - before < GROWTH_BYTES_MAX


RAW = {
    "garbage": b"\x00\x01\x02\x03\xff\xfe garbage\r\n\r\n", "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), "empty line": b"\r\n\r\n\r\n",
    "no version": b"POST /\r\n\r\n", "HTTP/9.9": b"POST / HTTP/9.9\r\nHost: a\r\n\r\n", "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "no target": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
    "negative length": head_of("ListTables", 0).replace(b"Length: 0", b"Length: -1"), "no number": head_of("ListTables", 0).replace(b"Length: 0", b"Length: many"),
    "huge length": head_of("ListTables", 0).replace(b"Length: 0", b"Length: 99999999999999999999999"),
    "two lengths": head_of("ListTables", 2).replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n{} "),
    "length and chunks": head_of("ListTables", 2).replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n{}"),
    "bad chunk size": head_of("ListTables", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"zz\r\n{}\r\n0\r\n\r\n",
    "huge chunk size": head_of("ListTables", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "chunk without end": head_of("ListTables", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b"2\r\n{}XX0\r\n\r\n",
    "unknown encoding": head_of("ListTables", 0).replace(b"Content-Length: 0", b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "long line": b"POST /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n", "long header": head_of("ListTables", 0)[:-4] + b"\r\nX-A: " + b"a" * 100000 + b"\r\n\r\n",
    "many headers": head_of("ListTables", 0)[:-4] + b"\r\nX-A: a" * 20000 + b"\r\n\r\n", "header without colon": b"POST / HTTP/1.1\r\nHost\r\n\r\n",
    "folded header": b"POST / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "blank before colon": b"POST / HTTP/1.1\r\nHost : a\r\n\r\n", "NUL in header": b"POST / HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
    "bare LF": b"POST / HTTP/1.1\nHost: a\n\n", "PUT": b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "OPTIONS": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT": b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    "lying gzip": head_of("ListTables", 4).replace(b"Content-Length", b"Content-Encoding: gzip\r\nContent-Length") + b"none",
}


@pytest.mark.parametrize("what", sorted(RAW))
def test_bytes_that_are_no_http(server, table, what):
    """An error or a closed connection, soon: nobody waits for more than the bytes promise."""
    connection = server.connection(15)
    try:
        connection.send_bytes(RAW[what])
        if connection.socket:
            connection.socket.shutdown(socket.SHUT_WR)
            answer = connection.receive()
            assert 400 <= answer.status < 600 and answer.status != 500 or what == "OPTIONS" and answer.status == 200, f"{what}: {answer}"
    except (ConnectionError, BrokenPipeError):
        pass
    connection.close()


def test_connections_that_dawdle_and_vanish(server, table):
    """Half requests held open by many connections; others are served at once, and what is closed is given back."""
    files = server.open_files()
    held = []
    whole = head_of("PutItem", 1000)
    for at in range(200):
        sock = socket.create_connection(("127.0.0.1", server.port))
        sock.sendall((whole + b"{")[:1 + at * 2])
        held.append(sock)
    begun = time.monotonic()
    assert still_answers(server)
    assert time.monotonic() - begun < 5
    for at, sock in enumerate(held):
        if at % 2:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        sock.close()
    deadline = time.monotonic() + 20
    while server.open_files() > files + 5 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.open_files() <= files + 5


def test_requests_in_one_piece_and_byte_by_byte(server, table):
    """Pipelined requests are answered in order; a request may come in any pieces."""
    body = json.dumps({"TableName": TABLE, "Key": KEY}).encode()
    request = head_of("GetItem", len(body)) + body
    other = head_of("ListTables", 2) + b"{}"
    connection = server.connection()
    connection.send_bytes((request + other) * 20)
    for _ in range(20):
        assert connection.receive().json["Item"] == ITEM
        assert "TableNames" in connection.receive().json
    for at in range(len(request)):
        connection.send_bytes(request[at:at + 1])
    assert connection.receive().json["Item"] == ITEM
    chunked = request[:request.index(b"Content-Length")] + b"Transfer-Encoding: chunked\r\n\r\n"
    pieces = b"".join(b"%x;x=y\r\n%s\r\n" % (len(body[at:at + 7]), body[at:at + 7]) for at in range(0, len(body), 7))
    connection.send_bytes(chunked + pieces + b"0\r\nTrailer: x\r\n\r\n")
    assert connection.receive().json["Item"] == ITEM
    connection.close()


def test_garbage_for_a_while(server, table):
    """Random bytes, and right requests with random bytes changed; memory stays where it is."""
    rng = random.Random(SEED)
    print(f"seed {SEED}")
    operations = sorted(REQUESTS)

    def some(count):
        for _ in range(count):
            operation = rng.choice(operations)
            if operation in ("UpdateTimeToLive", "CreateTable", "DeleteTable", "UpdateTable"):
                continue
            body = bytearray(json.dumps(REQUESTS[operation]).encode())
            for _ in range(rng.choice((1, 1, 2, 5, 20))):
                if body:
                    at = rng.randrange(len(body))
                    rng.choice([lambda: body.__setitem__(at, rng.randrange(256)), lambda: body.__delitem__(at), lambda: body.insert(at, rng.choice(b'{}[]":,\\0')),
                                lambda: body.__delitem__(slice(at, None))])()
            checked(connection.call(operation, bytes(body)), bytes(body))
            if rng.random() < 0.05:
                raw = server.connection(15)
                try:
                    raw.send_bytes(rng.randbytes(rng.randrange(1, 400)))
                    raw.socket.shutdown(socket.SHUT_WR)
                    raw.receive()
                except (ConnectionError, ValueError, IndexError):
                    pass
                raw.close()

    connection = server.connection()
    some(GARBAGE // 3)
    before = server.resident_bytes()
    some(GARBAGE)
    assert server.resident_bytes() - before < GROWTH_BYTES_MAX / 2
    connection.close()
