"""A server process of a story: started on a free port of 127.0.0.1, awaited, stopped at the end."""
import os
import socket
import subprocess
import time

import paths

START_SECONDS_MAX = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def install(script):
    """Runs an install script of tests/support; returns what it printed: where the thing is."""
    path = os.path.join(paths.ROOT, "tests", "support", script)
    done = subprocess.run([path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, f"{script} failed: {done.stderr}"
    return done.stdout.strip().splitlines()[-1]


class Server:
    """Runs `command` with its output in `log`; ready when the port takes connections."""

    def __init__(self, command, port, log, cwd=None):
        self.port = port
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                            cwd=cwd)
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    with open(log, errors="replace") as text:
                        raise AssertionError(f"{command[0]} did not start: {text.read()[-2000:]}") from None
                time.sleep(0.05)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
