"""What `run --metrics` serves while a table moves, and that the dashboard, the alerts and the unit stand on it."""
import configparser
import json
import math
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest
import yaml

import paths
import ring

EXAMPLES = os.path.join(paths.ROOT, "examples")


def listening(live):
    """Where the process of this moment serves, as it said itself."""
    found = []

    def said():
        found[:] = re.findall(r"metrics: (http://\S+)/metrics", live.background.said())
        return found

    live.await_("address of the metrics", said)
    return found[0]


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def scrape(base):
    """{name with labels: value}"""
    status, text = get(base + "/metrics")
    assert status == 200
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def value(base, name, **labels):
    shown = ",".join(f'{key}="{text}"' for key, text in {"table": "Ring", **labels}.items())
    return scrape(base)[f"{name}{{{shown}}}"]


@pytest.mark.scripted("a throttled source, and two shards")
def test_values_move_while_changes_flow(live, server, ring_table, ledger):
    live.start("--metrics", "127.0.0.1:0")
    base = listening(live)
    live.await_in_sync()
    assert value(base, "offramp_items_loaded_total") == len(ledger.items)
    assert value(base, "offramp_source_records_read_total") == len(ledger.items)
    assert value(base, "offramp_phase", phase="in sync") == 1
    assert value(base, "offramp_phase", phase="loading") == 0
    assert math.isnan(value(base, "offramp_verify_equal"))
    server.trouble = lambda operation, number: "throttle" if operation == "GetRecords" and number % 20 == 0 else None
    with ring.Writers(ledger, ring_table.write, rate=500) as writers:
        writers.wait_for(1000)
    live.await_equal(ledger, ring_table.contents())
    server.trouble = lambda operation, number: None
    live.await_("all changes counted", lambda: value(base, "offramp_changes_applied_total")
                == value(base, "offramp_changes_captured_total") >= 1000)
    live.await_("lag below two seconds", lambda: value(base, "offramp_lag_seconds") < 2)
    values = scrape(base)
    of_table = {name.removesuffix('{table="Ring"}'): number for name, number in values.items()}
    assert of_table["offramp_captured_bytes_total"] > 0
    assert of_table["offramp_shards"] == of_table["offramp_shards_open"] == 2
    assert of_table["offramp_source_throttles_total"] > 0
    assert of_table["offramp_source_retries_total"] >= of_table["offramp_source_throttles_total"]
    assert abs(of_table["offramp_applied_until_timestamp_seconds"] - time.time()) < 10
    assert 3600 < of_table["offramp_unread_expiry_seconds"] <= 24 * 3600
    assert get(base + "/healthz") == (200, "ok\n")
    live.tool.run("verify", live.tool.plan_path)
    live.await_("verdict", lambda: value(base, "offramp_verify_equal") == 1)
    assert value(base, "offramp_verify_differences", kind="missing") == 0
    assert abs(value(base, "offramp_verify_timestamp_seconds") - time.time()) < 60
    assert "payload" not in get(base + "/metrics")[1]  # names of the plan only, nothing of the items
    live.background.terminate()


def test_a_target_that_is_away_shows(make_live, server, ring_table, ledger, own_postgres):
    live = make_live(server.source("Ring"), own_postgres.new_database(), postgres=own_postgres)
    live.start("--metrics", "127.0.0.1:0")
    base = listening(live)
    live.await_in_sync()
    assert value(base, "offramp_waiting", side="target") == 0
    own_postgres.stop("immediate")
    with ring.Writers(ledger, ring_table.write, rate=200) as writers:
        live.await_("word of the target", lambda: value(base, "offramp_waiting", side="target") == 1)
        stalled = value(base, "offramp_changes_applied_total")
        live.await_("growing lag", lambda: value(base, "offramp_lag_seconds") > 3)
        assert value(base, "offramp_changes_applied_total") == stalled
    # Within the minute that is allowed for; that it turns 503 after it is a unit test with a clock of its own.
    assert get(base + "/healthz") == (200, "ok\n")
    own_postgres.start()
    live.await_equal(ledger, ring_table.contents())
    live.await_("lag below two seconds", lambda: value(base, "offramp_lag_seconds") < 2)
    assert value(base, "offramp_waiting", side="target") == 0
    assert value(base, "offramp_target_retries_total") > 0
    live.background.terminate()


@pytest.mark.scripted("requests are counted")
@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:70000", "192.0.2.1:9464"])
def test_a_bad_address_is_refused_before_anything_is_touched(sqlite_live, server, address):
    refused = sqlite_live.run("--metrics", address, code=2)
    assert address in refused.err, repr(refused)
    assert not os.path.exists(sqlite_live.tool.plan_path + ".offramp")
    assert not server.calls


@pytest.mark.scripted("requests are counted")
def test_a_busy_port_is_refused_before_anything_is_touched(sqlite_live, server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = sqlite_live.run("--metrics", port, code=2)
    assert f"127.0.0.1:{port}" in refused.err, repr(refused)
    assert not os.path.exists(sqlite_live.tool.plan_path + ".offramp")
    assert not server.calls


@pytest.fixture
def served_names(make_live, tmp_path):
    """The names of all metrics in a scrape."""
    from table_server import TableServer
    server = TableServer()
    table = server.tables.create("Ring")
    table.enable_stream(shards=1)
    live = make_live(server.source("Ring"), f"sqlite:{tmp_path}/names.sqlite")
    live.start("--metrics", "127.0.0.1:0")
    base = listening(live)
    live.await_in_sync()
    names = {name.split("{")[0] for name in scrape(base)}
    live.background.terminate()
    server.stop()
    return names


def names_in(text):
    return set(re.findall(r"\bofframp_[a-z_]+", text))


def test_dashboard_and_alerts_use_what_is_served(served_names):
    with open(os.path.join(EXAMPLES, "grafana-dashboard.json"), encoding="utf-8") as file:
        dashboard = json.load(file)
    assert dashboard["title"] and dashboard["schemaVersion"] >= 30
    assert any(variable["type"] == "datasource" for variable in dashboard["templating"]["list"])
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    used = set()
    for panel in panels:
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        for target in panel["targets"]:
            names = names_in(target["expr"])
            assert names and names <= served_names, (panel["title"], names - served_names)
            used |= names
    assert served_names - used == set(), "metrics without a panel"
    with open(os.path.join(EXAMPLES, "prometheus-alerts.yml"), encoding="utf-8") as file:
        rules = [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]
    assert {"OfframpLag", "OfframpRecordsExpire", "OfframpDeadLetters", "OfframpNoProgress"} <= {r["alert"] for r in rules}
    for rule in rules:
        names = names_in(rule["expr"])
        assert names <= served_names, (rule["alert"], names - served_names)
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"] and rule["annotations"]["description"]


def test_the_unit_is_one(tmp_path):
    path = os.path.join(EXAMPLES, "offramp@.service")
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(path)
    service = unit["Service"]
    words = service["ExecStart"].split()
    assert words[0].endswith("/offramp") and words[1] == "run" and "--metrics" in words
    # 2: nothing was touched, 3 with a gap: a repeat cannot help. 1 and 4 need a person too.
    assert service["Restart"] == "on-failure"
    assert set(service["RestartPreventExitStatus"].split()) >= {"1", "2", "4"}
    assert unit["Unit"]["StartLimitBurst"]
    if os.path.exists("/usr/bin/systemd-analyze"):
        with open(path, encoding="utf-8") as file:
            text = file.read().replace(words[0], "/bin/true")
        copy = tmp_path / "offramp@.service"
        copy.write_text(text)
        said = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True)
        assert "offramp@" not in said.stderr, said.stderr


def test_every_command_of_the_page_exists(tool):
    with open(os.path.join(paths.ROOT, "docs/operating/live.md"), encoding="utf-8") as page:
        text = page.read()
    commands = {command for command in re.findall(r"(?:^    |`)(offramp [a-z][^`\n]*)", text, re.M)}
    assert len(commands) > 10
    helps = {}
    for command in commands:
        words = command.split()[1:]
        where = words[:1]
        if where == ["letters"] and len(words) > 2:
            where = ["letters", "plan.yaml", words[2]]
        if tuple(where) not in helps:
            helps[tuple(where)] = tool.run(*where, "--help").out
        for flag in (word for word in words if word.startswith("-")):
            assert re.search(rf"(^|[\s,]){flag}\b", helps[tuple(where)]), (command, flag)
