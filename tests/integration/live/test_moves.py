"""Several tables in one plan, side by side into one database: equal at the end, whatever happens to one of them."""
import json
import random
import threading
import time

import pytest

import ring
from moves import Moves

NAMES = ["Orders", "Customers", "Stock"]


@pytest.fixture
def make_moves(tool, server, request):
    made = []

    def make(target, names=NAMES, **more):
        postgres = request.getfixturevalue("postgres") if target.startswith("postgresql:") else None
        made.append(Moves(tool, server, target, names, postgres=postgres, **more))
        return made[-1]

    yield make
    for moves in made:
        moves.stop()


@pytest.fixture
def moves(make_moves, target):
    return make_moves(target)


@pytest.fixture
def sqlite_moves(make_moves, tmp_path):
    return make_moves(f"sqlite:{tmp_path}/target.sqlite")


def json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_three_tables_move_while_they_are_written(moves):
    with moves.writers() as writers:
        moves.start()
        moves.await_in_sync()
        writers.wait_for(1000)
    moves.equal()
    status = moves.status()
    assert [line["plan"] for line in status] == [move.plan for move in moves]
    assert all(line["phase"] == "in sync" and line["running"] for line in status), status
    verified = moves.tool.run("verify", moves.tool.plan_path, "--json")
    assert [json.loads(line)["equal"] for line in verified.out.splitlines()] == [True] * 3
    moves.background.terminate()
    said = moves.background.said()
    for move in moves:
        assert f'"table":"{move.name}","step":"load","state":"done"' in said, said[-3000:]
        assert f"\n{move.name}\n" in said, said[-3000:]


def test_until_verified_ends_all_and_says_a_line_each(moves):
    with moves.writers(rate=100):
        done = moves.run("--until", "verified", "--json")
    lines = json_lines(done.out)
    assert [line["table"] for line in lines] == NAMES
    assert all(line["verified"]["equal"] and line["letters_open"] == 0 for line in lines), lines
    # Nothing is open any more: the same again only follows.
    moves.run("--until", "caught-up")
    moves.equal()


@pytest.mark.scripted("requests are watched")
def test_every_table_is_captured_before_the_first_is_loaded(make_moves, server, tmp_path):
    """One is slow to be captured: no Scan before it stands. With SQLite one loads after the other, all captured."""
    moves = make_moves(f"sqlite:{tmp_path}/target.sqlite")
    slow = moves["Stock"].table.stream.arn
    scanned, seen = [], []
    call = server.tables.call

    def watched(operation, request):
        if operation == "Scan":
            scanned.append(request["TableName"])
        if operation == "GetShardIterator" or operation == "DescribeStream":
            if request["StreamArn"] == slow and not seen:
                seen.append(list(scanned))
                time.sleep(2)
                seen.append(list(scanned))
        return call(operation, request)

    server.tables.call = watched
    moves.start("--until", "caught-up")
    moves.background.expect(0)
    assert seen == [[], []], "a table was scanned before all of them were captured"
    # One after the other: no table is scanned again after the next one has begun.
    turns = [name for at, name in enumerate(scanned) if at == 0 or scanned[at - 1] != name]
    assert sorted(turns) == sorted(NAMES), scanned
    moves.equal()


def test_C6_a_gap_of_one_does_not_stop_the_others(sqlite_moves):
    moves = sqlite_moves
    moves.run("--until", "caught-up")
    broken = moves["Customers"]
    rng = random.Random(1)
    broken.table.disable_stream()
    for _ in range(50):
        broken.write(*broken.ledger.step(rng, rng.randrange(len(broken.ledger.rings))))
    broken.table.enable_stream()
    others = [moves["Orders"], moves["Stock"]]
    moves.start()
    broken.await_("the gap", lambda: "--repair-gap" in moves.background.said())
    assert "Customers: " in moves.background.said() or '"table":"Customers","note":"error: ' in moves.background.said()
    for move in others:
        move.await_in_sync()
    with ring.Writers(others[0].ledger, others[0].write, threads=1, rate=300):
        time.sleep(1)
    for move in others:
        move.equal()
    status = {line["plan"].rsplit("::", 1)[1]: line for line in moves.status()}
    assert status["Customers"]["phase"] == "gap" and status["Customers"]["running"] is False, status["Customers"]
    assert status["Orders"]["running"] and status["Stock"]["running"]
    # It is repaired by itself, while the others go on.
    moves.tool.run("run", broken.plan, "--repair-gap", "--until", "verified")
    ring.check(broken.ledger, broken.reader.items(), broken.table.contents())
    assert moves.background.running()
    moves.background.terminate(codes=(3,))
    assert "error: Customers: " in moves.background.said()
    moves.run("--until", "verified")


def test_C9_kill_and_go_on(moves):
    with moves.writers(rate=200):
        for round in range(4):
            moves.start()
            time.sleep(random.uniform(0.2, 2.5))
            assert moves.background.running(), moves.background.said()[-3000:]
            moves.background.kill()
        moves.start()
        moves.await_in_sync()
    moves.equal()
    moves.background.terminate()
    moves.run("--until", "verified")


def test_C9_sigterm_while_some_wait_for_their_turn(make_moves, target):
    moves = make_moves(target, limits="{items_per_hour: 360000}")  # 1800 items in 18 s
    with moves.writers(rate=100):
        for _ in range(2):
            moves.start("--loads", "1")
            moves["Orders"].await_("items", lambda: moves["Orders"].status()["records"] > 0)
            moves.background.terminate()
    moves.limits = None
    moves.write_plan()
    moves.run("--until", "verified")
    moves.equal()


@pytest.mark.scripted("what each page costs is counted")
def test_all_loads_share_one_read_budget(make_moves, server, postgres):
    units, limit = [], 60
    scan = server.tables._Scan
    lock = threading.Lock()

    def counted(request):
        out = scan(request)
        with lock:
            units.append((time.monotonic(), request["TableName"], out["ConsumedCapacity"]["CapacityUnits"]))
        return out

    server.tables._Scan = counted
    moves = make_moves(postgres.new_database(), limits=f"{{read_units_per_second: {limit}}}", nodes=3000)
    moves.run("--until", "loaded", "--loads", "3")
    spent, took = sum(cost for _, _, cost in units), units[-1][0] - units[0][0]
    print(f"{spent:.0f} units in {took:.1f} s: {spent / took:.0f} a second, limit {limit}")
    assert spent > 3 * limit, f"{spent} units prove nothing"
    # A page in flight per loader and a second of unused budget may come on top.
    assert spent <= limit * (took + 3), (spent, took)
    halves = [{name for at, name, _ in units if (at - units[0][0] < took / 2) == first} for first in (True, False)]
    assert all(len(names) >= 2 for names in halves), "they were not loaded side by side"


def test_a_move_is_added_later(moves):
    moves.start()
    moves.await_in_sync()
    late = moves.add("Returns")
    moves.write_plan()
    # Those that run are not disturbed; the new one may run beside them.
    assert moves.tool.run("status", late.plan, "--json").json()["phase"] == "not started"
    moves.tool.run("run", late.plan, "--until", "verified")
    ring.check(late.ledger, late.reader.items(), late.table.contents())
    assert moves.background.running()
    moves.background.terminate()
    with moves.writers():
        moves.start()
        moves.await_in_sync()
    moves.equal()
    moves.background.terminate()


def test_commands_that_need_one_move_say_their_names(sqlite_moves):
    moves = sqlite_moves
    plan = moves.tool.plan_path
    moves.run("--until", "verified")
    for words in (["dump", plan], ["letters", plan, "retry"], ["letters", plan, "show", "1"],
                  ["letters", plan, "waive", "--all", "--because", "x"]):
        refused = moves.tool.run(*words, code=2)
        assert all(move.plan in refused.err for move in moves), refused.err
    refused = moves.tool.run("status", plan + "::Order", code=2)
    assert "did you mean 'Orders'" in refused.err, refused.err
    assert moves.tool.run("letters", plan, "list", "--json").out == ""
    listed = moves.tool.run("letters", plan, "list").out
    assert [line for line in listed.splitlines() if "::" in line] == [move.plan for move in moves]
    moves.tool.run("verify", moves["Stock"].plan)
    dumped = moves.tool.run("dump", moves["Stock"].plan).out.splitlines()
    ring.check(moves["Stock"].ledger, [json.loads(line)["Item"] for line in dumped])


def test_names_that_would_collide_at_the_target(sqlite_moves):
    moves = sqlite_moves
    text = open(moves.tool.plan_path).read()
    same = text.replace("into: stock_nodes", "into: orders_nodes")
    index = text.replace("    into: orders_nodes\n", "    into: orders_nodes\n        indexes: [{columns: [version], name: mine}]\n")
    index = index.replace("    into: stock_nodes\n", "    into: stock_nodes\n        indexes: [{columns: [version], name: Mine}]\n")
    for changed, said in ((same, "is already made by the move at line"), (index, "both make an index 'Mine'")):
        with open(moves.tool.plan_path, "w") as file:
            file.write(changed)
        refused = moves.run(code=2)
        assert said in refused.err, refused.err
