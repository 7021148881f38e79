"""A stack with a database of a real PostgreSQL server, by the command line, while somebody writes.

The server is started by tests/support/postgres_server.py, and is gone after the tests. Each test has
a database and a role of its own: the owner with CREATEDB, and no superuser.
"""
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import pytest

from project import BELAY, DONE, HERE, NOTHING, ROLLED_BACK, told, wait_until

YAML = """\
stack: shop
services:
  shop:
    release: {{ directory: "./dist/{{to}}" }}
    run: [./pg_service.py, --port, "{port}", --, {tools}/psql, -h, {socket}, -p, "{pgport}", -U, {name}, -d, {name}]
    env: {{ E2E_MARK: "{folder}" }}
    stop: {{ timeout: 2s }}
    ready: {{ http: http://127.0.0.1:{port}/health, timeout: 2s, within: 4s, every: 100ms, consecutive: 1 }}
stores:
  db:
    postgres: {{ database: {name}, user: {name}, host: {socket}, port: {pgport}, tools: {tools}, method: {method} }}
upgrade:
  watch: 0s
{migrate}keep: {{ points: 3, abandoned: 9, releases: 9 }}
repository: {{ path: ./repository, password: "file:./password" }}
"""
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    ready = tmp_path_factory.mktemp("postgres") / "ready"
    process = subprocess.Popen([sys.executable, HERE.parent / "support/postgres_server.py", "--parent", str(os.getpid()),
                                "--ready", ready])
    try:
        wait_until("the server runs", lambda: ready.exists() or process.poll() is not None, 120)
        yield dict(line.split(" ", 1) for line in ready.read_text().splitlines())
    finally:
        process.terminate()
        process.wait(300)


class Shop:
    def __init__(self, folder, server, method="clone", migrate=""):
        self.folder, self.server = folder, server
        self.name = f"shop{next(numbers)}x{os.getpid()}"
        self.acknowledged, self.count = set(), 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        folder.mkdir(parents=True)
        (folder / "password").write_text("secret")
        (folder / "password").chmod(0o600)
        (folder / "belay.yaml").write_text(YAML.format(
            port=self.port, name=self.name, folder=folder, socket=server["socket"], pgport=server["port"],
            tools=server["tools"], method=method, migrate=migrate))
        self.sql("postgres", f"CREATE ROLE {self.name} LOGIN CREATEDB", user="postgres")
        self.sql("postgres", f"CREATE DATABASE {self.name} OWNER {self.name}", user="postgres")
        self.sql("postgres", f"REVOKE CONNECT ON DATABASE {self.name} FROM PUBLIC", user="postgres")
        self.sql(self.name, "CREATE TABLE writes(nr bigserial PRIMARY KEY, id text NOT NULL UNIQUE)")
        for version, mode in (("1.0", "good"), ("2.0", "good"), ("3.0", "damage")):
            target = folder / "dist" / version
            target.mkdir(parents=True)
            shutil.copy(HERE / "pg_service.py", target)
            (target / "release.json").write_text(json.dumps({"version": version, "mode": mode}))

    def sql(self, database, script, user=None):
        ran = subprocess.run([self.server["tools"] + "/psql", "-h", self.server["socket"], "-p", self.server["port"], "-U",
                              user or self.name, "-d", database, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"],
                             input=script, text=True, capture_output=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.splitlines()

    def belay(self, *arguments, **more):
        environment = {**os.environ, "NO_COLOR": "1", **more.pop("env", {})}
        return subprocess.run([BELAY, *arguments, "--config", self.folder / "belay.yaml"], cwd=self.folder, text=True,
                              capture_output=True, timeout=240, check=False, env=environment)

    def begin(self, *arguments, env):
        return subprocess.Popen([BELAY, *arguments, "--config", self.folder / "belay.yaml"], cwd=self.folder,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **env})

    def must(self, status, *arguments, **more):
        ended = self.belay(*arguments, **more)
        assert ended.returncode == status, told(ended)
        return ended.stdout

    def ask(self, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}",
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def version(self):
        try:
            return self.ask("/health")["version"]
        except (OSError, urllib.error.URLError):
            return None

    def write(self, count=1):
        for _ in range(count):
            self.count += 1
            name = f"w{self.count}"
            try:
                self.ask("/write", {"id": name})
            except (OSError, urllib.error.URLError):
                continue
            self.acknowledged.add(name)

    def kept_anywhere(self):
        """Every write that is live, or in what was abandoned and exported."""
        found = set(self.sql(self.name, "SELECT id FROM writes"))
        for folder in (self.folder / ".belay").glob("points/a-*"):
            into = self.folder / "out" / folder.name
            if not into.exists():
                self.must(DONE, "abandoned", "export", folder.name.removesuffix(".json"), "--into", str(into))
            found |= {name for name in self.acknowledged
                      if f"'{name}'" in (into / "db/written.sql").read_text()}
        return found

    def lost(self):
        return self.acknowledged - self.kept_anywhere()

    def databases(self):
        return self.sql("postgres", f"SELECT datname FROM pg_database WHERE datname LIKE '{self.name}%' ORDER BY 1")

    def end(self):
        for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"E2E_MARK={self.folder}".encode() in path.read_bytes().split(b"\0"):
                    os.kill(int(path.parent.name), signal.SIGKILL)
            except OSError:
                continue


@pytest.fixture
def make_shop(server, tmp_path):
    made = []

    def make(name="shop", **options):
        made.append(Shop(tmp_path / name, server, **options))
        made[-1].must(DONE, "upgrade", "shop", "--to", "1.0", "--yes")
        made[-1].write(6)
        return made[-1]

    yield make
    for shop in made:
        shop.end()


class Writer(threading.Thread):
    """Writes all the time; only what was acknowledged counts."""

    def __init__(self, shop):
        super().__init__()
        self.shop, self.ends = shop, threading.Event()

    def run(self):
        while not self.ends.wait(0.02):
            self.shop.write()

    def __enter__(self):
        self.start()

    def __exit__(self, *_):
        self.ends.set()
        self.join()


def test_an_upgrade_commits_and_a_release_that_ruins_data_goes_back(make_shop):
    shop = make_shop()
    with Writer(shop):
        shop.must(DONE, "upgrade", "shop", "--to", "2.0", "--yes")
        assert shop.version() == "2.0"
        ended = shop.must(ROLLED_BACK, "upgrade", "shop", "--to", "3.0", "--yes")
    assert "column public.writes.extra is new" in shop.must(DONE, "report"), ended
    wait_until("2.0 serves again", lambda: shop.version() == "2.0")
    assert shop.sql(shop.name, "SELECT count(*) FROM information_schema.columns WHERE table_name = 'writes'") == ["2"]
    # What a copy of a database does not have is there again.
    assert shop.sql("postgres", f"SELECT has_database_privilege('public', '{shop.name}', 'CONNECT')") == ["f"]
    assert len(shop.acknowledged) > 6 and shop.lost() == set()


@pytest.mark.parametrize("method", ["clone", "dump"])
def test_a_rollback_by_hand_keeps_what_was_written_as_sql(make_shop, method):
    shop = make_shop(method=method)
    shop.must(DONE, "upgrade", "shop", "--to", "2.0", "--yes")
    before = set(shop.sql(shop.name, "SELECT id FROM writes"))
    shop.write(5)
    shop.must(DONE, "rollback", "shop", "--level", "full", "--yes")
    assert shop.version() == "1.0"
    assert set(shop.sql(shop.name, "SELECT id FROM writes")) == before
    assert shop.lost() == set()
    for replayed in (shop.folder / "out").glob("*/db/written.sql"):
        shop.sql(shop.name, replayed.read_text())
    assert set(shop.sql(shop.name, "SELECT id FROM writes")) == shop.acknowledged


def test_a_migration_that_fails_takes_its_changes_with_it(make_shop):
    migrate = '  migrate: [{ run: ["./migrate.py"] }]\n'
    shop = make_shop(migrate="")
    (shop.folder / "migrate.py").write_text(
        "#!/usr/bin/python3\nimport subprocess, sys\n"
        f"subprocess.run({[shop.server['tools'] + '/psql', '-h', shop.server['socket'], '-p', shop.server['port'], '-U', shop.name, '-d', shop.name, '-c', 'DELETE FROM writes; ALTER TABLE writes ADD note text']!r})\n"
        "sys.exit('no')\n")
    (shop.folder / "migrate.py").chmod(0o755)
    text = (shop.folder / "belay.yaml").read_text()
    (shop.folder / "belay.yaml").write_text(text.replace("  watch: 0s\n", "  watch: 0s\n" + migrate))
    with Writer(shop):
        shop.must(ROLLED_BACK, "upgrade", "shop", "--to", "2.0", "--yes")
    wait_until("1.0 serves again", lambda: shop.version() == "1.0")
    assert shop.acknowledged <= set(shop.sql(shop.name, "SELECT id FROM writes"))


def test_a_point_in_a_repository_comes_back(make_shop):
    shop = make_shop()
    shop.must(DONE, "repo", "init", "--repo", str(shop.folder / "repository"), "--password-file",
              str(shop.folder / "password"))
    kept = set(shop.acknowledged)
    with Writer(shop):
        shop.must(DONE, "backup", "shop")
    points = [json.loads(line) for line in shop.must(DONE, "points", "shop", "--json").splitlines()]
    point = [each["id"] for each in points if each["places"] == ["repository"]][-1]
    drilled = json.loads(shop.must(DONE, "drill", "--json").splitlines()[-1])
    assert drilled["whole"] and drilled["stores"][0]["proved_ms"] > 0, drilled
    assert not [each for each in shop.sql("postgres", "SELECT datname FROM pg_database") if "proof" in str(each)]
    into = shop.folder / "restored"
    shop.must(DONE, "restore", "shop", point, "--into", str(into))
    dump = next(into.rglob("dump"))
    listed = subprocess.run([shop.server["tools"] + "/pg_restore", "--list", dump], text=True, capture_output=True,
                            check=False)
    assert "TABLE DATA public writes" in listed.stdout, listed.stderr
    shop.sql(shop.name, "DELETE FROM writes; ALTER TABLE writes ADD ruined text")
    shop.must(DONE, "rollback", "shop", "--to", point, "--level", "full", "--yes")
    assert kept <= set(shop.sql(shop.name, "SELECT id FROM writes"))


def test_killed_at_effects_of_a_way_back_it_resumes(make_shop):
    shop = make_shop()
    log = shop.folder / "effects"
    shop.must(ROLLED_BACK, "upgrade", "shop", "--to", "3.0", "--yes", env={"BELAY_EFFECTS_LOG": str(log)})
    effects = log.read_text().splitlines()
    psql = [number for number, line in enumerate(effects, 1) if "/psql" in line]
    assert len(psql) > 20
    for number in psql[2::len(psql) // 3]:
        mark = shop.folder / f"paused-{number}"
        running = shop.begin("upgrade", "shop", "--to", "3.0", "--yes",
                             env={"BELAY_PAUSE_AT": f"{number}:after", "BELAY_PAUSE_FILE": str(mark)})
        wait_until("belay pauses", lambda: mark.exists() or running.poll() is not None, 120)
        running.kill()
        running.wait()
        ended = shop.belay("resume")
        assert ended.returncode in (ROLLED_BACK, NOTHING), f"{number}: {told(ended)}"
        wait_until("1.0 serves again", lambda: shop.version() == "1.0")
        shop.write(2)
        assert shop.lost() == set(), f"{number}: {told(ended)}"
    assert not [name for name in shop.databases() if "__restore_" in name or "__proof_" in name]
