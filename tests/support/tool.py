"""The tool as its users run it: the binary, its exit code, its two outputs."""
import json
import os
import subprocess

import paths
from items import Contents
from postgres import PASSWORD


class Result:
    def __init__(self, command, done):
        self.command = command
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def said(self):
        return self.out + self.err

    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"{' '.join(self.command)}\nexit {self.code}\n--- out\n{self.out[-4000:]}\n--- err\n{self.err[-4000:]}"


def environment(**more):
    # Nothing of the machine's own AWS set-up may leak into a story.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PG"))}
    kept.update(PGPASSWORD=PASSWORD, AWS_EC2_METADATA_DISABLED="true", LC_ALL="C.UTF-8", **more)
    return {name: value for name, value in kept.items() if value is not None}


class Tool:
    """Runs the binary in `folder`; the plan is folder/plan.yaml."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.plan_path = os.path.join(self.folder, "plan.yaml")

    def run(self, *words, code=0, timeout=600, env=None, **options):
        command = [paths.OFFRAMP, *map(str, words)]
        assert os.path.exists(paths.OFFRAMP), f"{paths.OFFRAMP} is not built: run make"
        done = subprocess.run(command, cwd=self.folder, env=env or environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout,
                              encoding="utf-8", errors="replace", **options)
        result = Result(command, done)
        assert code is None or result.code == code, f"expected exit {code}\n{result!r}"
        return result

    def start(self, *words, env=None):
        """The tool in the background, its outputs in files."""
        log = open(os.path.join(self.folder, "background.log"), "ab")
        try:
            return subprocess.Popen([paths.OFFRAMP, *map(str, words)], cwd=self.folder, env=env or environment(),
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        finally:
            log.close()

    def plan(self, source, target, keys, *words, **options):
        """`keys`: the key attributes; the files of an export or a dump do not name them."""
        return self.run("plan", source, target, "-o", self.plan_path, "--key", ",".join(keys), *words, **options)

    def move(self, source, target, keys, *words, until="verified"):
        self.plan(source, target, keys, *words)
        return self.run("run", self.plan_path, "--until", until)

    def status(self):
        return self.run("status", self.plan_path, "--json").json()

    def letters(self):
        """The dead letters; the command's exit code says whether one is open."""
        result = self.run("letters", self.plan_path, "list", "--json", code=None)
        letters = [json.loads(line) for line in result.out.splitlines()]
        assert result.code == (1 if any(letter["state"] == "open" for letter in letters) else 0), repr(result)
        return letters

    def dump(self, keys, side="target"):
        """What the tool says the side holds; every key once."""
        out = os.path.join(self.folder, f"dump-{side}.jsonl")
        with open(out, "wb") as file:
            done = subprocess.run([paths.OFFRAMP, "dump", self.plan_path, "--side", side], cwd=self.folder,
                                  env=environment(), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr.decode(errors="replace")

        def items():
            with open(out, encoding="utf-8", newline="\n") as lines:
                for line in lines:
                    yield json.loads(line)["Item"]

        return Contents(keys).add_all(items())

    def edit_plan(self, change):
        with open(self.plan_path, encoding="utf-8") as file:
            text = file.read()
        with open(self.plan_path, "w", encoding="utf-8") as file:
            file.write(change(text))


def generate(folder, *words):
    """Runs the generator; returns the export folders it made."""
    done = subprocess.run([paths.GENERATE, "--out", str(folder), *map(str, words)], stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0
    return done.stdout.split()


def generate_lines(path, *words):
    with open(path, "wb") as out:
        subprocess.run([paths.GENERATE, *map(str, words)], stdout=out, check=True)
