"""Upgrades of a unit of a real systemd, by the real belay."""
import os
import signal

import pytest

from machine import Machine
from project import BLOCKED, DONE, ROLLED_BACK, told
from unit_project import UnitProject

wait_until = Machine.wait_until


@pytest.fixture(scope="module", params=["drop_in", "link"])
def project(machine, request):
    """A unit that runs a release, with acknowledged writes and a timer that wakes it."""
    made = UnitProject(machine, f"shop-{request.param.replace('_', '-')}",
                       by_drop_in=request.param == "drop_in")
    made.upgrade(made.next())
    made.start_timer()
    made.write()
    yield made
    machine.run("systemctl", "stop", f"{made.unit}.timer", f"{made.unit}.service", check=False)


def test_upgrades_while_nobody_else_starts_it(project):
    assert (project.folder / "others").read_text() == "kept out"
    (project.folder / "others").unlink()
    before = project.show("InvocationID")
    label = project.next()
    ended = project.upgrade(label)
    assert (project.folder / "others").read_text() == "kept out", told(ended)
    assert project.version() == label
    assert f'"{label}"' in project.runs_from()
    assert project.show("InvocationID") != before
    assert project.lost() == set()
    project.assert_let_go()
    if project.by_drop_in:
        assert project.environment()["MARK"] == '100% of $HOME is "mine"'
    else:
        assert project.drop_ins() == {}


def test_brings_the_old_release_back_and_reports_its_log(project):
    before, version = project.drop_ins(), project.version()
    project.write_yaml(within="2s")
    label = project.next("never_ready")
    project.upgrade(label, status=ROLLED_BACK)
    project.write_yaml(within="10s")
    assert project.version() == version
    assert project.drop_ins() == before
    assert project.lost() == set()
    project.assert_let_go()
    assert f"service {label} (never_ready) begins" in project.report()


def test_counts_restarts_and_knows_what_systemd_restarted(project):
    before = project.show("InvocationID")
    os.kill(project.main_pid_outside(), signal.SIGKILL)
    wait_until("systemd restarts it", lambda: project.show("NRestarts") == "1")
    wait_until("it answers", project.answers)
    assert project.show("InvocationID") != before
    status = project.belay("status")
    assert status.returncode == DONE and "unknown" not in status.stdout, told(status)
    label = project.next()
    project.upgrade(label)
    assert "restarted 1 times" in project.report()
    assert project.version() == label


# What shows that belay is that far. It dies there, and `resume` ends it.
MOMENTS = {
    "held": lambda project: project.show("Restart") == "no",
    "stopped": lambda project: project.show("ActiveState") == "inactive",
    "started": lambda project: (project.folder / "others").exists() and project.show("MainPID") != "0",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_survives_kill_9_when(project, moment):
    version, label = project.version(), project.next()
    (project.folder / "others").unlink(missing_ok=True)
    project.expect()
    stopped = project.begin("upgrade", "shop", "--to", label, "--yes")
    wait_until(f"it is {moment}", lambda: MOMENTS[moment](project))
    kill_inside(project, stopped)
    ended = project.belay("resume")
    assert ended.returncode in (DONE, ROLLED_BACK), told(ended)
    assert project.version() == (label if ended.returncode == DONE else version)
    assert project.lost() == set()
    project.assert_let_go()


def kill_inside(project, outer):
    """nsenter runs it as a child in the pid namespace; that one is belay."""
    project.machine.run("/usr/bin/python3", "-c", KILL_BELAY, project.inside)
    outer.communicate(timeout=20)


# In a namespace of its own there is one belay in this folder.
KILL_BELAY = """
import os, pathlib, signal, sys
for entry in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        if os.readlink(entry / "exe") == "/srv/belay" and os.readlink(entry / "cwd") == sys.argv[1]:
            os.kill(int(entry.name), signal.SIGKILL)
    except OSError:
        pass
"""


def test_a_unit_that_cannot_run_is_refused_before_anything_is_touched(project):
    machine, unit = project.machine, f"{project.unit}.service"
    text = (project.folder / "belay.yaml").read_text()
    (project.folder / "belay.yaml").write_text(text.replace(unit, "nowhere.service"))
    label = project.next()
    ended = project.belay("upgrade", "shop", "--to", label, "--yes")
    assert ended.returncode == BLOCKED, told(ended)
    assert "there is no unit 'nowhere.service'" in ended.stdout + ended.stderr
    (project.folder / "belay.yaml").write_text(text)
    (machine.root / "etc/systemd/system" / unit).unlink()
    (machine.root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    machine.run("systemctl", "daemon-reload")
    ended = project.belay("upgrade", "shop", "--to", label, "--yes")
    assert ended.returncode == BLOCKED, told(ended)
    assert f"systemctl unmask {unit}" in ended.stdout + ended.stderr
