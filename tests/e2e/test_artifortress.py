"""examples/artifortress: its belay.yaml as it is, but for its times, with a real PostgreSQL and stand-ins for API and worker.

Each test begins with v0.1.0 and nine migrations, as its seed left them, and brings that back or is given a new one.
"""
import contextlib
import datetime
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import pytest

from artifortress.migrations import FILES
from project import BELAY, BLOCKED, DONE, HERE, LOCKED, NEEDS_OPERATOR, ROLLED_BACK, UNCHANGED, told, wait_until

EXAMPLE = HERE.parent.parent / "examples/artifortress"
MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
TODAY = datetime.datetime.now(datetime.timezone.utc).date()
GIVEN = ["--evidence=ci=built: latest " + " ".join(f"v0.{n}.{m}" for n in (1, 2) for m in range(9)), "--evidence=rollback-owner=Ada",
         "--evidence=channel=#ops", f"--evidence=drill={TODAY} all well"]
DIVISOR = 3600  # 5 minutes are 83 ms, 60 minutes 1 s
# Of each release how many migrations it has, and what is wrong with it.
RELEASES = {
    "v0.1.0": (9, {}), "v0.1.1": (9, {}), "v0.2.0": (15, {}), "v0.2.1": (15, {"breaks": "not_ready"}),
    "v0.1.2": (9, {"breaks": "exits"}), "v0.1.3": (9, {"breaks": "degraded"}), "v0.1.4": (9, {"breaks": "dies"}),
    "v0.1.5": (9, {"breaks": "floods"}), "v0.1.6": (9, {"breaks": "fails_jobs"}),
    "v0.1.7": (9, {"breaks": "redelivers"}),
}
SEED = """
INSERT INTO tenants (slug, name) VALUES ('main', 'Main');
INSERT INTO repos (tenant_id, repo_key, repo_type) SELECT tenant_id, 'main', 'local' FROM tenants;
INSERT INTO personal_access_tokens (tenant_id, subject, token_hash, expires_at)
  SELECT tenant_id, 'ops', '{hash}', now() + interval '1 year' FROM tenants;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO artifortress_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO artifortress_app;
"""


def shortened(text):
    """The times of watch and triggers; and what is ready is asked often."""
    text = re.sub(r"\b(watch|watch_every|for|failing_for): (\d+)(ms|s|m|h)\b",
                  lambda m: f"{m[1]}: {max(1, int(m[2]) * MILLISECONDS[m[3]] // DIVISOR)}ms", text)
    return re.sub(r"\bwithin: \dm\b", "every: 50ms, consecutive: 2, within: 6s", text)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    ready = tmp_path_factory.mktemp("postgres") / "ready"
    process = subprocess.Popen([sys.executable, HERE.parent / "support/postgres_server.py", "--parent", str(os.getpid()),
                                "--ready", ready])
    try:
        wait_until("the server runs", lambda: ready.exists() or process.poll() is not None, 180)
        yield dict(line.split(" ", 1) for line in ready.read_text().splitlines())
    finally:
        process.terminate()
        process.wait(300)


class Artifortress:
    def __init__(self, folder, server):
        self.folder, self.server = folder, server
        self.acknowledged, self.count = set(), 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.objects = folder / "minio"
        self.env = {
            "PORT": str(self.port), "PGHOST": server["socket"], "PGPORT": server["port"], "OBJECTS": str(self.objects),
            "OBJECT_ENDPOINT": f"folder://{self.objects}", "WORKER_POLL_SECONDS": "0.05", "E2E_MARK": str(folder),
            "PATH": server["tools"] + ":" + os.environ["PATH"], "NO_COLOR": "1",
            "BELAY_REPOSITORY": str(folder / "repository"), "BELAY_PASSWORD": str(folder / "password")}
        for inside in (".minio.sys", "artifortress/staging"):
            (self.objects / inside).mkdir(parents=True)
        (self.objects / ".minio.sys/format.json").write_text('{"version": "1", "format": "xl-single"}')
        shutil.copy(EXAMPLE / "check-data", folder)
        yaml = shortened((EXAMPLE / "belay.yaml").read_text())
        # So that they are found and ended, as everything that a test starts.
        (folder / "belay.yaml").write_text(yaml.replace("    env: &env\n", f'    env: &env\n      E2E_MARK: "{folder}"\n'))
        self.secret("ops.token", "ops-token\n")
        self.secret("password", "of-the-repository")
        self.secret("object-storage.secret", "of-the-bucket")
        self.secret("postgres.connection", f"Host={server['socket']};Port={server['port']};Database=artifortress;"
                    "Username=artifortress_app")
        for label, (count, release) in RELEASES.items():
            self.release(label, count, release)
        self.make_database()

    def secret(self, name, text):
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o600)

    def release(self, label, migrations, release, **changed):
        """A release as `dotnet publish` and a checkout leave it."""
        for part, program in (("api", "Artifortress.Api"), ("worker", "Artifortress.Worker")):
            folder = self.folder / "dist" / label / part
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / "artifortress/stand_in.py", folder / program)
            (folder / program).chmod(0o755)
            (folder / "release.json").write_text(json.dumps({"label": label} | release))
        folder = self.folder / "dist" / label / "db/migrations"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (dict(list(FILES.items())[:migrations]) | changed).items():
            (folder / name).write_text(text)

    def make_database(self):
        roles = self.sql("SELECT rolname FROM pg_roles WHERE rolname LIKE 'artifortress%'", "postgres", "postgres")
        if not roles:
            self.sql("CREATE ROLE artifortress LOGIN CREATEDB; CREATE ROLE artifortress_app LOGIN;"
                     "GRANT pg_signal_backend, pg_read_all_settings TO artifortress", "postgres", "postgres")
        for name in self.sql("SELECT datname FROM pg_database WHERE datname LIKE 'artifortress%'", "postgres", "postgres"):
            self.sql(f'DROP DATABASE "{name}" WITH (FORCE)', "postgres", "postgres")
        self.sql("CREATE DATABASE artifortress OWNER artifortress", "postgres", "postgres")
        self.bring_to_nine("artifortress")

    def bring_to_nine(self, database):
        """By their own runner, whose ledger that is."""
        script = "CREATE TABLE schema_migrations (version text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());"
        for name in list(FILES)[:9]:
            script += FILES[name] + f"INSERT INTO schema_migrations (version) VALUES ('{name}');\n"
        self.sql(script + SEED.format(hash=hashlib.sha256(b"ops-token").hexdigest()), database)

    def sql(self, script, database="artifortress", user="artifortress"):
        ran = subprocess.run([self.server["tools"] + "/psql", "-h", self.server["socket"], "-p", self.server["port"], "-U",
                              user, "-d", database, "-XqAt", "-v", "ON_ERROR_STOP=1"], input=script, text=True,
                             capture_output=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.splitlines()

    # --- belay

    def belay(self, *arguments, status=None, env=None):
        ended = subprocess.run([BELAY, *arguments], cwd=self.folder, text=True, check=False, timeout=240, capture_output=True,
                               stdin=subprocess.DEVNULL, env=os.environ | self.env | (env or {}))
        assert status is None or ended.returncode == status, told(ended)
        return ended

    def upgrade(self, to, *arguments, status=DONE, **more):
        """With the evidence that a minor step asks for."""
        return self.belay("upgrade", "--to", to, "--yes", *GIVEN, *arguments, status=status, **more)

    def rollback(self, *arguments, status=DONE):
        return self.belay("rollback", "--yes", *arguments, status=status)

    # --- the system

    def ask(self, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"Authorization": "Bearer ops-token"},
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def publish(self, count=1):
        """Acknowledged: neither its row nor its bytes may ever be lost."""
        for _ in range(count):
            self.count += 1
            name = f"package-{self.count}"
            with contextlib.suppress(OSError):
                self.ask("/v1/repos/main/publish", {"name": name})
                self.acknowledged.add(name)

    def label(self):
        """Of the release that answers, by the folder that its process runs in."""
        return json.loads((self.folder / ".belay/releases/api/current/release.json").read_text())["label"]

    def ledger(self):
        return self.sql("SELECT version FROM schema_migrations ORDER BY 1")

    def lost(self):
        """Names whose row or bytes are not live."""
        live = (line.split("|") for line in self.sql(
            "SELECT p.name, storage_key FROM packages p JOIN package_versions USING (package_id) JOIN artifact_entries "
            "USING (version_id) JOIN blobs ON digest = blob_digest"))
        return self.acknowledged - {name for name, key in live if (self.objects / "artifortress" / key).exists()}

    def nowhere(self):
        """Names that are neither live nor in what a way back swapped out, exported as a person would."""
        missing = self.lost()
        for line in self.belay("--json", "abandoned", status=DONE).stdout.splitlines() if missing else []:
            into = self.folder / "exported" / json.loads(line)["id"]
            if not into.exists():
                self.belay("abandoned", "export", into.name, "--into", str(into), status=DONE)
            rows = (into / "db/written.sql").read_text()
            missing -= {name for name in missing if f"'{name}'" in rows}
        return missing

    def others(self):
        """Databases beside the one, but those that a way back needs."""
        return self.sql("SELECT datname FROM pg_database WHERE datname ~ '^artifortress_' AND datname !~ "
                        "'__(belay|abandoned)_'", "postgres")

    def is_as_before(self):
        with contextlib.suppress(OSError, AssertionError):
            return self.label() == "v0.1.0" and len(self.ledger()) == 9 and not self.lost() and \
                self.ask("/health/ready")["status"] == "ready"
        return False

    def pids(self):
        """Of everything that was started for it."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if f"E2E_MARK={self.folder}".encode() in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
        return sorted(found)

    def end(self):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)

    @contextlib.contextmanager
    def changed(self, name, before, after):
        """A file in which somebody changed something, for a while."""
        path = self.folder / name
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))
        try:
            yield
        finally:
            path.write_text(text)


@pytest.fixture(scope="module")
def kept():
    """The system that the next test may go on with."""
    held = {}
    yield held
    if held:
        held["now"].end()


@pytest.fixture
def system(kept, server, tmp_path):
    if "now" not in kept or not kept["now"].is_as_before():
        if "now" in kept:
            kept.pop("now").end()
        made = kept["now"] = Artifortress(tmp_path, server)
        made.upgrade("v0.1.0")
        made.publish(12)
        wait_until("the worker has indexed all", lambda: made.sql("SELECT count(*) FROM search_documents") == ["12"])
    return kept["now"]


class Writer(threading.Thread):
    """Publishes all the time."""

    def __init__(self, system):
        super().__init__()
        self.system, self.ends = system, threading.Event()

    def run(self):
        while not self.ends.wait(0.1):
            self.system.publish()

    def __enter__(self):
        self.start()

    def __exit__(self, *_):
        self.ends.set()
        self.join()


def test_a_release_with_migrations_commits_and_comes_back(system):
    """A4, A6, A11: files run while neither release does; the way back runs none, and brings the old CHECK back."""
    with Writer(system):
        ended = system.upgrade("v0.2.0")
    assert re.findall(r"\] (quiesce|migrate|start) ", ended.stdout) == ["quiesce", "migrate", "start"]
    assert "0014_search_assurance_controls.sql:1 drops a constraint of search_index_jobs" in ended.stdout
    assert "6 files in" in ended.stdout and "the schema is what the rehearsal left" in ended.stdout
    assert system.label() == "v0.2.0" and system.ledger() == list(FILES)
    assert len(system.acknowledged) > 12 and not system.lost()
    assert "fail:" not in (system.folder / ".belay/log/api.log").read_text()
    system.sql("UPDATE search_index_jobs SET status = 'cancelled'")
    blocked = system.rollback("--level", "release", status=BLOCKED)
    assert "the release alone must not go back" in blocked.stdout + blocked.stderr
    system.publish(3)
    ended = system.rollback()
    assert re.findall(r"\] (hold|restore_data|start_again) ", ended.stdout) == ["hold", "restore_data", "start_again"]
    assert system.label() == "v0.1.0" and system.ledger() == list(FILES)[:9] and "migrate" not in ended.stdout
    assert system.sql("SELECT count(*) FROM search_index_jobs WHERE status = 'cancelled'") == ["0"]
    assert system.lost() and not system.nowhere()
    system.acknowledged -= system.lost()


BAD = {
    "v0.1.2": ["'api.ready'", "Could not load file or assembly"],
    "v0.1.3": ["trigger 'not-ready' fired: 'api.ready'", "degraded"],  # A15: its status is 200
    "v0.1.4": ["worker", "has ended", "InvalidCastException"],
    "v0.1.5": ["trigger 'outbox-critical' fired: 'outbox' at 25"],
    "v0.1.6": ["trigger 'failed-jobs-", "fired: 'failed-jobs' at "],
    "v0.1.7": ["trigger 'outbox-age-critical' fired: 'outbox-age' at "],
}


@pytest.mark.parametrize("label", BAD, ids=lambda label: RELEASES[label][1]["breaks"])
def test_a_bad_release_goes_back_and_what_was_published_stays(system, label):
    """A13: the summary is compared with that of before. No file moved the schema: the release goes back alone."""
    system.sql("UPDATE outbox_events SET occurred_at = now() - interval '2 hours'")
    with Writer(system):
        ended = system.upgrade(label, status=ROLLED_BACK)
    said = ended.stdout + system.belay("report").stdout
    for words in BAD[label]:
        assert words in said, f"no '{words}' in {told(ended)}"
    assert "level release" in said, said
    assert system.label() == "v0.1.0" and not system.lost()
    system.sql("UPDATE outbox_events SET delivered_at = now(); UPDATE search_index_jobs SET status = 'completed'")


def test_a_bad_release_whose_files_ran_goes_back_with_its_data(system):
    with system.changed("belay.yaml", "  migrate:\n", "  rehearse: never\n  migrate:\n"), Writer(system):
        ended = system.upgrade("v0.2.1", status=ROLLED_BACK)
    assert "'api.ready'" in ended.stdout and "not_ready" in ended.stdout, told(ended)
    assert system.label() == "v0.1.0" and system.ledger() == list(FILES)[:9]
    assert not system.nowhere()
    system.acknowledged -= system.lost()


def test_a_file_that_fails_in_the_middle_leaves_nothing(system):
    """A5: found on a copy; and where nobody rehearsed, taken back with the files before it. Two runners do not meet."""
    name = "0012_tenant_role_bindings_and_audit_correlation.sql"
    system.release("v0.2.2", 15, {}, **{name: FILES[name] + "INSERT INTO nowhere VALUES (1);\n"})
    running = system.pids()
    ended = system.upgrade("v0.2.2", status=UNCHANGED)
    assert f'on a copy of the data it fails: store \'db\': {name}:5: relation "nowhere" does not exist' in ended.stdout
    assert system.pids() == running and system.others() == []
    hook = 'post_secure: [ { run: [sh, -c, "echo > here; until [ -e go ]; do sleep 0.05; done"] } ]'
    with system.changed("belay.yaml", "  migrate:\n", "  rehearse: never\n  migrate:\n"), \
            system.changed("belay.yaml", "hooks:\n", f"hooks:\n  {hook}\n"), \
            Writer(system):
        first = subprocess.Popen([BELAY, "upgrade", "--to", "v0.2.2", "--yes", *GIVEN], cwd=system.folder, text=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 env=os.environ | system.env)
        try:
            wait_until("all is stopped", lambda: (system.folder / "here").exists() or first.poll() is not None, 120)
            other = system.upgrade("v0.2.0", status=None)
        finally:
            (system.folder / "go").write_text("")
            out, _ = first.communicate(timeout=240)
    assert other.returncode == LOCKED, told(other)
    assert first.returncode == ROLLED_BACK and f'{name}:5: relation "nowhere" does not exist' in out, out
    assert system.ledger() == list(FILES)[:9] and not system.lost()
    assert system.sql("SELECT to_regclass('pat_issuance_policies') IS NULL") == ["t"]
    assert "6 migrations will run: 0010_" in system.belay("plan", "--to", "v0.2.0", *GIVEN).stdout


def test_a_backup_is_restored_whole_or_not_at_all(system):
    """A1, A2, A3, A9, A10: while clients publish; with grants; bytes that were collected since are there again."""
    system.belay("repo", "init", status=DONE)
    system.sql("GRANT SELECT ON blobs TO pg_monitor")
    kept = set(system.acknowledged)
    with Writer(system):
        ended = system.belay("backup", status=DONE)
    point = re.search(r"restore point (p-\S+)", ended.stdout)[1]
    assert system.others() == [] and not list(pathlib.Path("/tmp").glob("artifortress*"))
    assert not [each for each in system.folder.rglob("*") if each.stat().st_mode & 0o077 and "repository" in each.parts]
    system.belay("verify", point, status=DONE)
    # The collector takes a version and its bytes.
    digest, key = system.sql("DELETE FROM artifact_entries WHERE relative_path = 'package-1' RETURNING blob_digest, "
                             "(SELECT storage_key FROM blobs WHERE digest = blob_digest)")[0].split("|")
    system.sql(f"DELETE FROM blobs WHERE digest = '{digest}'")
    (system.objects / "artifortress" / key).unlink()
    assert system.lost() == {"package-1"}
    system.publish(3)
    # Of a repository that is cut off nothing is taken, and nothing live is touched.
    broken = system.folder / "broken"
    shutil.copytree(system.folder / "repository", broken)
    for pack in (broken / "data").rglob("*"):
        if pack.is_file():
            os.truncate(pack, pack.stat().st_size * 6 // 10)
    running, live = system.pids(), system.sql("SELECT count(*) FROM blobs")
    ended = system.belay("rollback", "--to", point, "--level", "full", "--yes", env={"BELAY_REPOSITORY": str(broken)},
                         status=NEEDS_OPERATOR)
    assert "the file ends before it" in ended.stderr
    system.rollback("--to", "p-20260101T000000.000Z-0000", "--level", "full", status=UNCHANGED)
    assert system.pids() == running and system.sql("SELECT count(*) FROM blobs") == live
    ended = system.rollback("--to", point, "--level", "full")
    assert "reconcile: status 200" in ended.stdout and "blobs, each in the object store" in ended.stdout
    assert kept <= system.acknowledged - system.lost() and not system.nowhere()
    assert system.sql("SELECT has_table_privilege('pg_monitor', 'blobs', 'SELECT')") == ["t"]
    system.acknowledged -= system.lost()
    system.publish()  # the application's role may still write
    assert not system.lost()


def test_another_database_is_not_taken_for_this_one(system):
    """A7, A8: an empty one is ready, and the one of the development is like it."""
    system.sql("CREATE DATABASE artifortress_dev", "postgres")
    try:
        system.release("v0.1.8", 9, {"database": "artifortress_dev"})
        ended = system.upgrade("v0.1.8", status=ROLLED_BACK)
        assert "api.ready: status 200" in ended.stdout and "smoke test 'whoami'" in ended.stdout, told(ended)
        running = system.pids()
        system.bring_to_nine("artifortress_dev")
        with system.changed("belay.yaml", "{ database: artifortress,", "{ database: artifortress_dev,"), \
                system.changed("belay.yaml", "artifortress, -d, artifortress]", "artifortress, -d, artifortress_dev]"):
            ended = system.upgrade("v0.1.1", status=BLOCKED)
        assert "the API reads and writes another database" in ended.stdout + ended.stderr, told(ended)
        assert system.pids() == running
    finally:
        system.sql("DROP DATABASE artifortress_dev WITH (FORCE)", "postgres")


def test_a_label_that_moves_is_not_taken_for_another_release(system):
    """A12: what ran as `latest` is kept as it was."""
    system.release("latest", 9, {})
    system.upgrade("latest", "--ack", "release-notes")
    system.release("latest", 9, {"breaks": "exits"})
    ended = system.upgrade("latest", "--ack", "release-notes", status=BLOCKED)
    assert "'latest' of service 'api' exists, and its source has changed" in ended.stdout, told(ended)
    system.rollback("--level", "release")
    assert system.label() == "v0.1.0"


def test_what_was_over_its_threshold_before_only_warns(system):
    """A13: and the way back of a patch leaves the data alone."""
    system.sql("INSERT INTO outbox_events (tenant_id, aggregate_type, aggregate_id, event_type, payload, occurred_at) SELECT "
               "tenant_id, 'tenant', n::text, 'tenant.changed', '{}', now() - interval '1 hour' FROM tenants, "
               "generate_series(1, 300) n; INSERT INTO gc_runs (tenant_id, mode) SELECT tenant_id, 'execute' FROM tenants")
    system.sql("UPDATE search_index_jobs SET status = 'failed'")
    system.sql("WITH versions AS (INSERT INTO package_versions (tenant_id, repo_id, package_id, version, state) "
               "SELECT tenant_id, repo_id, package_id, n::text, 'draft' FROM packages, generate_series(1, 101) n "
               "WHERE name = 'package-1' RETURNING *) INSERT INTO search_index_jobs (tenant_id, version_id, status) "
               "SELECT tenant_id, version_id, 'processing' FROM versions; INSERT INTO audit_log (tenant_id, actor_subject, action, resource_type, resource_id) "
               "SELECT tenant_id, 'ops', 'policy.timeout', 'policy', '1' FROM tenants")
    ended = system.upgrade("v0.1.1")
    for name in ("outbox", "outbox-age", "failed-jobs", "pending-jobs", "gc-runs", "timeouts"):  # an age grows by itself
        assert f"trigger '{name}-warning' fired" in ended.stdout, told(ended)
    system.publish(3)
    system.rollback("--level", "restart")
    assert system.label() == "v0.1.1"
    assert "level release" in system.rollback().stdout
    assert system.label() == "v0.1.0" and not system.lost()
    system.sql("UPDATE outbox_events SET delivered_at = now(); UPDATE search_index_jobs SET status = 'completed'; "
               "DELETE FROM gc_runs; DELETE FROM package_versions WHERE state = 'draft'; DELETE FROM audit_log")


def test_an_upgrade_without_its_evidence_is_refused(system):
    ended = system.belay("upgrade", "--to", "v0.2.0", "--yes", "--evidence=ci=v0.1.9", status=BLOCKED)
    for name in ("ci", "rollback-owner", "channel", "drill"):
        assert f"'{name}'" in ended.stdout, told(ended)
