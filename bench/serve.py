"""`BENCH_ONLY=serve`: the endpoint beside DynamoDB Local on the same machine and the bare SQL statements through libpq.

    GetItem, PutItem, UpdateItem, Query of 10 items; 1, 8, 64 connections; requests/s, p50, p99; signed requests
    serve / DynamoDB Local        bar 10
    serve / bare statements       bar 0.6 (bench_pg_serve_limit: prepared, binary, a connection per thread; at most 16)
    nginx / DynamoDB Local        what bar 10 stands against: a fixed answer of a GetItem's size, for the same load generator
    memory with 64 connections, start-up until it listens

BENCH_SERVE_SECONDS (3) is how long each is measured, BENCH_RUNS how often (the best counts).
"""
import json
import os
import random
import shutil
import tempfile

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from common import RUNS, program
from http_layer import start_nginx
from dynamodb_local import DynamoDbLocal
from serve_process import Serve
from serve_wire import Connection

SECONDS = float(os.environ.get("BENCH_SERVE_SECONDS", "3"))
CONNECTIONS = [1, 8, 64]
STATEMENT_CONNECTIONS_MAX = 16  # more backends only wait for each other
KEY = Credentials("bench", "secret-of-the-benchmark")
REGION = "eu-west-1"
TABLE = "Bench"
PARTITIONS, SORTS = 1000, 10  # a Query reads one partition
PREPARED = 8000               # requests of each kind, made beforehand
WRITTEN_KEYS = 2000           # writes go to so many items, by turns: SQLite does nothing when an item stays as it is
WRITES = ["PutItem", "UpdateItem"]
OPERATIONS = ["GetItem", "PutItem", "UpdateItem", "Query"]


def item(rng, partition, sort):
    return {"pk": {"S": f"customer#{partition:08}"}, "sk": {"S": f"order#{sort:08}"}, "status": {"S": rng.choice(("NEW", "PAID", "SHIPPED"))},
            "total": {"N": str(rng.randrange(100000) / 100)}, "count": {"N": "1"}, "paid": {"BOOL": True}, "note": {"S": "n" * 200},
            "tags": {"SS": ["a", "b", "c"]}, "lines": {"L": [{"M": {"sku": {"S": f"SKU-{at}"}, "qty": {"N": str(at)}}} for at in range(3)]}}


def request(rng, operation, number, table=TABLE):
    place = number % WRITTEN_KEYS if operation in WRITES else rng.randrange(PARTITIONS * SORTS)
    partition, sort = divmod(place, SORTS)
    whole = item(rng, partition, sort)
    key = {"pk": whole["pk"], "sk": whole["sk"]}
    if operation == "GetItem":
        return {"TableName": table, "Key": key}
    if operation == "PutItem":
        return {"TableName": table, "Item": whole}
    if operation == "UpdateItem":
        return {"TableName": table, "Key": key, "UpdateExpression": "SET #c = #c + :one, #s = :s", "ExpressionAttributeNames": {"#c": "count", "#s": "status"},
                "ExpressionAttributeValues": {":one": {"N": "1"}, ":s": {"S": "PAID"}}}
    return {"TableName": table, "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": key["pk"]}}


def signed(port, operation, body):
    """A whole HTTP request, signed as the SDKs sign."""
    url = f"http://127.0.0.1:{port}/"
    prepared = AWSRequest("POST", url, {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{operation}",
                                        "Host": f"127.0.0.1:{port}"}, json.dumps(body).encode())
    SigV4Auth(KEY, "dynamodb", REGION).add_auth(prepared)
    head = "".join(f"{name}: {value}\r\n" for name, value in prepared.headers.items())
    return f"POST / HTTP/1.1\r\n{head}Content-Length: {len(prepared.data)}\r\n\r\n".encode() + prepared.data


def fill(port, table=TABLE, **more):
    rng = random.Random(1)
    connection = Connection(port)

    def call(operation, body):
        connection.send_bytes(signed(port, operation, body))
        answer = connection.receive()
        assert answer.status == 200, answer
    call("CreateTable", {"TableName": table, **more, "BillingMode": "PAY_PER_REQUEST",
                         "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                         "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]})
    entries = [{"PutRequest": {"Item": item(rng, partition, sort)}} for partition in range(PARTITIONS) for sort in range(SORTS)]
    for at in range(0, len(entries), 25):
        call("BatchWriteItem", {"RequestItems": {table: entries[at:at + 25]}})
    connection.close()


class Side:
    """A server under load: `measure` gives the best of the runs."""

    def __init__(self, name, port, folder, filled=True, table=TABLE, operations=tuple(OPERATIONS), **more):
        """`more`: of CreateTable."""
        self.name, self.port, self.files, self.starts = name, port, {}, {}
        if filled:
            fill(port, table, **more)
        rng = random.Random(2)
        for operation in operations:
            self.files[operation] = os.path.join(folder, f"{name}-{operation}")
            with open(self.files[operation], "wb") as out:
                for number in range(PREPARED):
                    whole = signed(port, operation, request(rng, operation, number, table))
                    out.write(b"%08d" % len(whole) + whole)

    def run(self, operation, connections, seconds=SECONDS):
        """Goes on where the last one ended: what is written is not what is there already."""
        start = self.starts.get(operation, 0)
        run = program("bench_serve_load", str(self.port), str(connections), str(seconds), self.files[operation], str(start % PREPARED))
        self.starts[operation] = start + run["requests"] // connections + 1
        return run

    def measure(self, operation, connections):
        return max((self.run(operation, connections) for _ in range(RUNS)), key=rate)


BARE = {"GetItem": "bare_get", "PutItem": "bare_put", "UpdateItem": "bare_update"}


def bare(bench, database, connections):
    """Operations/s of the bare prepared statements by operation, on as many connections; the best of the runs."""
    url = bench.cluster.url(database)
    runs = [program("bench_pg_serve_limit", url, str(connections), str(SECONDS), str(PARTITIONS * SORTS)) for _ in range(RUNS)]
    return {operation: max(run[name] for run in runs) for operation, name in BARE.items()}


def keys_file(folder):
    path = os.path.join(folder, "keys")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
        out.write(f"{KEY.access_key} {KEY.secret_key}\n")
    return path


def measure(bench):
    folder = tempfile.mkdtemp(prefix="offramp-bench-serve-", dir=bench.folder)
    words = ["--keys", keys_file(folder)]
    database = "served"
    url = bench.cluster.new_database(database)
    local = DynamoDbLocal(folder)
    servers, nginx = {}, None
    try:
        nginx, nginx_port = start_nginx(folder, os.cpu_count(), json.dumps(item(random.Random(1), 1, 1)).replace('"', "'"))
        fixed = Side("nginx", nginx_port, folder, filled=False)
        servers["sqlite"] = Serve(f"sqlite:{folder}/bench.sqlite", folder, any_key=False, words=words, region=REGION)
        servers["postgresql"] = Serve(url, folder, any_key=False, words=words, region=REGION)
        sides = {name: Side(name, server.port, folder) for name, server in servers.items()}
        oracle = Side("local", local.server.port, folder)
        for operation in OPERATIONS:  # its compiler needs a while; ours has none
            oracle.measure(operation, 8)
        print(f"\n{'serve':<34} {'requests/s':>14} {'limit':>14}  {'p50 us':>8} {'p99 us':>8} ratio")
        for connections in CONNECTIONS:
            statements = bare(bench, database, min(connections, STATEMENT_CONNECTIONS_MAX))
            nginx_limit(bench, fixed, oracle, connections)
            for operation in OPERATIONS:
                compare(bench, sides, oracle, operation, connections, statements.get(operation))
        for name, server in servers.items():
            memory = server.resident_bytes()
            bench.lines.append({"what": f"serve, memory, {name}", "ours": memory, "unit": "bytes", "bar": None})
            bench.lines.append({"what": f"serve, start-up, {name}", "ours": server.start_seconds, "unit": "s", "bar": None})
            print(f"serve, {name}: {memory / 2**20:.0f} MiB, listened after {server.start_seconds * 1000:.0f} ms", flush=True)
    finally:
        for server in servers.values():
            server.stop()
        if nginx:
            nginx.terminate()
            nginx.wait()
        local.stop()
        shutil.rmtree(folder, ignore_errors=True)


def nginx_limit(bench, fixed, oracle, connections):
    limit, value = fixed.measure("GetItem", connections), rate(oracle.measure("GetItem", connections))
    what = f"fixed answer, {connections}, nginx / Local"
    bench.lines.append({"what": f"serve, {what}", "ours": rate(limit), "limit": value, "ratio": rate(limit) / value, "unit": "requests/s",
                        "bar": None, "p50_us": limit["p50_us"], "p99_us": limit["p99_us"]})
    print(f"{what:<34} {rate(limit):>14,.0f} {value:>14,.0f}  {limit['p50_us']:>8} {limit['p99_us']:>8} {rate(limit) / value:>5.2f}", flush=True)


def compare(bench, sides, oracle, operation, connections, statements):
    limits = [("Local", rate(oracle.measure(operation, connections)), 10.0)]
    for name, side in sides.items():
        ours = side.measure(operation, connections)
        for limit, value, bar in limits + ([("libpq", statements, 0.6)] if statements and name == "postgresql" else []):
            ratio = rate(ours) / value
            what = f"{operation}, {connections}, {name} / {limit}"
            bench.lines.append({"what": f"serve, {what}", "ours": rate(ours), "limit": value, "ratio": ratio, "unit": "requests/s", "bar": bar,
                                "p50_us": ours["p50_us"], "p99_us": ours["p99_us"]})
            mark = "" if ratio >= bar else "   below the bar"
            print(f"{what:<34} {rate(ours):>14,.0f} {value:>14,.0f}  {ours['p50_us']:>8} {ours['p99_us']:>8} {ratio:>5.2f}  (bar {bar}){mark}", flush=True)


def rate(run):
    return run["requests"] / run["seconds"]
