"""A stack that has a PostgreSQL server of its own: what test_postgres_physical.py and test_postgres_hot.py try.

The servers are real. One data folder is made for all tests of a file; each has a copy of it, in which checksums
are on. It is short-lived: fsync is off.
"""
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

import pytest

from project import BELAY, HERE, told, wait_until

sys.path.append(str(HERE.parent / "support"))
from postgres_server import server_user, tools_folder  # noqa: E402

PHYSICAL = "{ postgres: { data: ./data } }"

YAML = """\
stack: shop
services:
  shop:
    release: {{ directory: "./dist/{{to}}" }}
    run: [./pg_server_service.py, --port, "{port}", --data, "{folder}/data", --tools, "{tools}",
          --socket, "{folder}/socket", --user, "{uid}"]
    env: {{ E2E_MARK: "{folder}" }}
    stop: {{ timeout: 60s }}
    ready: {{ http: http://127.0.0.1:{port}/health, timeout: 5s, within: 20s, every: 100ms, consecutive: 1 }}
stores:
  db: {store}
upgrade: {{ watch: 0s }}
keep: {{ points: 3, abandoned: 9, releases: 9 }}
repository: {{ path: ./repository, password: "file:./password" }}
"""
TOOLS = tools_folder()
USER = server_user() or pwd.getpwuid(os.geteuid())


def place():
    """In memory where there is room: thousands of small files are made, synced and removed again."""
    memory = pathlib.Path("/dev/shm")
    return str(memory) if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 3 << 30 else "/tmp"


def as_server(*argv, **more):
    """A program of PostgreSQL, as the user that its server runs as, with nothing of ours but a mark."""
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "E2E_MARK": str(more.pop("mark", ""))}
    if os.geteuid() == 0:
        more.update(user=USER.pw_uid, group=USER.pw_gid, extra_groups=[])
    ran = subprocess.run([f"{TOOLS}/{argv[0]}", *argv[1:]], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         timeout=120, check=False, cwd="/tmp", env=environment, **more)
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def run_server(data, sockets, *, on):
    if on:
        as_server("pg_ctl", "start", "-w", "-s", "-t", "100", "-D", str(data), "-l", f"{sockets}/log", "-o",
                  f"-c fsync=off -c listen_addresses= -c unix_socket_directories={sockets}", mark=sockets.parent)
    else:
        as_server("pg_ctl", "stop", "-w", "-s", "-t", "100", "-m", "fast", "-D", str(data))


def sql(sockets, script, database="shop"):
    return as_server("psql", "-h", str(sockets), "-U", "postgres", "-d", database, "-X", "-q", "-A", "-t", "-v",
                     "ON_ERROR_STOP=1", input=script).splitlines()


@pytest.fixture(scope="module")
def made():
    """A data folder that was shut down, with a database `shop`."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="belay-pd-", dir=place()))
    try:
        folder.chmod(0o755)
        shutil.chown(folder, USER.pw_uid, USER.pw_gid)
        as_server("initdb", "--no-sync", "--no-instructions", "-A", "trust", "-U", "postgres", "-E", "UTF8",
                  "--locale=C.UTF-8", "--wal-segsize=1", "-k", str(folder / "data"))
        run_server(folder / "data", folder, on=True)
        try:
            sql(folder, "CREATE DATABASE shop", "postgres")
            sql(folder, "CREATE TABLE writes(nr bigserial PRIMARY KEY, id text NOT NULL UNIQUE);"
                        "CREATE TABLE pages AS SELECT n, repeat('x', 500) AS text FROM generate_series(1, 2000) n")
        finally:
            run_server(folder / "data", folder, on=False)
        yield folder / "data"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Shop:
    def __init__(self, made, store, mebibytes):
        # Short, for the socket, and where the server's user may come.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="belay-ps-", dir=place()))
        self.is_mounted = mebibytes is not None
        if self.is_mounted:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", self.folder], check=True)
        self.folder.chmod(0o755)
        self.data, self.sockets = self.folder / "data", self.folder / "socket"
        self.sockets.mkdir()
        shutil.chown(self.sockets, USER.pw_uid, USER.pw_gid)
        subprocess.run(["cp", "-a", "--reflink=auto", made, self.data], check=True)
        self.acknowledged, self.count = set(), 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (self.folder / "password").write_text("secret")
        (self.folder / "password").chmod(0o600)
        self.configure(store)
        for version, mode in (("1.0", "good"), ("2.0", "good"), ("3.0", "damage"), ("4.0", "kill")):
            target = self.folder / "dist" / version
            target.mkdir(parents=True)
            shutil.copy(HERE / "pg_server_service.py", target)
            (target / "release.json").write_text(json.dumps({"version": version, "mode": mode}))

    def configure(self, store):
        (self.folder / "belay.yaml").write_text(YAML.format(
            port=self.port, folder=self.folder, tools=TOOLS, uid=USER.pw_uid, store=store))

    def begin(self, *arguments, env):
        return subprocess.Popen([BELAY, *arguments, "--config", self.folder / "belay.yaml"], cwd=self.folder,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **env})

    def belay(self, *arguments):
        return subprocess.run([BELAY, *arguments, "--config", self.folder / "belay.yaml"], cwd=self.folder, text=True,
                              capture_output=True, timeout=240, check=False, env={**os.environ, "NO_COLOR": "1"})

    def must(self, status, *arguments):
        ended = self.belay(*arguments)
        assert ended.returncode == status, told(ended)
        return ended.stdout + ended.stderr

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

    def write(self, count):
        for _ in range(count):
            self.count += 1
            self.ask("/write", {"id": f"w{self.count}"})
            self.acknowledged.add(f"w{self.count}")

    def live(self):
        return set(self.ask("/writes"))

    def processes(self, which):
        return [pid for pid in pathlib.Path("/proc").glob("[0-9]*") if self.is_ours(pid) and which(pid)]

    def signal(self, sent, which):
        left = self.processes(which)
        for pid in left:
            try:
                os.kill(int(pid.name), sent)
            except ProcessLookupError:
                continue
        wait_until("all are gone", lambda: not any(map(self.is_ours, left)), 60)

    def stop(self):
        """The service is asked to end, with its server."""
        self.signal(signal.SIGTERM, self.is_service)

    def end(self):
        self.stop()
        self.signal(signal.SIGKILL, lambda _: True)
        if self.is_mounted:
            subprocess.run(["umount", "-l", self.folder], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def is_service(process):
        try:
            return "pg_server_service" in (process / "cmdline").read_text()
        except OSError:
            return False

    def is_ours(self, process):
        try:
            return f"E2E_MARK={self.folder}".encode() in (process / "environ").read_bytes().split(b"\0")
        except OSError:
            return False


@pytest.fixture
def make_shop(made):
    shops = []

    def make(store="{ directory: ./data }", mebibytes=None):
        """With `mebibytes` on a file system of its own, so large; needs root."""
        shops.append(Shop(made, store, mebibytes))
        return shops[-1]

    yield make
    for shop in shops:
        shop.end()


def left_over(shop):
    return [path.name for path in shop.folder.iterdir() if path.name.startswith(".belay-proof")]


def damage(shop, table):
    """One byte of a page of a table, on the disk."""
    oid, node = as_server("psql", "-h", str(shop.sockets), "-U", "postgres", "-d", "shop", "-X", "-q", "-A", "-t", "-F", " ",
                          "-c", f"SELECT (SELECT oid FROM pg_database WHERE datname = 'shop'), relfilenode "
                                f"FROM pg_class WHERE relname = '{table}'").split()
    with open(shop.data / "base" / oid / node, "r+b") as pages:
        pages.seek(3 * 8192 + 4000)
        byte = pages.read(1)
        pages.seek(-1, os.SEEK_CUR)
        pages.write(bytes([byte[0] ^ 1]))


def throwaways(shop):
    mark = f"BELAY_THROWAWAY={shop.folder}/.belay-proof-data".encode()
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(process.name)
        except OSError:
            continue
    return found


class Writer:
    """One session that inserts h1, h2, ... one after the other, as fast as it can, and counts what was acknowledged."""
    def __init__(self, sockets):
        self.acknowledged, self.is_ending = 0, False
        self.session = subprocess.Popen(
            [f"{TOOLS}/psql", "-h", str(sockets), "-U", "postgres", "-d", "shop", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"],
            text=True, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self.thread = threading.Thread(target=self.write)

    def write(self):
        while not self.is_ending:
            number = self.acknowledged + 1
            self.session.stdin.write(f"INSERT INTO writes(id) VALUES ('h{number}');\n\\warn {number}\n")
            self.session.stdin.flush()
            if self.session.stderr.readline().strip() != str(number):
                return  # told by reach()
            self.acknowledged = number

    def reach(self, number):
        wait_until(f"{number} writes", lambda: self.acknowledged >= number or not self.thread.is_alive(), 60)
        assert self.acknowledged >= number, "the writer ended"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_ending = True
        self.thread.join()
        self.session.stdin.close()
        self.session.wait()
        self.session.stderr.close()
