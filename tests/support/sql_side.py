"""A target as its SQL users see it: sqlite3's or psql's own rows, beside what serves them."""
import subprocess


class Sql:
    """`target`: sqlite:FILE or postgresql://…/database of the test's cluster."""

    def __init__(self, target, cluster):
        self.file = target.split(":", 1)[1] if target.startswith("sqlite:") else None
        self.database = None if self.file else target.rsplit("/", 1)[1]
        self.cluster = cluster

    def rows(self, statement):
        """Rows as lists of text."""
        if not self.file:
            return self.cluster.sql(statement, self.database)
        done = subprocess.run(["sqlite3", "-batch", "-separator", "\x1f", "-cmd", ".timeout 10000", self.file, statement],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr
        return [line.split("\x1f") for line in done.stdout.splitlines()]

    run = rows

    def tables(self):
        listed = ("SELECT name FROM sqlite_master WHERE type = 'table'" if self.file else
                  "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return [name for (name,) in self.rows(listed)]

    def columns(self, table):
        listed = (f"SELECT name FROM pragma_table_info('{table}')" if self.file else
                  f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position")
        return [name for (name,) in self.rows(listed)]
