"""Duskmantle's operations playbook: what `belay serve` and `belay backup --environment` make of KM_BACKUP_*."""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import types

import pytest

from project import BELAY, DONE, UNCHANGED, USAGE, told, wait_until
from test_serve import Served

STAMPED = re.compile(r"km-backup-\d{8}T\d{6}\.tgz")


class Gateway:
    """A folder of state, its archives, and the belay that is asked by variables alone."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder / "work"
        self.folder.mkdir()
        self.state = folder / "var"
        self.kept = self.state / "backups/archives"
        (self.state / "audit").mkdir(parents=True)
        (self.state / "audit/audit.db").write_text("the ledger")
        self.set = lambda name, value: monkeypatch.setenv(f"KM_{name}", str(value))
        self.set("STATE_PATH", self.state)
        self.set("BACKUP_ENABLED", "true")

    def belay(self, *arguments, **env):
        return subprocess.run([BELAY, *arguments], cwd=self.folder, env=os.environ | env, text=True,
                              capture_output=True, timeout=120, check=False)

    def archives(self):
        return sorted(path.name for path in self.kept.glob("*.tgz"))

    def parts(self):
        return [path.name for path in self.kept.glob(".*.part")]

    def script(self, text):
        path = self.folder / "km-backup"
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        self.set("BACKUP_SCRIPT", path)

    @contextlib.contextmanager
    def serving(self, *arguments):
        served = Served(types.SimpleNamespace(folder=self.folder), *arguments)
        try:
            yield served
        finally:
            served.end()


@pytest.fixture
def gateway(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("KM_")]:
        monkeypatch.delenv(name)
    return Gateway(tmp_path, monkeypatch)


def listed(archive):
    found = subprocess.run(["tar", "-tzf", archive], capture_output=True, text=True, check=True)
    assert not found.stderr, found.stderr
    return found.stdout.splitlines()


def check(served):
    status, page = served.get("/healthz")
    return status, json.loads(page)["checks"]["backup"]


def becomes(served, word):
    wait_until("it is ready", lambda: served.get("/health/ready")[0] == 200, seconds=60)
    wait_until(f"the check is {word}: {served.lines}", lambda: check(served)[1]["status"] == word,
               seconds=60)
    return check(served)


def test_it_does_what_the_page_promises(gateway):
    for day in range(1, 10):
        (gateway.state / f"backups/archives/km-backup-2026010{day}T000000.tgz").parent.mkdir(
            parents=True, exist_ok=True)
        (gateway.kept / f"km-backup-2026010{day}T000000.tgz").write_text("old")
    (gateway.kept / "backup-20240201T120000Z.tar.gz").write_text("foreign")
    with gateway.serving() as served:
        status, page = becomes(served, "ok")
        assert status == 200
        written = [line for line in served.lines if "Backup written to " in line]
        path = pathlib.Path(written[0].partition("Backup written to ")[2])
        assert len(written) == 1 and path.parent == gateway.kept and STAMPED.fullmatch(path.name)
        names = listed(path)
        assert "./audit/audit.db" in names and not [name for name in names if name.endswith(".tgz")]
        assert path.stat().st_mode & 0o777 == 0o600
        # Seven stay, with the new one; what is named otherwise is nobody's business.
        assert len(gateway.archives()) == 7 and gateway.archives()[0] == "km-backup-20260104T000000.tgz"
        assert (gateway.kept / "backup-20240201T120000Z.tar.gz").exists()
        assert page["archive"] == str(path) and page["size_bytes"] == path.stat().st_size
        assert page["deleted"] == 3 and page["last_success"].startswith("20")
        assert served.metric("km_backup_runs_total", result="success") == 1
        assert served.metric("km_backup_last_status") == 1
        assert abs(served.metric("km_backup_last_success_timestamp") - time.time()) < 600
        assert served.metric("km_backup_retention_deletes_total") == 3
        assert served.get("/health/ready")[0] == 200
        linted = subprocess.run(["promtool", "check", "metrics"], input=served.get("/metrics")[1],
                                capture_output=True, text=True, check=False)
        assert linted.returncode == 0, linted.stdout + linted.stderr
    with gateway.serving("--metrics-prefix", "km_") as served:  # all of it outlives a restart
        assert becomes(served, "ok")[1]["archive"] == str(path)
        assert served.metric("km_backup_runs_total", result="success") == 1
        assert served.metric("km_backup_retention_deletes_total") == 3
        assert served.get("/metrics")[1].count("# TYPE km_backup_runs_total ") == 1
        assert not served.said("begins")


def test_the_restore_of_the_page_is_seen(gateway):
    """The state, archives included, is replaced by what is in one archive."""
    assert gateway.belay("backup", "--environment").returncode == DONE
    archive = gateway.folder / gateway.archives()[0]
    archive.write_bytes((gateway.kept / archive.name).read_bytes())
    staged = gateway.folder / "staged"
    staged.mkdir()
    unpacked = subprocess.run(["tar", "-xzf", archive, "-C", staged], capture_output=True, text=True,
                              check=False)
    assert unpacked.returncode == 0 and not unpacked.stderr, unpacked.stderr
    subprocess.run(["rm", "-rf", gateway.state], check=True)
    staged.rename(gateway.state)
    assert (gateway.state / "audit/audit.db").read_text() == "the ledger"
    gateway.set("BACKUP_CRON", "0 0 29 2 *")  # nothing is due for long
    with gateway.serving() as served:
        page = becomes(served, "pending")[1]
        assert page["recovered_archive"] == archive.name, page
        assert archive.name[10:18] == page["recovered_at"][:10].replace("-", "")
        assert page["at"] == page["recovered_at"]


def test_archives_without_a_memory_are_read_before_they_count(gateway):
    for number in range(2):
        assert gateway.belay("backup", "--environment").returncode == DONE, number
    old, new = gateway.archives()
    (gateway.kept / new).write_bytes((gateway.kept / new).read_bytes()[:-20])
    subprocess.run(["rm", "-rf", gateway.kept / ".belay"], check=True)
    gateway.set("BACKUP_CRON", "0 0 29 2 *")
    with gateway.serving() as served:
        assert becomes(served, "ok")[1]["archive"] == str(gateway.kept / old)
    (gateway.kept / old).unlink()
    with gateway.serving() as served:
        assert "is whole" in becomes(served, "error")[1]["detail"]


@pytest.mark.parametrize("text, told_of", [
    ('echo "Backup written to $KM_BACKUP_DEST/km-backup-20260101T000000.tgz"', "was there before"),
    ("echo done", "never said"),
    ('echo "Backup written to /nowhere.tgz"', "there is nothing"),
    ('echo no space >&2; exit 3', "exit status 3: no space"),
    ('a=$KM_BACKUP_DEST/km-backup-20270101T000000.tgz; echo x > "$a"; echo "Backup written to $a"',
     "cut or damaged"),
    ('a=$KM_BACKUP_DEST/km-backup-20270101T000000.tgz; mkdir /tmp/empty.$$; '
     'tar -czf "$a" -C /tmp/empty.$$ .; rmdir /tmp/empty.$$; echo "Backup written to $a"', "no data"),
])
def test_a_script_that_lies_is_a_run_that_failed(gateway, text, told_of):
    gateway.set("BACKUP_RETENTION_LIMIT", 1)
    assert gateway.belay("backup", "--environment").returncode == DONE
    (gateway.kept / gateway.archives()[0]).rename(gateway.kept / "km-backup-20260101T000000.tgz")
    gateway.script(text)
    ended = gateway.belay("backup", "--environment")
    assert ended.returncode == UNCHANGED and told_of in ended.stderr, told(ended)
    assert "km-backup-20260101T000000.tgz" in gateway.archives()  # nothing was let go for it


def test_a_script_of_ones_own_and_its_failure(gateway):
    gateway.set("BACKUP_DEST_PATH", gateway.folder / "kept")
    gateway.kept = gateway.folder / "kept"
    gateway.set("BACKUP_SOURCE", "/elsewhere")  # what is about is not what the script is given
    gateway.script('[ -e "$KM_BACKUP_SOURCE/broken" ] && { echo it is broken >&2; exit 7; }\n'
                   'a="$KM_BACKUP_DEST/km-backup-$(date -u +%Y%m%dT%H%M%S).tgz"\n'
                   'tar -czf "$a" -C "$KM_BACKUP_SOURCE" . && echo "Backup written to $a"\n')
    with gateway.serving() as served:
        page = becomes(served, "ok")[1]
        assert "./audit/audit.db" in listed(page["archive"])
    (gateway.state / "broken").touch()
    record = gateway.kept / ".belay/schedule/backup.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {
        "planned": "2026-01-01T00:00:00.000Z", "ended": "2026-01-01T00:00:00.000Z"}))
    with gateway.serving() as served:
        status, page = becomes(served, "error")
        assert status == 503 and "it is broken" in page["error"] and page["last_failure"]
        assert served.metric("km_backup_last_status") == 0
        assert served.metric("km_backup_runs_total", result="failure") == 1
        assert served.metric("km_backup_last_success_timestamp") > 0
    assert len(gateway.archives()) == 1


def test_killed_anywhere_it_leaves_nothing_that_looks_like_an_archive(gateway):
    log = gateway.folder / "effects"
    gateway.belay("backup", "--environment")  # makes the folders
    assert gateway.belay("backup", "--environment", BELAY_EFFECTS_LOG=str(log)).returncode == DONE
    gateway.set("BACKUP_RETENTION_LIMIT", 2)
    for at in range(1, len(log.read_text().splitlines()) + 1):
        mark = gateway.folder / f"mark-{at}"
        running = subprocess.Popen(
            [BELAY, "backup", "--environment"], cwd=gateway.folder, stdout=subprocess.DEVNULL,
            env=os.environ | {"BELAY_PAUSE_AT": f"{at}:after", "BELAY_PAUSE_FILE": str(mark)})
        wait_until("it pauses", lambda: mark.exists() and mark.read_text(), seconds=60)
        running.send_signal(signal.SIGKILL)
        running.wait(20)
        for name in gateway.archives():
            listed(gateway.kept / name)
        ended = gateway.belay("backup", "--environment")
        assert ended.returncode == DONE, told(ended)
        assert not gateway.parts() and len(gateway.archives()) == 2


def test_two_at_once_are_one(gateway):
    mark = gateway.folder / "mark"
    running = subprocess.Popen(
        [BELAY, "backup", "--environment"], cwd=gateway.folder, stdout=subprocess.DEVNULL,
        env=os.environ | {"BELAY_PAUSE_AT": "3:after", "BELAY_PAUSE_FILE": str(mark)})
    try:
        wait_until("it pauses", lambda: mark.exists() and mark.read_text(), seconds=60)
        assert gateway.belay("backup", "--environment").returncode == 11
        with gateway.serving() as served:
            wait_until("it is put off",
                       lambda: served.metric("km_backup_runs_total", result="skipped_lock") == 1, 60)
            assert check(served)[1]["status"] == "pending"
    finally:
        running.send_signal(signal.SIGCONT)
        assert running.wait(60) == DONE


@pytest.mark.parametrize("name, value", [
    ("BACKUP_ENABLED", "perhaps"), ("BACKUP_INTERVAL_MINUTES", "abc"), ("BACKUP_INTERVAL_MINUTES", "0"),
    ("BACKUP_CRON", "61 * * * *"), ("BACKUP_RETENTION_LIMIT", "-1"), ("BACKUP_DEST_PATH", "../var")])
def test_a_wrong_value_is_refused_at_the_start(gateway, name, value):
    gateway.set(name, value)
    ended = gateway.belay("serve", "--socket", "s.sock")
    assert ended.returncode == USAGE and f"KM_{name}" in ended.stderr, told(ended)


def test_switched_off_it_says_so_and_archives_nothing(gateway):
    gateway.set("BACKUP_ENABLED", "false")
    with gateway.serving() as served:
        assert becomes(served, "disabled")[0] == 200
        assert served.metric("km_backup_runs_total") is None
    assert not gateway.kept.exists()


def test_a_state_that_is_not_there_or_empty_is_a_failure(gateway):
    gateway.set("STATE_PATH", gateway.folder / "none")
    ended = gateway.belay("backup", "--environment")
    assert ended.returncode == UNCHANGED and "Source directory not found: " in ended.stderr, told(ended)
    (gateway.folder / "none").mkdir()
    ended = gateway.belay("backup", "--environment")
    assert ended.returncode == UNCHANGED and "no data" in ended.stderr, told(ended)
    assert not list((gateway.folder / "none").glob("backups/archives/*.tgz"))


def test_it_runs_beside_stacks(gateway, make_project):
    project = make_project()
    project.release("1.0")
    project.upgrade("1.0")
    served = Served(project)
    try:
        becomes(served, "ok")
        page = json.loads(served.get("/healthz")[1])
        assert page["stacks"]["shop"]["status"] == page["status"] == "ok"
    finally:
        served.end()
