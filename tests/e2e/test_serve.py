"""`belay serve` by the real program: scheduled restore points, health, metrics, what a crash left."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

import monitoring
from project import BELAY, BLOCKED, DONE, UNCHANGED, USAGE, told, wait_until
from test_probes import Prometheus
from test_stack_repository import REPOSITORY, SAMPLES, points, secret

BACKUP = 'backup: {{ every: 1h, keep: {{ last: 3 }}{more} }}\n'


class Served:
    """A belay that serves one project, and what it answers."""

    def __init__(self, project, *arguments):
        self.project = project
        self.socket = project.folder / "s.sock"
        self.lines = []
        if "--access" not in arguments:  # never that of whoever runs the tests
            arguments = (*arguments, "--access", str(project.folder / "access"))
        self.process = subprocess.Popen(
            [BELAY, "serve", "--socket", self.socket, "--listen", "127.0.0.1:0", *arguments],
            cwd=project.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        wait_until("it listens", lambda: self.said("listens on http://") or self.process.poll())
        at = [line for line in self.lines if "http://" in line]
        self.address = re.search(r"http://([\d.:]+)", at[0])[1] if at else None

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def said(self, words):
        return any(words in line for line in self.lines)

    def get(self, path):
        """(status, body)"""
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as wrong:
            return wrong.code, wrong.read().decode()

    def checks(self):
        return json.loads(self.get("/healthz")[1])["stacks"]["shop"]["checks"]

    def metric(self, name, **labels):
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(name) and all(f'{k}="{v}"' in line for k, v in labels.items()):
                return float(line.rsplit(" ", 1)[1])
        return None

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(20)
        self.reader.join(20)
        self.process.stdout.close()
        return status


@pytest.fixture
def shop(make_project):
    made = make_project()
    made.release("1.0")
    made.upgrade("1.0")
    made.write()
    secret(made.folder / "password", "first")
    schedule(made)
    ended = made.belay("repo", "init")
    assert ended.returncode == DONE, told(ended)
    return made


def schedule(project, more=""):
    project.write_yaml(extra=REPOSITORY.replace("./", f"{project.folder}/") +
                       BACKUP.format(more=more))


@contextlib.contextmanager
def serving(project, *arguments):
    served = Served(project, *arguments)
    try:
        yield served
    finally:
        served.end()


def done(served, routine, outcome="done"):
    try:
        wait_until(f"{routine} is {outcome}", lambda: served.said(f"{routine} {outcome}"), seconds=60)
    except AssertionError as late:
        raise AssertionError("\n".join([str(late), *served.lines])) from None


def routine(project, name):
    return next(one for one in project.json("schedule") if one["routine"] == name)


def record(project, name, **changes):
    path = project.folder / f".belay/schedule/{name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_it_takes_keeps_and_verifies_restore_points(shop):
    schedule(shop, more=", verify: { every: 1d }, drill: { every: 30d }")
    for _ in range(3):
        assert shop.belay("backup").returncode == DONE
    first = points(shop, "repository")[0]
    with serving(shop) as served:
        done(served, "verify")
        done(served, "retention")
        done(served, "drill")
        status, page = served.get("/healthz")
        assert status == 200 and json.loads(page)["status"] == "ok", page
        assert {name for name, check in served.checks().items() if check["status"] == "ok"} == {
            "backup", "verify", "drill", "retention", "operation", "config"}
        kept = points(shop, "repository")
        assert len(kept) == 3 and first not in kept
        assert served.metric("belay_backup_runs_total", result="success") == 1
        assert served.metric("belay_backup_last_status") == 1
        assert abs(served.metric("belay_drill_last_success_timestamp_seconds") - time.time()) < 600
        assert served.metric("belay_drill_last_duration_seconds") > 0
        assert served.metric("belay_backup_retention_deletes_total") == 1
        assert abs(served.metric("belay_backup_last_success_timestamp") - time.time()) < 600
        assert served.get("/health/ready")[0] == served.get("/health/live")[0] == 200
        linted = subprocess.run(["promtool", "check", "metrics"], input=served.get("/metrics")[1],
                                capture_output=True, text=True)
        assert linted.returncode == 0, linted.stdout + linted.stderr
        monitoring.assert_exported(served.get("/metrics")[1])
        prometheus = Prometheus(shop.folder / "prometheus", served.address)
        try:
            wait_until("Prometheus has it", lambda: prometheus.ask("belay_backup_last_status == 1"), 60)
        finally:
            prometheus.end()
        again = routine(shop, "backup")
        assert again["outcome"] == "success" and again["next"] > again["ended"]
        assert served.end() == DONE
    assert not (shop.folder / "s.sock").exists()


def test_what_it_remembers_outlives_it(shop):
    with serving(shop) as served:
        done(served, "retention")
    with serving(shop) as served:
        wait_until("it is ready", lambda: served.get("/health/ready")[0] == 200)
        assert served.checks()["backup"]["status"] == "ok"
        assert served.metric("belay_backup_runs_total", result="success") == 1
        assert not served.said("backup begins")
    # Three hours of it were slept through: one run makes up for them.
    record(shop, "backup", planned="2026-01-01T00:00:00.000Z")
    with serving(shop) as served:
        done(served, "retention")
        wait_until("counted", lambda: served.metric("belay_backup_runs_total",
                                                    result="success") == 2)
    assert sum("backup begins" in line for line in served.lines) == 1


def test_a_backup_that_fails_is_told_and_tried_again(shop):
    secret(shop.folder / "password", "another")
    with serving(shop) as served:
        done(served, "backup", "failed")
        wait_until("it is told", lambda: served.get("/healthz")[0] == 503)
        check = served.checks()["backup"]
        assert check["status"] == "error" and "password" in check["detail"], check
        assert served.metric("belay_backup_last_status") == 0
        assert served.metric("belay_backup_last_success_timestamp") is None
        first = routine(shop, "backup")
        assert first["failures"] == 1 and first["next"] < first["ended"][:11] + "99"
    secret(shop.folder / "password", "first")
    record(shop, "backup", ended="2026-01-01T00:00:00.000Z")
    with serving(shop) as served:
        done(served, "backup")
        wait_until("all is well", lambda: served.get("/healthz")[0] == 200)
        assert served.metric("belay_backup_last_status") == 1


def test_an_old_restore_point_is_an_alarm_though_nothing_failed(shop):
    schedule(shop, more=", max_age: 90m")
    with serving(shop) as served:
        done(served, "retention")
    old = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - 3 * 3600))
    record(shop, "last-backup", at=old)
    with serving(shop) as served:
        wait_until("it is told", lambda: served.get("/healthz")[0] == 503)
        assert served.checks()["backup"]["status"] == "stale"
        assert served.metric("belay_check_ok", check="backup") == 0


def test_a_routine_outlives_its_daemon_and_is_found_again(shop):
    gate = shop.folder / "gate.sh"
    gate.write_text(f'#!/bin/sh\n[ "$BELAY_REQUEST" != protect ] || {{ touch "{shop.folder}/waits";'
                    f' while [ ! -e "{shop.folder}/go" ]; do sleep 0.05; done; }}\n'
                    f'exec {SAMPLES}/store.sh "$@"\n')
    gate.chmod(0o755)
    text = (shop.folder / "belay.yaml").read_text()
    (shop.folder / "belay.yaml").write_text(text.replace(
        "{ directory: ./data, layout: [layout.json] }", f"{{ driver: [{gate}, ./data] }}"))
    served = Served(shop)
    try:
        wait_until("the backup waits", (shop.folder / "waits").exists)
        assert routine(shop, "backup")["is_running"]
    finally:
        served.end(signal.SIGKILL)
    with serving(shop) as again:
        wait_until("it is found", lambda: again.metric("belay_routine_running", routine="backup") == 1)
        assert not again.said("backup begins")
        (shop.folder / "go").touch()
        done(again, "backup")
    assert len(points(shop, "repository")) == 1


def test_what_a_crash_left_is_ended_first(shop):
    shop.release("2.0")
    mark = shop.folder / "paused"
    running = shop.begin("upgrade", "shop", "--to", "2.0", "--yes",
                         env={"BELAY_PAUSE_AT": "30:after", "BELAY_PAUSE_FILE": str(mark)})
    wait_until("the upgrade pauses", mark.exists)
    running.kill()
    running.communicate(timeout=20)
    with serving(shop) as served:
        done(served, "resume")
        done(served, "backup")
        order = [line for line in served.lines if "begins" in line]
        assert "resume" in order[0] and "backup" in order[1], order
        assert served.checks()["operation"]["status"] == "ok"
    assert shop.belay("resume").returncode == 7


def test_a_config_that_became_wrong_stops_nothing(shop):
    good = (shop.folder / "belay.yaml").read_text()
    with serving(shop) as served:
        done(served, "retention")
    (shop.folder / "belay.yaml").write_text(good + "nonsense: 1\n")
    with serving(shop) as served:
        wait_until("it is told", lambda: "nonsense" in served.get("/healthz")[1])
        assert served.get("/healthz")[0] == 503
        assert served.get("/health/live")[0] == 200
        assert served.get("/health/ready")[0] == 200  # it waits for nothing of ours


def test_a_record_that_is_harmed_is_told_and_kills_nobody(shop):
    with serving(shop) as served:
        done(served, "retention")
    (shop.folder / ".belay/schedule/resume.json").write_text("{")
    with serving(shop) as served:
        wait_until("it is told", lambda: "not whole" in served.get("/healthz")[1])
        assert served.get("/healthz")[0] == 503
        assert served.get("/health/live")[0] == 200
        assert not served.said("begins")
        (shop.folder / ".belay/schedule/resume.json").unlink()
        wait_until("it goes on", lambda: served.get("/healthz")[0] == 200, seconds=60)
        assert served.checks()["backup"]["status"] == "ok"


def test_many_idle_clients_keep_nobody_from_an_answer(shop):
    with serving(shop) as served:
        done(served, "retention")
        host, port = served.address.split(":")
        with contextlib.ExitStack() as stack:
            for number in range(800):
                client = stack.enter_context(socket.create_connection((host, int(port)), 20))
                if number % 2:
                    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ")  # and never the rest
            assert served.get("/health/live")[0] == 200
            rude = stack.enter_context(socket.create_connection((host, int(port)), 20))
            rude.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 10_000 + b"\r\n")
            assert rude.recv(64).split()[1] in (b"431", b"413", b"400")
        request = urllib.request.Request(f"http://{served.address}/healthz", data=b"x" * 100_000)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=20)
        assert refused.value.code == 405


def test_the_socket_is_ours_alone_and_another_daemon_is_told(shop):
    with serving(shop) as served:
        assert served.socket.stat().st_mode & 0o777 == 0o600
        ended = shop.belay("serve", "--socket", str(served.socket))
        assert ended.returncode == BLOCKED and "unable to listen" in ended.stderr, told(ended)
    served = Served(shop)
    served.end(signal.SIGKILL)
    assert served.socket.exists()  # its name is left; the next one takes it
    with serving(shop) as again:
        assert again.get("/health/live")[0] == 200


@pytest.mark.parametrize("arguments, words", [
    (["--listen", "0.0.0.0:80"], "is not of this machine alone"),
    (["--listen", "127.0.0.1"], "is no address and port"),
    (["--listen", "127.0.0.1:99999"], "is no address and port"),
    (["--parallel", "0"], "--parallel"),
    (["no-such-folder"], "no-such-folder"),
])
def test_what_is_typed_wrong_is_told(shop, arguments, words):
    ended = shop.belay("serve", "--socket", str(shop.folder / "s.sock"), *arguments)
    assert ended.returncode in (UNCHANGED, USAGE) and words in ended.stderr, told(ended)


def test_lines_are_json_without_secrets(shop):
    path = shop.folder / "belay.yaml"
    secret(shop.folder / "password", "another")
    with serving(shop, "--log-format", "json") as served:
        done(served, "backup", "failed")
    path.write_text(path.read_text().replace("every: 1h", 'every: "http://me:open-sesame@h/x"'))
    with serving(shop, "--log-format", "json") as again:
        wait_until("it is told", lambda: again.said("http://[redacted]@h/x"))
    assert "open-sesame" not in "".join(again.lines)
    lines = [json.loads(line) for line in served.lines]
    failed = next(line for line in lines if "backup failed" in line["message"])
    assert failed["level"] == "error" and failed["stack"] == "shop"
    assert [line.get("stack") for line in lines if "listens on" in line["message"]] == [None, None]
    assert all(re.fullmatch(r"[-\d]+T[:.\d]+Z", line["time"]) for line in lines)


def test_several_stacks_from_a_folder(shop, tmp_path):
    stacks = tmp_path / "stacks.d"
    stacks.mkdir()
    os.symlink(shop.folder / "belay.yaml", stacks / "shop.yaml")
    other = tmp_path / "other"
    (other / "data").mkdir(parents=True)
    secret(other / "password", "x")
    (other / "belay.yaml").write_text(
        (shop.folder / "belay.yaml").read_text().replace("stack: shop", "stack: other")
        .replace(str(shop.folder), str(other)))
    os.symlink(other / "belay.yaml", stacks / "other.yaml")
    with serving(shop, str(stacks)) as served:
        done(served, "shop: retention")
        done(served, "other: backup", "failed")
        page = json.loads(served.get("/healthz")[1])["stacks"]
        assert page["shop"]["status"] == "ok" and page["other"]["status"] == "error"
