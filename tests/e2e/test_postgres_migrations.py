"""Folders of SQL files for a PostgreSQL store: `upgrade.migrate: [ { sql: FOLDER } ]`.

A real server of the test's own. Whatever belay says of the database is held against psql.
"""
import os
import pathlib
import subprocess
import sys

import pytest

from project import BLOCKED, DONE, ROLLED_BACK, UNCHANGED, told, wait_until

SUPPORT = pathlib.Path(__file__).resolve().parent.parent / "support"
SQL = '  migrate: [ { sql: "./db/{to}", store: pg%s } ]\n'
NAMES = ("tenants users packages versions uploads policies grants trust jobs quotas history rates "
         "tokens states lookups").split()
# Fifteen files as a package registry had them: mostly additions, each of which may be run again.
FILES = {
    "tenants": "CREATE TABLE IF NOT EXISTS tenants (id bigserial PRIMARY KEY, slug text NOT NULL UNIQUE);\n"
               "INSERT INTO tenants (slug) VALUES ('one'), ('two') ON CONFLICT DO NOTHING;\n",
    "users": "CREATE TABLE IF NOT EXISTS users (id bigserial PRIMARY KEY,\n"
             "  tenant bigint NOT NULL REFERENCES tenants (id));\n",
    "states": "ALTER TABLE jobs DROP CONSTRAINT IF EXISTS jobs_state_check;\n"
              "ALTER TABLE jobs ADD CONSTRAINT jobs_state_check CHECK (state IN ('new', 'done', 'cancelled'));\n",
    "jobs": "CREATE TABLE IF NOT EXISTS jobs (id bigserial PRIMARY KEY,\n"
            "  state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done')));\n",
    "rates": "ALTER TABLE tenants ADD COLUMN IF NOT EXISTS rate_since timestamptz NOT NULL DEFAULT clock_timestamp();\n",
    "lookups": "DROP INDEX IF EXISTS users_tenant;\nCREATE INDEX IF NOT EXISTS users_by_tenant ON users (tenant);\n",
}


def text_of(name):
    return FILES.get(name, f"CREATE TABLE IF NOT EXISTS {name} (id bigserial PRIMARY KEY, note text);\n"
                           f"CREATE INDEX IF NOT EXISTS {name}_note ON {name} (note);\n")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    ready = tmp_path_factory.mktemp("pg") / "ready"
    process = subprocess.Popen([sys.executable, SUPPORT / "postgres_server.py", "--parent",
                                str(os.getpid()), "--ready", ready])
    try:
        wait_until("server", lambda: ready.exists() or process.poll() is not None, 180)
        yield dict(line.split(" ", 1) for line in ready.read_text().splitlines())
    finally:
        process.terminate()
        process.wait(timeout=60)


class Shop:
    """A project with a database of its own."""

    def __init__(self, project, server):
        self.project, self.server = project, server
        self.database = "shop"
        self.psql("DROP DATABASE IF EXISTS shop WITH (FORCE)", "postgres")
        self.psql("CREATE DATABASE shop", "postgres")
        yaml = project.folder / "belay.yaml"
        yaml.write_text(yaml.read_text().replace(
            "  db: { sqlite: ./shop.db }\n",
            "  db: { sqlite: ./shop.db }\n"
            f"  pg: {{ postgres: {{ database: shop, host: {server['socket']}, port: {server['port']}, "
            f"user: postgres, tools: {server['tools']} }} }}\n"))
        for label in ("1.0", "2.0"):
            project.release(label)

    def psql(self, statement, database="shop"):
        asked = subprocess.run(
            [self.server["tools"] + "/psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.server["socket"], "-p",
             self.server["port"], "-U", "postgres", "-d", database, "-c", statement],
            capture_output=True, text=True, check=False, timeout=60)
        assert asked.returncode == 0, asked.stderr
        return asked.stdout.splitlines()

    def files(self, to, **texts):
        folder = self.project.folder / "db" / to
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / f"{name[1:]}.sql").write_text(text)
        return folder

    def ledger(self, table="belay_migrations", column="name"):
        if self.psql(f"SELECT to_regclass('{table}') IS NULL") == ["t"]:
            return []
        return self.psql(f"SELECT {column} FROM {table} ORDER BY applied_at")


@pytest.fixture
def shop(make_project, server, request):
    made = Shop(make_project(upgrade_extra=SQL % getattr(request, "param", "")), server)
    yield made
    made.project.end()


def says(ended, *wanted):
    for words in wanted:
        assert words in ended.stdout + ended.stderr, f"no '{words}' in {told(ended)}"


@pytest.mark.parametrize("shop", [", ledger: schema_migrations"], indirect=True)
def test_fifteen_files_go_on_where_another_runner_ended_and_come_back(shop):
    """The ledger is the other runner's; what each file does is told before it runs."""
    numbered = [f"{number:04}_{name}" for number, name in enumerate(NAMES, 1)]
    shop.psql("CREATE TABLE schema_migrations (version text PRIMARY KEY, applied_at timestamptz NOT NULL "
              "DEFAULT now())")
    for to, count in (("1.0", 9), ("2.0", 15)):
        shop.files(to, **{f"_{name}": text_of(name[5:]) for name in numbered[:count]})
    for name in numbered[:9]:
        shop.psql(text_of(name[5:]) + f"INSERT INTO schema_migrations VALUES ('{name}.sql', clock_timestamp())")
    shop.project.upgrade("1.0", timeout=240)
    assert len(shop.ledger("schema_migrations", "version")) == 9
    plan = shop.project.belay("plan", "--to", "2.0")
    says(plan, "6 migrations will run: 0010_quotas.sql (expand, before the switch; additive)",
         "0014_states.sql (change; breaking)",
         "0012_rates.sql:1 adds column tenants.rate_since timestamptz, NOT NULL with a default (additive: new-column)",
         "0014_states.sql:1 drops a constraint of jobs.jobs_state_check (breaking: drop-constraint)")
    shop.project.upgrade("2.0", timeout=240)
    assert shop.ledger("schema_migrations", "version") == [name + ".sql" for name in numbered]
    shop.psql("INSERT INTO jobs (state) VALUES ('cancelled')")
    back = shop.project.belay("rollback", "--yes", timeout=240)
    assert back.returncode == DONE, told(back)
    assert len(shop.ledger("schema_migrations", "version")) == 9
    assert shop.psql("SELECT count(*) FROM jobs") == ["0"]


REFUSED = [
    (lambda folder: (folder / "0001_a.sql").write_text("SELECT 1;\n"), "0001_a.sql was changed after it was applied"),
    (lambda folder: (folder / "0001_a.sql").unlink(), "0001_a.sql was applied, but is not in the folder"),
    (lambda folder: (folder / "0000_z.sql").write_text("SELECT 1;\n"), "0000_z.sql was never applied, but comes before"),
    (lambda folder: (folder / "0002_b.sql").write_text("CREATE TABLE b ();\nCOMMIT;\nCREATE TABLE c ();\n"),
     "0002_b.sql:2: COMMIT is not for a migration"),
    (lambda folder: (folder / "0002_b.sql").write_text(
        "CREATE TABLE b (i int);\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON b (i);\n"),
     "0002_b.sql:2: 'CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON b ' cannot be part of a transaction"),
    (lambda folder: (folder / "0002_b.sql").write_text("COPY a FROM STDIN;\n1\n\\.\n"),
     "0002_b.sql:1: COPY ... FROM STDIN reads rows"),
    (lambda folder: (folder / "0002_b.sql").write_text("\\i other.sql\n"), "0002_b.sql:1: a line with '\\'"),
    (lambda folder: [(folder / f"{name}.sql").write_text("") for name in ("2_b", "10_c")],
     "2_b.sql comes before 10_c.sql by its number"),
    (lambda folder: (folder / "0002_b.sql").write_text("-- belay: compatible\nDROP TABLE a;\n"),
     "0002_b.sql:2: drops table a: the release before reads or writes it"),
]


def test_what_must_not_run_is_refused_before_anything_is_touched(shop):
    first = {"_0001_a": "CREATE TABLE a (id int);\n"}
    shop.files("1.0", **first)
    shop.project.upgrade("1.0", timeout=240)
    assert shop.ledger() == ["0001_a.sql"]
    for number, (change, said) in enumerate(REFUSED):
        change(shop.files(f"2.{number}", **first))
        ended = shop.project.belay("migrations", "--to", f"2.{number}")
        assert ended.returncode == BLOCKED, told(ended)
        says(ended, said)
    change, said = REFUSED[0]
    change(shop.files("2.0", **first))
    pids = shop.project.processes()
    says(shop.project.upgrade("2.0", status=BLOCKED), said)
    assert shop.project.processes() == pids and shop.ledger() == ["0001_a.sql"]


def copies(shop):
    return shop.psql("SELECT datname FROM pg_database WHERE datname LIKE 'shop\\_\\_rehearse%'", "postgres")


def test_what_fails_on_a_copy_of_the_data_stops_the_upgrade_before_anything_else_does(shop):
    first = {"_0001_a": "CREATE TABLE a (id int);\nINSERT INTO a VALUES (1), (1);\n"}
    for label in ("1.0", "2.0", "2.1"):
        shop.files(label, **first)
    shop.files("2.0", _0002_b="CREATE UNIQUE INDEX one ON a (id);\n")
    shop.files("2.1", _0002_b="ALTER TABLE a ADD COLUMN b text DEFAULT md5(random()::text);\n")
    shop.project.release("2.1")
    shop.project.upgrade("1.0", timeout=240)
    says(shop.project.belay("plan", "--to", "2.0"), "pg: rehearsed first, on a copy of the data")
    pids = shop.project.processes()
    ended = shop.project.upgrade("2.0", status=UNCHANGED, timeout=240)
    says(ended, 'on a copy of the data it fails: store \'pg\': 0002_b.sql:1: could not create unique index "one"',
         "Key (id)=(1) is duplicated")
    assert shop.project.processes() == pids and shop.ledger() == ["0001_a.sql"] and not copies(shop)
    rehearsed = shop.project.belay("rehearse", "--to", "2.1", timeout=240)
    assert rehearsed.returncode == DONE, told(rehearsed)
    says(rehearsed, "pg: 0002_b.sql (additive) took ",
         "locks a against reads and writes, and writes it anew (", "pg: schema: column public.a.b is new")
    assert shop.project.processes() == pids and shop.ledger() == ["0001_a.sql"] and not copies(shop)
    says(shop.project.belay("plan", "--to", "2.1"), "pg: rehearsed at ", "; migrations as rehearsed)")
    says(shop.project.upgrade("2.1", timeout=240), "pg: the schema is what the rehearsal left")
    assert shop.psql("SELECT count(b) FROM a") == ["2"]


def test_a_rehearsal_that_was_killed_leaves_no_copy_to_whoever_comes_next(shop):
    """Killed by itself, and as the step of an upgrade; databases that only look like a copy stay."""
    for label in ("1.0", "2.0", "2.1"):
        shop.files(label, _0001_a="CREATE TABLE a (id int);\n")
    shop.files("2.0", _0002_b="ALTER TABLE a ADD b int;\nSELECT pg_sleep(600);\n")
    shop.files("2.1", _0002_b="ALTER TABLE a ADD b int;\n")
    shop.project.release("2.1")
    shop.project.upgrade("1.0", timeout=240)
    pids = shop.project.processes()
    shop.psql("CREATE DATABASE shop__rehearse_mine", "postgres")
    asleep = ("SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'shop\\_\\_rehearse\\_p-%' "
              "AND query LIKE '%pg_sleep(600)%'")
    for words in (["rehearse", "--to", "2.0"], ["upgrade", "--to", "2.0", "--yes"]):
        died = shop.project.begin(*words)
        try:
            wait_until("rehearsal", lambda: shop.psql(asleep, "postgres") == ["1"], 120)
        finally:
            died.kill()
            died.wait(timeout=60)
        assert len(copies(shop)) == 2
        if words[0] == "upgrade":
            ended = shop.project.belay("abort", timeout=240)
            assert ended.returncode == UNCHANGED, told(ended)
        else:
            ended = shop.project.belay("rehearse", "--to", "2.1", timeout=240)
            assert ended.returncode == DONE, told(ended)
        assert copies(shop) == ["shop__rehearse_mine"]
    assert shop.project.processes() == pids and shop.ledger() == ["0001_a.sql"]
    shop.psql("DROP DATABASE shop__rehearse_mine", "postgres")


def test_a_file_that_fails_in_the_middle_goes_back_with_those_before_it(shop):
    yaml = shop.project.folder / "belay.yaml"
    yaml.write_text(yaml.read_text().replace("  migrate:", "  rehearse: never\n  migrate:"))
    for label in ("1.0", "2.0"):
        shop.files(label, _0001_a="CREATE TABLE a (id int);\nINSERT INTO a VALUES (1);\n")
    shop.files("2.0", _0002_b="UPDATE a SET id = 2;\n",
               _0003_c="CREATE TABLE c ();\n\nINSERT INTO nowhere VALUES (1);\n", _0004_d="CREATE TABLE d ();\n")
    shop.project.upgrade("1.0", timeout=240)
    ended = shop.project.upgrade("2.0", status=ROLLED_BACK, timeout=240)
    says(ended, '0003_c.sql:3: relation "nowhere" does not exist (SQLSTATE 42P01)')
    assert shop.ledger() == ["0001_a.sql"] and shop.psql("SELECT id FROM a") == ["1"]
    assert shop.psql("SELECT to_regclass('c') IS NULL AND to_regclass('d') IS NULL") == ["t"]
    assert shop.project.version() == "1.0"
