"""What the benchmarks' files share."""
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SUPPORT = os.path.join(ROOT, "tests", "support")
sys.path.insert(0, SUPPORT)

import paths  # noqa: E402
from tool import environment  # noqa: E402

RUNS = int(os.environ.get("BENCH_RUNS", "3"))
CONNECTIONS = 2
TICKS = os.sysconf("SC_CLK_TCK")


def program(name, *words):
    done = subprocess.run([os.path.join(paths.BUILD, "bench", name), *words], env=environment(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{name} failed: {done.stderr}")
    return json.loads(done.stdout)


def _stat(pid):
    """(parent, CPU seconds of the process, of its children that have ended); None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    own, ended = (sum(map(int, fields[at:at + 2])) / TICKS for at in (11, 13))
    return int(fields[1]), own, ended


def cpu_seconds(pid):
    """Of a process and its children, also those that have ended."""
    found = _stat(pid)
    if found is None:
        return 0.0
    children = [stat for stat in (_stat(name) for name in os.listdir("/proc") if name.isdigit())
                if stat and stat[0] == pid]
    return found[1] + found[2] + sum(own for _, own, _ in children)
