"""packaging/belay-serve.service as it is shipped, under a real systemd."""
import json
import pathlib
import re
import shutil
import subprocess

import pytest

from project import DONE, told, wait_until
from unit_project import UnitProject

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "packaging/belay-serve.service"
UNIT = "belay-serve.service"
# What differs here: where belay is; and nobody waits two minutes.
OURS = """\
[Service]
ExecStart=
ExecStart=/srv/belay serve /srv/stacks.d --log-format json
WatchdogSec={watchdog}
"""
MORE = """\
repository: { path: ./repository, password: "file:./password" }
backup: { every: 1h }
"""
# Each `protect` waits for a file of its own.
GATE = """\
#!/bin/sh
if [ "$BELAY_REQUEST" = protect ]; then
  echo "$BELAY_POINT" >>/srv/served/waits
  until rm /srv/served/go 2>/dev/null; do sleep 0.05; done
fi
exec /srv/served/store.sh "$@"
"""
END_GATES = """
import os, pathlib, signal
for entry in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        if b"/gate.sh" in (entry / "cmdline").read_bytes() and int(entry.name) != os.getpid():
            os.kill(int(entry.name), signal.SIGKILL)
    except OSError:
        pass
"""


class Daemon:
    def __init__(self, project):
        self.project, self.machine, self.folder = project, project.machine, project.folder

    def run(self, *argv, **more):
        return self.machine.run("systemctl", *argv, **more)

    def show(self, what):
        return self.machine.show(UNIT, what)

    def configure(self, watchdog):
        folder = self.machine.units / f"{UNIT}.d"
        folder.mkdir(exist_ok=True)
        (folder / "ours.conf").write_text(OURS.format(watchdog=watchdog))
        self.run("daemon-reload")

    def lines(self):
        """What it printed: objects."""
        said = self.machine.run("journalctl", "-u", UNIT, "-o", "cat", "--no-pager").stdout
        return [json.loads(line) for line in said.splitlines() if line.startswith("{")]

    def said(self, words, stack="shop"):
        return sum(words in line["message"] and line.get("stack", "") == stack for line in self.lines())

    def waiting(self):
        """How often a gate was reached."""
        path = self.folder / "waits"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def routine(self):
        return next(one for one in self.project.json("schedule") if one["routine"] == "backup")


@pytest.fixture(scope="module")
def daemon(machine):
    """A stack whose upgrade died while its data was protected, and the unit that shall serve it."""
    project = UnitProject(machine, "served", within="15s")
    project.upgrade(project.next())
    made = Daemon(project)
    shutil.copy(ROOT / "docs/examples/drivers/store.sh", made.folder / "store.sh")
    (made.folder / "gate.sh").write_text(GATE)
    (made.folder / "gate.sh").chmod(0o755)
    (made.folder / "password").write_text("of-the-repository\n")
    (made.folder / "password").chmod(0o600)
    yaml = made.folder / "belay.yaml"
    yaml.write_text(yaml.read_text().replace(
        "{ directory: ./data, layout: [layout.json] }", "{ driver: [./gate.sh, ./data] }") + MORE)
    ended = project.belay("repo", "init")
    assert ended.returncode == DONE, told(ended)
    (machine.root / "srv/stacks.d").mkdir()
    (machine.root / "srv/stacks.d/shop.yaml").symlink_to("/srv/served/belay.yaml")
    shutil.copy(SHIPPED, machine.units / UNIT)
    made.configure("2min")
    dying = project.begin("upgrade", "shop", "--to", project.next(), "--yes")
    wait_until("the upgrade waits", lambda: made.waiting() == 1 or dying.poll() is not None, 60)
    project.kill_belay()
    machine.run("/usr/bin/python3", "-c", END_GATES)
    dying.communicate(timeout=20)
    yield made
    made.run("stop", UNIT, check=False)
    project.kill_belay()
    machine.run("/usr/bin/python3", "-c", END_GATES)
    project.end()


def test_it_is_active_when_what_a_crash_left_is_ended_and_not_before(daemon):
    daemon.run("start", "--no-block", UNIT)
    wait_until("resume waits", lambda: daemon.waiting() == 2, 60)
    assert daemon.show("ActiveState") == "activating"
    wait_until("it says what it does", lambda: daemon.show("StatusText") == "1 stack; shop: resume runs")
    assert daemon.run("is-active", UNIT, check=False).stdout.strip() == "activating"
    (daemon.folder / "go").touch()
    wait_until("it is active", lambda: daemon.show("ActiveState") == "active", 60)
    assert daemon.said("resume done") == 1
    assert daemon.project.version() == "2.0"  # systemctl could be asked out of its sandbox
    wait_until("a backup waits", lambda: daemon.waiting() == 3, 60)
    for line in daemon.lines():
        assert {"time", "level", "message"} <= line.keys() <= {"time", "level", "message", "stack"}
        assert line["level"] in ("info", "warning", "error")
    assert "of-the-repository" not in daemon.machine.run("journalctl", "--no-pager").stdout


def test_one_that_hangs_is_ended_and_the_next_one_finds_its_routine(daemon):
    routine = daemon.routine()
    assert routine["is_running"]
    daemon.configure("3s")
    daemon.run("restart", UNIT)  # so that it is told of its three seconds
    hung = daemon.show("MainPID")
    daemon.machine.run("kill", "-STOP", hung)
    wait_until("it is ended", lambda: daemon.show("MainPID") not in ("0", hung), 60)
    wait_until("another one is active", lambda: daemon.show("ActiveState") == "active", 60)
    assert "watchdog" in daemon.machine.run("journalctl", "-u", UNIT, "--no-pager").stdout.lower()
    assert int(daemon.show("NRestarts")) >= 1
    assert daemon.waiting() == 3 and daemon.said("backup begins") == 1
    again = daemon.routine()
    assert again["is_running"] and again["began"] == routine["began"]


def test_a_stop_leaves_the_routine_alive(daemon):
    daemon.configure("2min")
    daemon.run("stop", UNIT)
    assert daemon.show("ActiveState") == "inactive"
    assert daemon.said("a routine still runs, and goes on without us") >= 1
    assert daemon.waiting() == 3
    (daemon.folder / "go").touch()
    wait_until("it goes on", lambda: not (daemon.folder / "go").exists())
    status = daemon.folder / ".belay/schedule/backup.status"
    wait_until("the routine ends well, with nobody there",
               lambda: status.exists() and status.read_text() == "0\n", 60)
    daemon.run("start", UNIT)  # returns when it is ready
    wait_until("its end is found", lambda: daemon.said("backup done") == 1)
    assert daemon.routine()["outcome"] == "success"


def test_the_page_says_how_exposed_it_is():
    judged = subprocess.run(["systemd-analyze", "security", "--offline=true", SHIPPED],
                            capture_output=True, text=True, check=True).stdout
    score = re.search(r"Overall exposure level for \S+: (\S+)", judged)[1]
    assert f"**{score}**" in (ROOT / "docs/guide/serve.md").read_text(), score
