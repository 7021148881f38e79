"""examples/smoltbot: its belay.yaml as it is, but for its times, with a real PostgreSQL and a real Redis."""
import base64
import json
import pathlib
import re
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from example_stack import Profile, free_port
from host_image import HostImage, derived
from project import BLOCKED, DONE, ROLLED_BACK, told, wait_until

HERE = pathlib.Path(__file__).resolve().parent
POSTGRES = """\
#!/bin/sh
set -e
cd /var/lib/postgresql/data
if [ ! -f PG_VERSION ]; then
  initdb -D . -U smoltbot -A trust --no-sync >/dev/null
  echo "unix_socket_directories = '/tmp'" >>postgresql.conf
  postgres --single -D . postgres <<END >/dev/null
CREATE DATABASE smoltbot
END
fi
exec postgres -D . -h '*' -c fsync=off
"""
RELEASES = {"v2.0.1": "", "v2.1.0": "", "v2.2.0": "STAND_IN_BREAKS=exits", "v3.0.0": "STAND_IN_BREAKS=errors"}
MIGRATIONS = {
    "001_init.sql": "CREATE TABLE agents (id SERIAL PRIMARY KEY, name TEXT NOT NULL, secret TEXT);\n",
    "002_nudge.sql": "ALTER TABLE agents ADD COLUMN nudge_strategy TEXT;\n",
    "003_traces.sql": "CREATE TABLE traces (id SERIAL PRIMARY KEY, agent INTEGER);\n",
    "004_drop_secret.sql": "ALTER TABLE agents DROP COLUMN secret;\n",
}
COUNTS = {"v2.0.1": 1, "v2.1.0": 2, "v2.2.0": 3, "v3.0.0": 4}


def make_images(engine):
    home = pathlib.Path("/usr/lib/postgresql/15")
    image = HostImage()
    image.busybox("sh", "cat", "echo", "mkdir")
    for program in ("postgres", "initdb", "psql", "pg_dump", "pg_restore", "pg_isready"):
        image.program(home / "bin" / program)
        image.link(f"usr/bin/{program}", str(home / "bin" / program))
    for library in ("plpgsql", "dict_snowball"):
        image.program(home / f"lib/{library}.so")
    image.tree("/usr/share/postgresql/15", ["man", "extension", "tsearch_data"])
    for file in ("plpgsql.control", "plpgsql--1.0.sql"):
        image.add(f"/usr/share/postgresql/15/extension/{file}")
    for file in pathlib.Path("/usr/share/postgresql/15/tsearch_data").iterdir():
        image.add(file)
    for file in ("UTC", "GMT", "Etc/UTC"):
        image.add(f"/usr/share/zoneinfo/{file}")
    image.text("etc/passwd", "postgres:x:101:101::/tmp:/bin/sh\n", 0o644)
    image.text("start", POSTGRES)
    image.folder("tmp")
    image.folder("var/lib/postgresql/data", 0o700, owner=101)
    image.load(engine, "postgres:16-alpine", 'CMD ["/start"]', "USER 101",
               "ENV PGHOST=/tmp PATH=/usr/bin:/bin")
    image = HostImage()
    image.busybox("sh")
    image.program("/usr/bin/redis-server", "usr/lib/redis-server")
    # That of the official image is built without the protected mode.
    image.text("usr/bin/redis-server", '#!/bin/sh\nexec /usr/lib/redis-server "$@" --protected-mode no\n')
    image.program("/usr/bin/redis-cli")
    image.folder("data")
    image.folder("tmp")
    image.load(engine, "redis:7-alpine", "ENV PATH=/usr/bin:/bin", "WORKDIR /data")
    image = HostImage()
    image.python()
    image.busybox("sh")
    image.add(HERE / "stand_ins/smoltbot.py", "app/stand_in.py")
    image.folder("tmp")
    image.load(engine, "smoltbot/gateway:base", 'CMD ["/usr/bin/python3", "-u", "/app/stand_in.py"]')
    for tag, variables in RELEASES.items():
        derived(engine, f"smoltbot/gateway:{tag}", "smoltbot/gateway:base", f"ENV RELEASE={tag} {variables}")


def token(expires_in, **more):
    claims = {"license_id": "lic-1", "account_id": "a", "plan_id": "p", "exp": int(time.time() + expires_in)} | more
    parts = ({"alg": "HS256", "typ": "JWT"}, claims, "not looked at")
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


class Smoltbot(Profile):
    def __init__(self, engine, folder):
        super().__init__(engine, folder, "smoltbot", ["belay.yaml", "docker-compose.yml"], 300)
        self.env |= {"POSTGRES_CONTAINER": "smoltbot_postgres_1"}
        self.redis = free_port()
        self.write_env(token(90 * 86400))
        for release, count in COUNTS.items():
            place = folder / f"releases/{release}/database/migrations"
            place.mkdir(parents=True)
            for name, text in list(MIGRATIONS.items())[:count]:
                (place / name).write_text(text)

    def write_env(self, jwt):
        # The gateway answers 404 below /rest, as any place that speaks HTTP would do.
        self.secret(".env", "POSTGRES_PASSWORD=of-the-database\nSUPABASE_URL=http://gateway:8787\n"
                    f"SUPABASE_JWT_SECRET=of-the-observer\nPORT={self.port}\nREDIS_PORT={self.redis}\n"
                    f"MNEMOM_LICENSE_JWT={jwt}\n")

    def get(self, path, body=None):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", body, timeout=5) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def is_ready(self):
        try:
            return self.get("/health/ready")[0] == 200
        except OSError:
            return False

    def sql(self, text):
        return self.engine.say("exec", "smoltbot_postgres_1", "psql", "-U", "smoltbot", "-d", "smoltbot", "-Atc", text)

    def messages(self):
        ended = subprocess.run(["redis-cli", "-p", str(self.redis), "GET", "messages"], capture_output=True,
                               text=True, check=True)
        return int(ended.stdout or 0)

    def release(self):
        env = self.engine.inspect("smoltbot_gateway_1")["Config"]["Env"]
        return next(each.removeprefix("RELEASE=") for each in env if each.startswith("RELEASE="))

    def ledger(self):
        return self.sql("SELECT filename FROM _schema_migrations ORDER BY 1").split()


@pytest.fixture(scope="module")
def stack(running_engine, tmp_path_factory):
    """v2.0.1, brought up by compose with the ledger of its own runner, and taken over by belay."""
    make_images(running_engine)
    made = Smoltbot(running_engine, tmp_path_factory.mktemp("smoltbot") / "docker")
    made.compose("up", "-d")
    wait_until("PostgreSQL answers", lambda: running_engine.docker(
        "exec", "smoltbot_postgres_1", "pg_isready", "-U", "smoltbot", "-d", "smoltbot", check=False).returncode == 0, 60)
    made.sql("CREATE TABLE _schema_migrations (filename TEXT PRIMARY KEY, applied_at TIMESTAMPTZ DEFAULT now());"
             "INSERT INTO _schema_migrations VALUES ('001_init.sql');" + MIGRATIONS["001_init.sql"] +
             "INSERT INTO agents (name, secret) SELECT 'agent ' || n, 's' || n FROM generate_series(1, 50) n")
    wait_until("the gateway is ready", made.is_ready, 60)
    made.belay("upgrade", "--to", "v2.0.1", "--yes", "--ack", "release-notes", "--evidence", "staging=v2.0.1",
               status=DONE)
    for _ in range(3):
        assert made.get("/v1/messages", b"{}")[0] == 200
    yield made
    running_engine.clear()


def test_a_minor_release_tells_of_its_notes_migrates_and_commits(stack):
    ended = stack.upgrade("v2.1.0")
    assert "is a minor step: read its release notes" in ended.stdout, told(ended)
    assert stack.release() == "v2.1.0" and stack.ledger() == ["001_init.sql", "002_nudge.sql"]
    assert stack.sql("SELECT count(*), count(nudge_strategy) FROM agents") == "50|0"
    assert stack.messages() == 3
    assert "queue" in stack.belay("report").stdout


def test_an_image_that_cannot_start_goes_back(stack):
    """S1c, S1d: from the pinned image, with what was written until the stop."""
    stack.sql("INSERT INTO agents (name) VALUES ('before')")
    ended = stack.upgrade("v2.2.0", status=ROLLED_BACK)
    assert "ERR_MODULE_NOT_FOUND" in stack.belay("report").stdout + ended.stdout
    assert stack.release() == "v2.1.0" and stack.is_ready()
    assert stack.sql("SELECT count(*) FROM agents") == "51"
    assert stack.messages() == 3


def test_a_major_release_wants_evidence_and_its_damage_is_undone(stack):
    """S1f, S1h: what the new release dropped is there again, once, with the queue of the same moment."""
    ended = stack.upgrade("v3.0.0", "--ack", "release-notes", status=BLOCKED)
    assert "staging" in ended.stdout + ended.stderr, told(ended)
    before = stack.sql("SELECT count(*), count(secret), count(DISTINCT id) FROM agents")
    process = subprocess.Popen(["/usr/bin/python3", "-c", f'''
import time, urllib.request
while True:
    try: urllib.request.urlopen("http://127.0.0.1:{stack.port}/v1/messages", b"{{}}", timeout=2).close()
    except OSError: time.sleep(0.02)
'''])
    try:
        ended = stack.upgrade("v3.0.0", "--ack", "release-notes", "--evidence", "staging=v3.0.0", status=ROLLED_BACK)
    finally:
        process.kill()
        process.wait()
    assert re.search("trigger 'errors-high' fired: 'errors' at 1", ended.stdout), told(ended)
    assert stack.release() == "v2.1.0" and stack.is_ready()
    assert stack.sql("SELECT count(*), count(secret), count(DISTINCT id) FROM agents") == before
    assert "004_drop_secret.sql" not in stack.ledger()
    assert stack.messages() >= 3


def test_every_way_back_by_hand(stack):
    """S1d, S1e: a build took the name of the old image, and somebody pruned. S1g: no migration that lies there runs."""
    old = stack.engine.say("images", "-q", "--no-trunc", "smoltbot/gateway:v2.0.1")
    stack.engine.docker("tag", "smoltbot/gateway:v2.2.0", "smoltbot/gateway:v2.0.1")
    stack.engine.docker("image", "prune", "-f")
    stack.belay("rollback", "--level", "restart", "--yes", status=DONE)
    count = stack.messages()
    assert stack.release() == "v2.1.0"
    stack.get("/v1/messages", b"{}")
    ended = stack.belay("rollback", "--level", "full", "--yes", status=DONE)
    assert stack.release() == "v2.0.1", told(ended)
    assert stack.ledger() == ["001_init.sql"] and stack.sql("SELECT count(*) FROM agents") == "50"
    assert stack.messages() == 3 and count >= 3
    assert stack.engine.inspect("smoltbot_gateway_1")["Image"] == old
    stack.engine.docker("tag", old, "smoltbot/gateway:v2.0.1")


@pytest.mark.parametrize("line, said", [
    # S1b: without it the observer dies again and again. S1r: what the published file falls back to.
    ("SUPABASE_JWT_SECRET=", "SUPABASE_JWT_SECRET"), ("POSTGRES_PASSWORD=changeme", "still has a placeholder")])
def test_what_env_lacks_is_told_before_anything_is_touched(stack, line, said):
    good = (stack.folder / ".env").read_text()
    stack.rewrite(".env", lambda text: re.sub(rf"(?m)^{line.partition('=')[0]}=.*$", line, text))
    ended = stack.belay("check", status=BLOCKED)
    stack.secret(".env", good)
    assert said in ended.stdout, told(ended)


def test_a_license_that_runs_out_is_told_before_anything_is_touched(stack):
    stack.write_env(token(3600))
    ended = stack.belay("check", status=BLOCKED)
    assert "license 'gateway'" in ended.stdout and "expires" in ended.stdout, told(ended)
    stack.write_env(token(90 * 86400, license_id=None))
    stack.write_env("only.two")
    ended = stack.belay("check", status=BLOCKED)
    stack.write_env(token(90 * 86400))


def test_a_backup_of_database_and_queue_is_proved_and_plain(stack):
    """S1i: no file of half a dump; the queue, which the guide leaves out, is in it."""
    stack.belay("repo", "init", status=DONE)
    ended = stack.belay("backup", status=DONE)
    point = re.search(r"restore point (p-\S+)", ended.stdout)[1]
    then = stack.folder / "then"
    stack.belay("restore", "smoltbot", point, "--into", str(then), status=DONE)
    dump = next((then / "stores/db").rglob("dump"))
    listed = subprocess.run(["/usr/lib/postgresql/15/bin/pg_restore", "--list", dump], capture_output=True, text=True,
                            check=True).stdout
    assert "TABLE DATA public agents" in listed
    assert list((then / "stores/queue").rglob("*.rdb"))
