"""`offramp serve` as a process of a story: started, awaited by the line it prints, killed or stopped, looked at.

    server = Serve("sqlite::memory:", folder)      # any free port; takes any key unless keys are given
    server.connection().call("ListTables", {})
    server.stop()                                  # SIGTERM; asserts exit 0
"""
import os
import re
import select
import signal
import subprocess
import time

import boto3
from botocore.config import Config

import paths
from serve_wire import Connection
from tool import environment

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30
LISTENS = re.compile(r"listening on (https?)://[^ ]*:(\d+)\s*$")
KEYS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
REGION = "eu-west-1"


class Serve:
    """`words`: further options. The log (standard error) is folder/serve-PORT.log."""

    started = 0

    def __init__(self, target, folder, port=0, any_key=True, words=(), region=REGION, env=None):
        self.folder = str(folder)
        self.command = [paths.OFFRAMP, "serve", str(target), "--region", region,
                        *(["--insecure-any-key"] if any_key else []), *map(str, words)]
        self.env = env or environment()
        self.scheme = "http"
        self.process = None
        self.start(port)

    def start(self, port=0):
        """Also after kill(): with self.port it listens where it did before."""
        assert os.path.exists(paths.OFFRAMP), f"{paths.OFFRAMP} is not built: run make"
        Serve.started += 1
        self.log = os.path.join(self.folder, f"serve-{os.getpid()}-{Serve.started}.log")
        begun = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*self.command, "--listen", f"127.0.0.1:{port}"], cwd=self.folder,
                                            env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        line = self._first_line(begun + START_SECONDS_MAX)
        self.start_seconds = time.monotonic() - begun
        found = LISTENS.search(line)
        if not found:
            self.kill()
            raise AssertionError(f"{' '.join(self.command)}: printed {line!r}, said {self.said[-3000:]}")
        self.scheme, self.port = found.group(1), int(found.group(2))

    def _first_line(self, deadline):
        out = self.process.stdout.fileno()
        line = b""
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([out], [], [], left)[0]:
                break
            got = os.read(out, 1)
            if not got:
                break
            line += got
        return line.decode(errors="replace")

    @property
    def said(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def connection(self, timeout=60):
        return Connection(self.port, timeout)

    def client(self, service="dynamodb", **more):
        """boto3's client, all settings at their defaults."""
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **{**KEYS, **more})

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def alive(self):
        return self.process.poll() is None

    def assert_alive(self):
        code = self.process.poll()
        assert code is None, f"serve ended with {code}: {self.said[-3000:]}"

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """As an operator does; a server that does not end, or not with 0, fails the story."""
        self.assert_alive()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"serve did not end {STOP_SECONDS_MAX} s after SIGTERM: {self.said[-3000:]}") from None
        self.process.stdout.close()
        assert code == 0, f"serve ended with {code}: {self.said[-3000:]}"


def no_retries(server):
    """A client that shows every failure."""
    return boto3.client("dynamodb", endpoint_url=server.url, region_name=REGION, **KEYS,
                        config=Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=30))
