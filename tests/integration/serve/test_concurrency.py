"""Many clients at once, two processes over one PostgreSQL, one of them killed again and again: totals are exact.

A client that got no answer does not know what happened. Each change therefore carries a marker of its own and a condition
that the marker is new: asked again it is done once, whoever asks. OFFRAMP_SERVE_KILLS (4), OFFRAMP_SERVE_CLIENTS (16),
OFFRAMP_SERVE_CHANGES (100: of each kind, by each client).
"""
import json
import os
import random
import threading

import pytest

from dynamodb_local import table_keys
from serve_process import Serve
from serve_wire import Connection

KILLS = int(os.environ.get("OFFRAMP_SERVE_KILLS", "4"))
CLIENTS = int(os.environ.get("OFFRAMP_SERVE_CLIENTS", "16"))
CHANGES = int(os.environ.get("OFFRAMP_SERVE_CHANGES", "100"))
SEED = int(os.environ.get("OFFRAMP_SEED", random.randrange(1 << 32)))
TABLE = "bank"
COUNTERS, ACCOUNTS, START = 4, 12, 1000
RETRIED = {"InternalServerError", "ServiceUnavailable", "ThrottlingException", "TransactionConflictException", "TransactionInProgressException",
           "ProvisionedThroughputExceededException", "RequestLimitExceeded"}
TRIES_MAX = 3000


def key(kind, name):
    return {"pk": {"S": kind}, "sk": {"S": str(name)}}


class Client:
    """One thread's view: asks one server, and the next one when that is gone."""

    def __init__(self, servers, number):
        self.servers, self.number, self.at, self.connection = servers, number, number % len(servers), None
        self.lost = 0

    def call(self, operation, request):
        """The answer; for a request that may be repeated. Raises after far too many tries."""
        for _ in range(TRIES_MAX):
            try:
                if self.connection is None:
                    self.connection = Connection(self.servers[self.at].port, 60)
                answer = self.connection.call(operation, request)
            except (OSError, ConnectionError):
                self.lost += 1
                self.connection = None
                self.at = (self.at + 1) % len(self.servers)
                threading.Event().wait(0.02)
                continue
            if answer.error in RETRIED:
                continue
            return answer
        raise AssertionError(f"{TRIES_MAX} tries: {operation} {request}")

    def get(self, kind, name):
        answer = self.call("GetItem", {"TableName": TABLE, "Key": key(kind, name), "ConsistentRead": True})
        assert answer.status == 200, answer
        return answer.json.get("Item")

    def count(self, counter, marker):
        """Adds one, on the condition that nobody did since it was read."""
        while True:
            now = self.get("counter", counter)
            if marker in now.get("done", {}).get("SS", []):
                return
            answer = self.call("UpdateItem", {
                "TableName": TABLE, "Key": key("counter", counter), "UpdateExpression": "SET n = :next ADD done :marker",
                "ConditionExpression": "n = :seen AND NOT contains(done, :text)",
                "ExpressionAttributeValues": {":seen": now["n"], ":next": {"N": str(int(now["n"]["N"]) + 1)}, ":marker": {"SS": [marker]}, ":text": {"S": marker}}})
            if answer.status == 200:
                return
            assert answer.error == "ConditionalCheckFailedException", answer

    def transfer(self, source, target, amount, marker):
        """True when the money moved; False when there was too little."""
        def change(account, sign, **more):
            return {"Update": {"TableName": TABLE, "Key": key("account", account), "UpdateExpression": f"SET amount = amount {sign} :n",
                               "ExpressionAttributeValues": {":n": {"N": str(amount)}}, **more}}
        ledger = {"Put": {"TableName": TABLE, "ConditionExpression": "attribute_not_exists(pk)", "Item": {
            **key("ledger", marker), "source": {"N": str(source)}, "target": {"N": str(target)}, "amount": {"N": str(amount)}}}}
        for _ in range(TRIES_MAX):
            answer = self.call("TransactWriteItems", {"ClientRequestToken": marker, "TransactItems": [
                ledger, change(source, "-", ConditionExpression="amount >= :n"), change(target, "+")]})
            if answer.status == 200:
                return True
            assert answer.error == "TransactionCanceledException", answer
            codes = [reason["Code"] for reason in answer.json["CancellationReasons"]]
            if codes[0] == "ConditionalCheckFailed":
                return True  # an earlier try that had no answer
            if codes[1] == "ConditionalCheckFailed":
                return False
            assert "TransactionConflict" in codes, answer
        raise AssertionError("conflicts without end")

    def insert(self, name):
        """True when this client's item is the one under the key."""
        answer = self.call("PutItem", {"TableName": TABLE, "Item": {**key("unique", name), "owner": {"N": str(self.number)}},
                                       "ConditionExpression": "attribute_not_exists(pk)"})
        if answer.status == 200:
            return True
        assert answer.error == "ConditionalCheckFailedException", answer
        return self.get("unique", name)["owner"] == {"N": str(self.number)}


class Story:
    def __init__(self, servers, seed):
        self.servers, self.seed = servers, seed
        self.lock = threading.Lock()  # guards what follows
        self.changes = 0
        self.failures = []
        self.moved, self.refused, self.owners, self.lost = {}, 0, {}, 0
        self.progress = threading.Condition(self.lock)
        self.over = False

    def prepare(self):
        client = Client(self.servers, 0)
        answer = client.call("CreateTable", {
            "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]})
        assert answer.status == 200, answer
        for number in range(COUNTERS):
            assert client.call("PutItem", {"TableName": TABLE, "Item": {**key("counter", number), "n": {"N": "0"}}}).status == 200
        for number in range(ACCOUNTS):
            assert client.call("PutItem", {"TableName": TABLE, "Item": {**key("account", number), "amount": {"N": str(START)}}}).status == 200

    def one_client(self, number):
        rng = random.Random(f"{self.seed}/{number}")
        client = Client(self.servers, number)
        try:
            for change in range(CHANGES):
                marker = f"c{number}-{change}"
                client.count(rng.randrange(COUNTERS), marker)
                source, target = rng.sample(range(ACCOUNTS), 2)
                amount = rng.randint(1, 400)
                moved = client.transfer(source, target, amount, marker)
                name = rng.randrange(CLIENTS * CHANGES // 4)
                won = client.insert(name)
                with self.progress:
                    if moved:
                        self.moved[marker] = (source, target, amount)
                    else:
                        self.refused += 1
                    if won:
                        self.owners.setdefault(str(name), set()).add(number)
                    self.changes += 1
                    self.progress.notify_all()
                if self.failures:
                    return
        except BaseException as problem:
            with self.progress:
                self.failures.append(f"client {number}: {problem!r}")
                self.progress.notify_all()
        with self.lock:
            self.lost += client.lost

    def auditor(self):
        """All the while: a transactional read of all accounts never sees money on its way."""
        client = Client(self.servers, 1)
        try:
            while not self.over:
                answer = client.call("TransactGetItems", {"TransactItems": [
                    {"Get": {"TableName": TABLE, "Key": key("account", number)}} for number in range(ACCOUNTS)]})
                if answer.error == "TransactionCanceledException":
                    assert "TransactionConflict" in str(answer.json["CancellationReasons"]), answer
                    continue
                total = sum(int(found["Item"]["amount"]["N"]) for found in answer.json["Responses"])
                assert total == ACCOUNTS * START, f"a transaction was seen half done: {total}"
        except BaseException as problem:
            with self.progress:
                self.failures.append(f"auditor: {problem!r}")

    def run(self, disturb):
        threads = [threading.Thread(target=self.one_client, args=(number,), daemon=True) for number in range(CLIENTS)]
        auditor = threading.Thread(target=self.auditor, daemon=True)
        for thread in [*threads, auditor]:
            thread.start()
        for kill in range(KILLS):
            due = CLIENTS * CHANGES * (kill + 1) // (KILLS + 1)
            with self.progress:
                self.progress.wait_for(lambda: self.changes >= due or self.failures, 300)
            disturb(kill)
        for thread in threads:
            thread.join(400)
        self.over = True
        auditor.join(60)
        assert not self.failures, self.failures[:3]
        assert not any(thread.is_alive() for thread in [*threads, auditor])

    def check(self):
        client = Client(self.servers, 0)
        counted = [client.get("counter", number) for number in range(COUNTERS)]
        markers = [marker for item in counted for marker in item.get("done", {}).get("SS", [])]
        assert sorted(markers) == sorted(f"c{number}-{change}" for number in range(CLIENTS) for change in range(CHANGES))
        assert [int(item["n"]["N"]) for item in counted] == [len(item.get("done", {}).get("SS", [])) for item in counted]
        ledger = {item["sk"]["S"]: tuple(int(item[name]["N"]) for name in ("source", "target", "amount")) for item in self.all_of(client, "ledger")}
        assert ledger == self.moved
        expected = [START] * ACCOUNTS
        for source, target, amount in ledger.values():
            expected[source] -= amount
            expected[target] += amount
        assert [int(client.get("account", number)["amount"]["N"]) for number in range(ACCOUNTS)] == expected and min(expected) >= 0
        unique = {item["sk"]["S"]: {int(item["owner"]["N"])} for item in self.all_of(client, "unique")}
        assert unique == self.owners
        assert self.moved and self.refused + len(self.moved) == CLIENTS * CHANGES

    @staticmethod
    def all_of(client, kind):
        items, start = [], {}
        while True:
            answer = client.call("Query", {"TableName": TABLE, "KeyConditionExpression": "pk = :k", "ConsistentRead": True, "Limit": 97,
                                           "ExpressionAttributeValues": {":k": {"S": kind}}, **start}).json
            items += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return items
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


@pytest.fixture(params=["sqlite", "postgresql"])
def servers(request, tmp_path):
    """One process over a file, two over one PostgreSQL."""
    if request.param == "sqlite":
        found = [Serve(f"sqlite:{tmp_path}/bank.sqlite", tmp_path)]
    else:
        url = request.getfixturevalue("postgres").new_database()
        found = [Serve(url, tmp_path), Serve(url, tmp_path)]
    yield found
    for server in found:
        if server.alive():
            server.stop()


def test_totals_are_exact_whoever_is_killed(servers):
    print(f"seed {SEED}")
    story = Story(servers, SEED)
    story.prepare()

    def disturb(kill):
        victim = servers[kill % len(servers)]
        victim.assert_alive()
        victim.kill()
        victim.start(victim.port)

    story.run(disturb)
    story.check()
    assert story.lost >= KILLS, "nobody noticed the kills"


def test_a_table_made_by_one_process_is_served_by_the_other(postgres, tmp_path):
    url = postgres.new_database()
    first, second = Serve(url, tmp_path), Serve(url, tmp_path)
    try:
        one, other = first.connection(), second.connection()
        request = {"TableName": "shared", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
                   "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}]}
        for round_ in range(3):
            assert other.call("GetItem", {"TableName": "shared", "Key": {"a": {"S": "x"}}}).error == "ResourceNotFoundException"
            assert one.call("CreateTable", request).status == 200
            assert other.call("CreateTable", request).error == "ResourceInUseException"
            item = {"a": {"S": "x"}, "round": {"N": str(round_)}}
            assert other.call("PutItem", {"TableName": "shared", "Item": item}).status == 200
            assert one.call("GetItem", {"TableName": "shared", "Key": {"a": {"S": "x"}}}).json == {"Item": item}
            assert other.call("DeleteTable", {"TableName": "shared"}).status == 200
            assert one.call("GetItem", {"TableName": "shared", "Key": {"a": {"S": "x"}}}).error == "ResourceNotFoundException"
        # Both at once: one of them makes it.
        outcomes = []
        for connection in (one, other):
            connection.send("CreateTable", json.dumps(request).encode())
        for connection in (one, other):
            outcomes.append(connection.receive().error)
        assert sorted(map(str, outcomes)) == ["None", "ResourceInUseException"]
    finally:
        first.stop()
        second.stop()


def test_a_stopped_server_keeps_what_it_acknowledged(servers):
    server = servers[0]
    connection = server.connection()
    answer = connection.call("CreateTable", {"TableName": "kept", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
                                             "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "N"}]})
    assert answer.status == 200, answer
    for number in range(50):
        assert connection.call("PutItem", {"TableName": "kept", "Item": {"a": {"N": str(number)}}}).status == 200
    server.stop()
    server.start(server.port)
    assert server.connection().call("Scan", {"TableName": "kept", "Select": "COUNT"}).json["Count"] == 50


def test_few_connections_are_shared(postgres, tmp_path):
    """A role that may have 3 connections, and 24 clients whose requests each need one: they wait for each other. So they do
    when all connections were lost and are made anew."""
    database = postgres.new_database().rsplit("/", 1)[1]
    for statement in ("CREATE ROLE thrifty LOGIN PASSWORD 'correct horse' CONNECTION LIMIT 3", f'ALTER DATABASE "{database}" OWNER TO thrifty',
                      "ALTER SCHEMA public OWNER TO thrifty"):
        postgres.sql(statement, database)
    server = Serve(postgres.url(database).replace("app@", "thrifty@"), tmp_path)
    refused = []

    def client(number):
        connection = Connection(server.port)
        for at in range(10):
            for operation, request in (
                    ("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": TABLE, "Item": {**key("many", f"{number}-{at}-{n}")}}} for n in (1, 2)]}),
                    ("GetItem", {"TableName": TABLE, "Key": key("one", number % 3)}),
                    ("Query", {"TableName": TABLE, "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "many"}}}),
                    ("UpdateItem", {"TableName": TABLE, "Key": key("one", number % 3), "UpdateExpression": "ADD c :one",
                                    "ExpressionAttributeValues": {":one": {"N": "1"}}})):
                answer = connection.call(operation, request)
                if answer.status != 200:
                    refused.append((operation, answer))

    def all_clients(numbers):
        threads = [threading.Thread(target=client, args=(number,)) for number in numbers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not refused

    try:
        server.client().create_table(TableName=TABLE, BillingMode="PAY_PER_REQUEST", **table_keys(("pk", "S"), ("sk", "S")))
        all_clients(range(24))
        assert int(postgres.sql("SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE usename = 'thrifty'", database)[0][0]) == 3
        all_clients(range(24, 48))
        assert server.client().describe_table(TableName=TABLE)["Table"]["TableStatus"] == "ACTIVE"
        whole = server.client().query(TableName=TABLE, Select="COUNT", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "many"}})
        assert whole["Count"] == 48 * 10 * 2
    finally:
        server.stop()
