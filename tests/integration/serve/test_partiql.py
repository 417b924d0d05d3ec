"""PartiQL on served tables: as an application uses it with boto3, in the service's exact words, and random statements of
every kind given to DynamoDB Local and to both databases.

OFFRAMP_DIFF_STATEMENTS says how many of those (1,500), OFFRAMP_SEED takes a printed seed back.
"""
import os

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import serve_differential
from dynamodb_local import KEYS, REGION
from serve_deviations import assert_reasoned
from serve_partiql import STATEMENT_DEVIATIONS, StatementWorker
from serve_wire import Connection

COUNT = int(os.environ.get("OFFRAMP_DIFF_STATEMENTS", "1500"))
SEED = int(os.environ.get("OFFRAMP_SEED", "20261121"))


@pytest.fixture
def client(server):
    client = boto3.client("dynamodb", endpoint_url=server.url, region_name=REGION, **KEYS, config=Config(retries={"max_attempts": 1}))
    client.create_table(TableName="Music", BillingMode="PAY_PER_REQUEST",
                        AttributeDefinitions=[{"AttributeName": "Artist", "AttributeType": "S"}, {"AttributeName": "Year", "AttributeType": "N"},
                                              {"AttributeName": "Label", "AttributeType": "S"}],
                        KeySchema=[{"AttributeName": "Artist", "KeyType": "HASH"}, {"AttributeName": "Year", "KeyType": "RANGE"}],
                        GlobalSecondaryIndexes=[{"IndexName": "by-label", "KeySchema": [{"AttributeName": "Label", "KeyType": "HASH"}],
                                                 "Projection": {"ProjectionType": "KEYS_ONLY"}}])
    yield client
    client.delete_table(TableName="Music")


def run(client, statement, *parameters, **more):
    if parameters:
        more["Parameters"] = list(parameters)
    return client.execute_statement(Statement=statement, **more)["Items"]


def refused(call, *arguments, **more):
    with pytest.raises(ClientError) as found:
        call(*arguments, **more)
    return found.value.response["Error"]["Code"], found.value.response["Error"]["Message"]


def test_an_application_with_boto3(client):
    for year in range(1990, 1996):
        run(client, """INSERT INTO "Music" VALUE {'Artist': ?, 'Year': ?, 'Label': 'small', 'Awards': <<'a'>>, 'About': {'Songs': [1, 2]}}""",
            {"S": "Acme"}, {"N": str(year)})
    found = run(client, 'SELECT "Year", About.Songs[1] FROM "Music" WHERE Artist = ? AND "Year" >= 1994 ORDER BY "Year" DESC', {"S": "Acme"})
    assert found == [{"Year": {"N": "1995"}, "Songs[1]": {"N": "2"}}, {"Year": {"N": "1994"}, "Songs[1]": {"N": "2"}}]
    assert [item["Year"]["N"] for item in run(client, "SELECT * FROM Music WHERE Artist IN ['Acme', 'None'] AND \"Year\" BETWEEN 1991 AND 1992")] == ["1991", "1992"]
    assert len(run(client, """SELECT * FROM "Music"."by-label" WHERE Label = 'small'""")) == 6
    changed = run(client, """UPDATE Music SET Awards = set_add(Awards, <<'b', 'c'>>) SET Plays = if_not_exists(Plays, 0) + 1 REMOVE About.Songs[0]
                             WHERE Artist = 'Acme' AND "Year" = 1990 AND attribute_exists(Label) RETURNING ALL NEW *""")
    assert sorted(changed[0]["Awards"]["SS"]) == ["a", "b", "c"] and changed[0]["About"] == {"M": {"Songs": {"L": [{"N": "2"}]}}}
    assert changed[0]["Plays"] == {"N": "1"}
    assert run(client, "DELETE FROM Music WHERE Artist = 'Acme' AND \"Year\" = 1990 RETURNING ALL OLD *") == changed
    assert run(client, "DELETE FROM Music WHERE Artist = 'Acme' AND \"Year\" = 1990") == []
    # What SQL of statements has written is what the other operations read.
    assert client.scan(TableName="Music", Select="COUNT")["Count"] == 5


def test_pages_are_walked_with_tokens(client):
    for number in range(25):
        run(client, "INSERT INTO Music VALUE {'Artist': ?, 'Year': ?}", {"S": f"a{number % 3}"}, {"N": str(number)})
    for statement, count in (("SELECT * FROM Music", 25), ("SELECT * FROM Music WHERE Artist IN ('a2', 'a0')", 17), ("SELECT * FROM Music WHERE Artist = 'a1'", 8)):
        seen, token = [], {}
        while True:
            page = client.execute_statement(Statement=statement, Limit=4, **token)
            assert len(page["Items"]) <= 4
            seen += [(item["Artist"]["S"], int(item["Year"]["N"])) for item in page["Items"]]
            if "NextToken" not in page:
                break
            assert set(page["LastEvaluatedKey"]) == {"Artist", "Year"}
            token = {"NextToken": page["NextToken"]}
        assert len(seen) == len(set(seen)) == count
    assert refused(client.execute_statement, Statement="SELECT * FROM Music ", **(token or {"NextToken": "x"})) == (
        "ValidationException", "NextToken does not match request")


def test_batches_and_transactions_with_boto3(client):
    statements = [{"Statement": "INSERT INTO Music VALUE {'Artist': ?, 'Year': 1}", "Parameters": [{"S": name}]} for name in "abc"]
    assert client.batch_execute_statement(Statements=statements)["Responses"] == [{"TableName": "Music"}] * 3
    again = client.batch_execute_statement(Statements=statements[:1] + [{"Statement": "SLECT"}])["Responses"]
    assert again == [{"TableName": "Music", "Error": {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}},
                     {"Error": {"Code": "ValidationError", "Message": "Statement wasn't well formed, can't be processed: Expected data manipulation"}}]
    read = [{"Statement": "SELECT Artist FROM Music WHERE Artist = ? AND \"Year\" = 1", "Parameters": [{"S": name}]} for name in "az"]
    assert client.batch_execute_statement(Statements=read)["Responses"] == [{"TableName": "Music", "Item": {"Artist": {"S": "a"}}}, {"TableName": "Music"}]
    assert client.execute_transaction(TransactStatements=read)["Responses"] == [{"Item": {"Artist": {"S": "a"}}}, {}]
    writes = [{"Statement": "UPDATE Music SET Plays = 1 WHERE Artist = 'a' AND \"Year\" = 1"},
              {"Statement": "EXISTS(SELECT * FROM Music WHERE Artist = 'b' AND \"Year\" = 1 AND Plays IS MISSING)"}]
    assert client.execute_transaction(TransactStatements=writes)["Responses"] == []
    writes[0]["Statement"] = "UPDATE Music SET Plays = 2 WHERE Artist = 'a' AND \"Year\" = 1"
    writes.append({"Statement": "DELETE FROM Music WHERE Artist = 'c' AND \"Year\" = 1 AND Plays = 9"})
    with pytest.raises(client.exceptions.TransactionCanceledException) as found:
        client.execute_transaction(TransactStatements=writes)
    assert found.value.response["CancellationReasons"] == [
        {"Code": "None"}, {"Code": "None"}, {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}]
    assert run(client, "SELECT Plays FROM Music WHERE Artist = 'a' AND \"Year\" = 1") == [{"Plays": {"N": "1"}}]


REFUSED = {
    "SELECT * FROM Music WHERE Artist = 1": "Key attribute's data type should match its data type in table's schema: Key Artist",
    "SELECT * FROM Music WHERE Artist = 'a' foo": "Statement wasn't well formed, can't be processed: Unexpected token after expression",
    "SELECT * FROM Music m": "Aliasing is not supported",
    "SELECT * FROM \"Music\".\"none\"": "The table does not have the specified index",
    "SELECT Plays FROM \"Music\".\"by-label\"": "One or more parameter values were invalid: Global secondary index by-label does not project [Plays]",
    "SELECT * FROM \"Music\".\"by-label\" WHERE Label = 'x' AND Plays = 1":
        "One or more parameter values were invalid: Secondary index by-label does not project one or more filter attributes: [Plays]",
    "SELECT * FROM Music ORDER BY Artist": "Must have WHERE clause in the statement when using ORDER BY clause.",
    "UPDATE Music SET Plays = 1 WHERE Artist = 'a'": "Where clause does not contain a mandatory equality on all key attributes",
    "UPDATE Music SET Plays = 1 WHERE Artist = 'a' AND \"Year\" > 1": "Where clause does not contain a mandatory equality on all key attributes",
    "UPDATE Music SET Plays = Plays * 2 WHERE Artist = 'a' AND \"Year\" = 1": "Unsupported operator in Update Expression. Operator: *",
    "INSERT INTO Music VALUE {'Artist': 'a'}": "Key attribute should be present in the item: Key Year",
    "INSERT INTO Music VALUE {'Artist': 'a', 'Year': 1e126}":
        "Number overflow. Attempting to store a number with magnitude larger than supported range under root",
    "DELETE FROM Music WHERE Artist = 'a' AND \"Year\" = 1 RETURNING ALL NEW *":
        "Invalid returning clause: RETURNING ALL NEW *. Only RETURNING ALL OLD * is allowed in DELETE statements.",
    "SELECT * FROM Music WHERE EXISTS(Plays)": "Unrecognized function: exists at 1:27:6",
    "EXISTS(SELECT * FROM Music WHERE Artist = 'a')": "EXISTS can only be used in ExecuteTransaction write requests.",
}


def test_refusals_in_the_services_words(client):
    for statement, message in REFUSED.items():
        assert refused(client.execute_statement, Statement=statement) == ("ValidationException", message), statement
    assert refused(client.execute_statement, Statement="SELECT * FROM Nowhere") == ("ResourceNotFoundException", "Requested resource not found")
    assert refused(client.execute_statement, Statement="SELECT * FROM \"Music\".\"by-label\" WHERE Label = 'x'", ConsistentRead=True) == (
        "ValidationException", "Strongly consistent read is not supported on Global Secondary Indexes")
    many = [{"Statement": f"DELETE FROM Music WHERE Artist = 'a{n}' AND \"Year\" = 1"} for n in range(101)]
    assert refused(client.execute_transaction, TransactStatements=many)[1].endswith("Member must have length less than or equal to 100")
    assert refused(client.batch_execute_statement, Statements=many[:26])[1].endswith("Member must have length less than or equal to 25")
    assert refused(client.execute_transaction, TransactStatements=[many[0], {"Statement": "SELECT * FROM Music WHERE Artist = 'a' AND \"Year\" = 1"}])[1] == (
        "ExecuteTransaction API does not support both read and write operations in the same request.")


def test_statements_that_attack(server):
    """Deep, long and odd ones are refused, and the server goes on."""
    connection = Connection(server.port)
    for statement in ("SELECT * FROM t WHERE a = " + "(" * 8000, "INSERT INTO t VALUE {'a': " + "[" * 8000, "SELECT * FROM t WHERE " + "NOT " * 2000 + "a = 1",
                      "SELECT * FROM t WHERE a = 1" + " OR a = 1" * 800, "SELECT a" + ".a" * 4000 + " FROM t", "SELECT " + "a[0]," * 1500 + "a FROM t",
                      "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace"), "'", "\"", "/*", "--", "\u0000", ";", "?" * 8000, "x" * 8192,
                      "UPDATE t SET a = " + "list_append(a, " * 90 + "a" + ")" * 90 + " WHERE b = 1"):
        answer = connection.call("ExecuteStatement", {"Statement": statement})
        assert answer.status == 400 and answer.error in ("ValidationException", "ResourceNotFoundException"), (statement[:80], answer)
    assert connection.call("ExecuteStatement", {"Statement": "x" * 8193}).error == "ValidationException"


def test_both_databases_answer_statements_like_the_oracle(dynamodb, sqlite_server, postgres_server):
    ports = {"oracle": dynamodb.server.port, "sqlite": sqlite_server.port, "postgresql": postgres_server.port}
    serve_differential.assert_alike(SEED, COUNT, StatementWorker(ports, SEED, COUNT).run,
                                    {"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"})
    sqlite_server.assert_alive()
    postgres_server.assert_alive()


def test_every_deviation_of_statements_has_a_reason():
    assert_reasoned(STATEMENT_DEVIATIONS)
