"""`make demo` and the commands of the README do what they say."""
import os
import re
import subprocess

import paths
from tool import environment


def test_the_demo_ends_well(tmp_path):
    # Without any package: a Python that finds nothing but its own library.
    bare = tmp_path / "python3"
    bare.write_text('#!/bin/sh\nexec /usr/bin/python3 -I -S "$@"\n')
    bare.chmod(0o755)
    done = subprocess.run([os.path.join(paths.ROOT, "scripts", "demo"), "3000", str(tmp_path / "demo")],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(OFFRAMP_BUILD=paths.BUILD, PYTHON=str(bare)), timeout=240)
    assert done.returncode == 0, done.stdout
    assert re.search(r"phase: in sync .*lag: \d+\.\d s; changes: [\d,]+ captured", done.stdout), done.stdout
    verdicts = re.findall(r"verify: (.*) items at the source, (.*) at the target", done.stdout)
    assert len(verdicts) == 2 and all(verdict[0].startswith("equal: ") for verdict in verdicts), done.stdout
    assert verdicts[1][0] == "equal: " + verdicts[1][1], "nothing was written any more: " + done.stdout
    puts, deletions = map(int, re.search(r"the table took (\d+) puts and (\d+) deletions", done.stdout).groups())
    assert puts > 500 and deletions > 20, done.stdout
    answers = done.stdout.split("The application's questions, in SQL")[1]
    assert "DELIVERED" in answers and re.search(r"\d", answers), answers


def commands(name):
    """The lines of the ```sh blocks below <!-- tested --> in a page."""
    with open(os.path.join(paths.ROOT, name), encoding="utf-8") as file:
        text = file.read()
    blocks = re.findall(r"<!-- tested -->\n```sh\n(.*?)```", text, re.S)
    return "\n".join(blocks)


def test_the_commands_of_the_readme_work(tmp_path):
    script = commands("README.md")
    assert script.count("offramp ") >= 5
    os.symlink(paths.BUILD, tmp_path / "build")
    done = subprocess.run(["bash", "-eux", "-c", script], cwd=tmp_path, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env=environment(), timeout=120)
    assert done.returncode == 0, done.stdout
