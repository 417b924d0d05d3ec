"""A PostgreSQL server of our own: a fresh cluster on a free port of 127.0.0.1, with fsync on, removed at the end.

The server refuses to run as root, so as root everything that touches the data folder runs as the user postgres.
Logins need the password (scram); the tool gets it the way its users give it, through PGPASSWORD.
"""
import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

USER = "app"
PASSWORD = "correct horse"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def binary(name):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda path: int(path.split("/")[4]))
    if found:
        return found[-1]
    path = shutil.which(name)
    assert path, f"{name} is missing: run scripts/install-deps test"
    return path


def psql(port, database, *words):
    """What starts psql, for subprocess: columns apart by \\x1f, an end at the first error."""
    return {"args": ["psql", "-X", "-q", "-A", "-t", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p",
                     str(port), "-U", USER, "-d", database, *words],
            "env": dict(os.environ, PGPASSWORD=PASSWORD)}


class Cluster:
    def __init__(self, settings=None):
        self.folder = tempfile.mkdtemp(prefix="offramp-pg-")
        self.data = os.path.join(self.folder, "data")
        self.port = free_port()
        self.databases = 0
        password_file = os.path.join(self.folder, "password")
        with open(password_file, "w") as out:
            out.write(PASSWORD)
        self.as_user = []
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            for path in (self.folder, password_file):
                os.chown(path, owner.pw_uid, owner.pw_gid)
            self.as_user = ["runuser", "-u", "postgres", "--"]
        try:
            self._run([binary("initdb"), "-D", self.data, "-U", USER, "-A", "scram-sha-256", "--pwfile", password_file,
                       "-E", "UTF8", "--locale", "C.UTF-8"])
        except AssertionError:
            shutil.rmtree(self.folder)
            raise
        conf = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.folder,
            "fsync": "on", "shared_buffers": "256MB", "max_wal_size": "4GB", "max_connections": 40,
            "log_min_messages": "warning",
        }
        conf.update(settings or {})
        text = "".join(f"{name} = '{value}'\n" for name, value in conf.items())
        subprocess.run(self.as_user + ["tee", "-a", os.path.join(self.data, "postgresql.conf")], input=text, text=True,
                       stdout=subprocess.DEVNULL, check=True, cwd="/")

    def _run(self, command):
        done = subprocess.run(self.as_user + command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              cwd="/")
        assert done.returncode == 0, f"{command[0]}: {done.stdout}"
        return done.stdout

    def _control(self, *words):
        # The server must not inherit our pipe, or reading it would wait for the server's end.
        log = os.path.join(self.folder, "log")
        done = subprocess.run(self.as_user + [binary("pg_ctl"), "-D", self.data, "-w", "-t", "60", *words],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        if done.returncode != 0:
            text = open(log).read()[-2000:] if os.path.exists(log) else ""
            raise AssertionError(f"pg_ctl {' '.join(words)} failed: {text}")

    def start(self):
        self._control("-l", os.path.join(self.folder, "log"), "start")

    def stop(self, mode="fast"):
        self._control("-m", mode, "stop")

    def remove(self):
        subprocess.run(self.as_user + [binary("pg_ctl"), "-D", self.data, "-w", "-m", "immediate", "stop"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        # Hundreds of databases take a minute to delete, which nobody needs to wait for.
        subprocess.Popen(["rm", "-rf", self.folder], start_new_session=True)

    def url(self, database):
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def new_database(self, name=None):
        self.databases += 1
        name = name or f"t{self.databases}_{os.getpid()}_{int(time.time() * 1000) % 1000000}"
        self.sql(f'CREATE DATABASE "{name}"', "postgres")
        return self.url(name)

    def sql(self, statement, database):
        """Runs a statement and returns its rows as lists of text."""
        started = psql(self.port, database, "-c", statement)
        done = subprocess.run(**started, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr
        return [line.split("\x1f") for line in done.stdout.splitlines()]
