"""examples/duskmantle: its belay.yaml as it is, but for its times, against a stand-in of the three services."""
import base64
import json
import pathlib
import re
import sqlite3
import tarfile
import threading
import urllib.request

import pytest
from host_image import HostImage, derived
from example_stack import Profile
from project import BLOCKED, DONE, ROLLED_BACK, UNCHANGED, told, wait_until

HERE = pathlib.Path(__file__).resolve().parent
RELEASES = {
    "1.1.0": "",
    "1.2.0": 'STAND_IN_MIGRATIONS="001_constraints 003_symbols"',
    "not-ready": "STAND_IN_BREAKS=not-ready",
    "migrate": 'STAND_IN_BREAKS=migrate STAND_IN_MIGRATIONS="001_constraints 003_symbols"',
    "ingest": "STAND_IN_BREAKS=ingest",
    "scheduled-ingest": "STAND_IN_BREAKS=scheduled-ingest",
    "loses": "STAND_IN_BREAKS=loses STAND_IN_VECTOR=384",
}


def make_images(engine):
    image = HostImage()
    image.python()
    image.program("/bin/bash")
    image.busybox("sh", "head", "grep", "sleep", "cat")
    image.add(HERE / "stand_ins/duskmantle.py", "app/stand_in.py")
    for command in ("gateway-graph", "gateway-ingest", "cypher-shell"):
        image.text(f"bin/{command}", f'#!/bin/sh\nexec /usr/bin/python3 /app/stand_in.py {command} "$@"\n')
    for folder in ("tmp", "data", "logs", "workspace/repo", "opt/knowledge/var", "qdrant/storage"):
        image.folder(folder)
    image.load(engine, "duskmantle/base", 'CMD ["/usr/bin/python3", "-u", "/app/stand_in.py"]')
    derived(engine, "neo4j:5.26.0", "duskmantle/base", "ENV ROLE=neo4j")
    derived(engine, "qdrant/qdrant:v1.15.5", "duskmantle/base", "ENV ROLE=qdrant")
    for tag, variables in RELEASES.items():
        derived(engine, f"duskmantle/km:{tag}", "duskmantle/base", f"ENV ROLE=gateway {variables}")


class Duskmantle(Profile):
    def __init__(self, engine, folder):
        files = ["belay.yaml", "docker-compose.yml", "gateway.env.example"]
        super().__init__(engine, folder, "duskmantle", files, 1800)
        self.env |= {"KM_PORT": str(self.port), "KM_CONTAINER": "duskmantle_gateway_1"}
        self.secret(".env", f"KM_NEO4J_PASSWORD=graph-secret\nKM_PORT={self.port}\n")
        example = (folder / "gateway.env.example").read_text()
        self.secret("gateway.env", example.replace("READER_TOKEN=", "READER_TOKEN=reader-secret")
                    .replace("ADMIN_TOKEN=", "ADMIN_TOKEN=admin-secret").replace("MINUTES=30", "MINUTES=0.01"))
        self.secret("admin.token", "admin-secret\n")
        self.config = folder / "config"
        for name in ("gateway", "neo4j/data", "neo4j/logs", "qdrant"):
            (self.config / name).mkdir(parents=True)
        (folder / "repo").mkdir()
        for number in range(4):
            (folder / f"repo/design-{number}.md").write_text(f"# {number}\nthe gateway\nand more\n")

    def get(self, path, token="admin-secret"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}",
                                         headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=5) as reply:
            return json.load(reply)

    def is_ready(self):
        try:
            return self.get("/readyz") == {"status": "ready"}
        except OSError:
            return False

    def release(self):
        """Which of the images really runs."""
        running = self.engine.inspect("duskmantle_gateway_1")["Image"]
        return next(tag for tag in RELEASES if self.engine.say("images", "-q", "--no-trunc",
                                                               f"duskmantle/km:{tag}") == running)

    def variables(self):
        """That the owner has given to the gateway."""
        return sorted(each for each in self.engine.inspect("duskmantle_gateway_1")["Config"]["Env"]
                      if each.startswith("KM_"))

    def graph(self):
        return json.loads((self.config / "neo4j/data/graph.json").read_text())

    def vectors(self):
        place = self.config / "qdrant/collections/km_knowledge_v1"
        return (json.loads((place / "config.json").read_text())["size"],
                sorted(json.loads((place / "points.json").read_text())))

    def runs(self):
        """Of ingests, those that somebody asked for."""
        database = sqlite3.connect(f"file:{self.config}/gateway/audit/audit.db?mode=ro", uri=True)
        try:
            return database.execute("SELECT run_id, success FROM ingestion_runs WHERE profile = 'production' "
                                    "ORDER BY started_at").fetchall()
        finally:
            database.close()

    def ingest(self):
        self.engine.docker("exec", "duskmantle_gateway_1", "gateway-ingest", "rebuild", "--profile", "production")

    def data(self):
        graph = self.graph()
        return graph.get("notes", []), graph["nodes"], graph["migrations"], self.vectors(), self.runs()


@pytest.fixture(scope="module")
def stack(running_engine, tmp_path_factory):
    """1.1.0, brought up by compose, ingested, and taken over by belay."""
    make_images(running_engine)
    made = Duskmantle(running_engine, tmp_path_factory.mktemp("duskmantle") / "compose")
    made.compose("up", "-d")
    wait_until("the gateway is ready", made.is_ready, 60)
    made.ingest()
    made.upgrade("1.1.0")
    yield made
    running_engine.clear()


def writer(stack, acknowledged):
    """Writes into the graph, past everybody, until it is stopped."""
    networks = stack.engine.inspect("duskmantle_neo4j_1")["NetworkSettings"]["Networks"]
    address = next(iter(networks.values()))["IPAddress"]
    login = base64.b64encode(b"neo4j:graph-secret").decode()

    def write():
        while True:
            name = f"note-{len(acknowledged)}"
            body = json.dumps({"add": {"notes": [name]}}).encode()
            try:
                urllib.request.urlopen(urllib.request.Request(f"http://{address}:7687/", body, {
                    "Authorization": f"Basic {login}"}), timeout=5).close()
            except OSError:
                return
            acknowledged.append(name)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def test_an_upgrade_commits_and_each_way_back_brings_what_it_says(stack):
    before, variables = stack.data(), stack.variables()
    stack.upgrade("1.2.0")
    upgraded = stack.data()
    assert stack.variables() == variables  # D5: a launch that loses variables has no authentication any more
    stray = stack.config / "gateway/.stray"
    stray.write_text("of 1.2.0")
    assert stack.release() == "1.2.0" and upgraded[2] == ["001_constraints", "003_symbols"]
    assert len(upgraded[4]) == len(before[4]) + 1  # the ingest of the hook
    report = stack.belay("report").stdout
    point = re.search(r"goes back to (p-\S+)", report)[1]
    started = stack.engine.inspect("duskmantle_gateway_1")["State"]["StartedAt"]
    stack.belay("rollback", "--level", "restart", "--yes", status=DONE)
    assert stack.engine.inspect("duskmantle_gateway_1")["State"]["StartedAt"] != started
    assert stack.release() == "1.2.0" and stack.data() == upgraded
    stack.belay("rollback", "--level", "release", "--yes", status=DONE)
    assert stack.release() == "1.1.0" and stack.data() == upgraded
    # D15: the smoke test of the real one builds over the name of the release.
    pinned = stack.engine.inspect("duskmantle_gateway_1")["Image"]
    stack.engine.docker("tag", "duskmantle/km:ingest", "duskmantle/km:1.1.0")
    stack.belay("rollback", "--to", point, "--level", "full", "--yes", status=DONE)
    stack.engine.docker("tag", pinned, "duskmantle/km:1.1.0")
    assert stack.release() == "1.1.0" and stack.data() == before
    assert not stray.exists()  # D9: what begins with a dot is part of the data, and mixed with nothing
    assert "graph" in stack.belay("abandoned").stdout  # what was swapped out is kept


BAD = {"not-ready": "did not become good within",
       "migrate": "hook post_ready 'docker': it ended with exit status 1",
       "scheduled-ingest": "check '(scheduled-ingest': 0 is below 1|last-ingest' is bad)",
       "loses": "check 'artifacts': 1 is below"}


@pytest.mark.parametrize("release", ["not-ready", "scheduled-ingest",
                                     *(pytest.param(name, marks=pytest.mark.thorough) for name in ("migrate", "loses"))])
def test_a_bad_release_goes_back_with_the_data_of_all_stores(stack, release):
    if release == "not-ready":
        stack.rewrite("belay.yaml", lambda text: text.replace("within: 20s", "within: 3s"))
    before, written = stack.data(), []
    thread = writer(stack, written) if release == "not-ready" else None
    ended = stack.upgrade(release, status=ROLLED_BACK)
    if thread:
        thread.join()
        stack.rewrite("belay.yaml", lambda text: text.replace("within: 3s", "within: 20s"))
    assert re.search(BAD[release], ended.stdout), told(ended)
    notes, *rest = stack.data()
    # Neo4j started again, so its two files agree; and what it had acknowledged before the stop is there.
    assert set(notes) == set(before[0]) | set(written) and rest == list(before[1:])
    assert stack.release() == "1.1.0"


def test_a_backup_is_whole_and_comes_back_as_plain_tar(stack):
    """D1: the second one is as good as the first. D3: every store is in it. D10: restored beside, never over."""
    archives = stack.config / "gateway/backups/archives"
    archives.mkdir(parents=True)
    (archives / "km-backup-20260101T000000.tgz").write_bytes(b"x" * 3_000_000)
    stack.belay("repo", "init", status=DONE)
    for _ in range(2):
        ended = stack.belay("backup", status=DONE)
        assert "read back" in ended.stdout, told(ended)
    point = re.search(r"restore point (p-\S+)", ended.stdout)[1]
    then = stack.folder / "then"
    stack.belay("restore", "duskmantle", point, "--into", str(then), status=DONE)
    # D21: the secrets are in it, for nobody else to read.
    secrets = next(then.rglob("gateway.env"))
    assert "admin-secret" in secrets.read_text() and secrets.stat().st_mode & 0o077 == 0
    assert then.stat().st_mode & 0o077 == 0 and (stack.folder / ".belay").stat().st_mode & 0o077 == 0
    stores = then / "stores"
    assert json.loads((stores / "graph/graph.json").read_text())["nodes"] == stack.graph()["nodes"]
    assert (stores / "vectors/collections/km_knowledge_v1/points.json").exists()
    assert not list(stores.rglob("km-backup-*")), "a backup holds no backups"
    assert not (stores / "state/audit").exists() or not list((stores / "state/audit").iterdir())
    rows = sqlite3.connect(next((stores / "ledger").iterdir())).execute("SELECT count(*) FROM ingestion_runs")
    assert rows.fetchone()[0] > 0
    assert (archives / "km-backup-20260101T000000.tgz").exists()


def test_archives_of_the_old_script_are_taken_after_they_were_read_to_the_end(stack):
    old = stack.folder / "km-backup-20260101T000000.tgz"
    with tarfile.open(old, "w:gz") as tar:
        tar.add(stack.config / "neo4j/data", ".")
    torn = stack.folder / "km-backup-20260102T000000.tgz"
    torn.write_bytes(old.read_bytes()[:-40])
    ended = stack.belay("import", str(torn), "--path-as", "/old/graph")
    assert ended.returncode not in (DONE, None), told(ended)
    stack.belay("import", str(old), "--path-as", "/old/graph", status=DONE)
    out = stack.folder / "km-backup-20260103T000000.tgz"
    stack.belay("export", "latest:/old/graph", str(out), status=DONE)
    with tarfile.open(out) as tar:
        assert any(name.endswith("graph.json") for name in tar.getnames())


def test_what_the_preflight_says_of_a_stack_that_is_not_well(stack):
    """D16: `degraded` because nothing was ingested for a day forbids nothing. D7, D8: nothing is stopped to tell."""
    report = stack.config / "gateway/reports/coverage_report.json"
    good = report.read_text()
    report.write_text(json.dumps(json.loads(good) | {"generated_at": 1}))
    assert stack.get("/healthz")["status"] == "degraded"
    ended = stack.belay("check", status=DONE)
    assert "which is store" not in ended.stdout, told(ended)  # the services of its own compose file are no others
    stack.rewrite("gateway.env", lambda text: text.replace("=admin-secret", "="))
    ended = stack.belay("check", status=BLOCKED)
    stack.rewrite("gateway.env", lambda text: text.replace("ADMIN_TOKEN=", "ADMIN_TOKEN=admin-secret"))
    assert "KM_ADMIN_TOKEN" in ended.stdout, told(ended)


def test_a_name_that_is_nobodys_is_an_error(stack):
    """D6: `docker rm -f` of a container that does not exist ends with status 0, and the gateway runs on."""
    stack.rewrite("belay.yaml", lambda text: text.replace("compose: gateway", "compose: duskmantle"))
    ended = stack.belay("plan", "--to", "1.2.0", status=BLOCKED)
    stack.rewrite("belay.yaml", lambda text: text.replace("compose: duskmantle", "compose: gateway"))
    assert "the compose files have no service 'duskmantle'" in ended.stdout, told(ended)


def test_a_change_of_nothing_is_no_upgrade(stack):
    stack.engine.docker("tag", "duskmantle/km:1.1.0", "duskmantle/km:1.1.1")
    ended = stack.upgrade("1.1.1", status=UNCHANGED)
    assert "nothing would change" in ended.stdout + ended.stderr
