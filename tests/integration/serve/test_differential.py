"""Random requests of every operation, each given to DynamoDB Local and to serve on both databases: the same answers.

OFFRAMP_DIFF_REQUESTS says how many (20,000), OFFRAMP_SEED takes a printed seed back, OFFRAMP_DIFF_WORKERS (2) is how many
processes ask. A difference is printed as its shortest reproduction; what the oracle is known to say wrong is listed, with
reasons, in tests/support/serve_deviations.py.
"""
import os

import serve_compare
import serve_differential
from serve_compare import Outcome, difference
from serve_deviations import DEVIATIONS, assert_reasoned
from serve_wire import Answer

COUNT = int(os.environ.get("OFFRAMP_DIFF_REQUESTS", "20000"))
# One seed unless told, so that a change is judged by what it did; `make differential` asks anew each time.
SEED = int(os.environ.get("OFFRAMP_SEED", "20261121"))
WORKERS = int(os.environ.get("OFFRAMP_DIFF_WORKERS", "2"))
OPERATIONS = {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem",
              "TransactGetItems", "TransactWriteItems", "CreateTable"}


def test_both_databases_answer_like_the_oracle(dynamodb, sqlite_server, postgres_server):
    ports = {"oracle": dynamodb.server.port, "sqlite": sqlite_server.port, "postgresql": postgres_server.port}
    serve_differential.assert_alike(SEED, COUNT, lambda: serve_differential.compare(ports, SEED, COUNT, WORKERS), OPERATIONS)
    sqlite_server.assert_alive()
    postgres_server.assert_alive()


def answer(status, text):
    return serve_compare.of_answer("GetItem", Answer(status, {}, text.encode()))


def test_the_comparison_can_fail():
    """What is equal to DynamoDB is equal, what is not is not."""
    item = '{"Item":{"a":{"SS":["x","y"]},"b":{"M":{"SS":{"L":[{"N":"1"}]}}}}}'
    assert difference("GetItem", answer(200, item), answer(200, item.replace('"x","y"', '"y","x"'))) is None
    for old, new in (('"x"', '"z"'), ('"N":"1"', '"N":"1.0"'), ('"Item"', '"Attributes"'), ('"L"', '"SS"')):
        assert difference("GetItem", answer(200, item), answer(200, item.replace(old, new))) == "content"
    error = '{"__type":"a#ValidationException","message":"m"}'
    assert difference("GetItem", answer(400, error), answer(400, error.replace("a#", "b#").replace("message", "Message"))) is None
    assert difference("GetItem", answer(400, error), answer(400, error.replace('"m"', '"n"'))) == "message"
    assert difference("GetItem", answer(400, error), answer(400, error.replace("Validation", "Other"))) == "type"
    assert difference("GetItem", answer(400, error), answer(200, "{}")) == "success"
    cancelled = error[:-1] + ',"CancellationReasons":[{"Code":"None"},{"Code":"X"}]}'
    assert difference("GetItem", answer(400, cancelled), answer(400, cancelled.replace('"X"', '"Y"'))) == "content"
    ordered = [Outcome(None, None, {"Items": ["1", "2"]}, ["1", "2"]), Outcome(None, None, {"Items": ["1", "2"]}, ["2", "1"])]
    assert difference("Query", *ordered) == "order"


def test_every_deviation_has_a_reason():
    assert_reasoned(DEVIATIONS)
