"""Upgrades of a unit of a real systemd, by the real belay.

belay is killed at exact effects (src/os/effects.hpp): a sample of them, all with --every-effect.
"""
import os
import signal

import pytest

from project import BLOCKED, DONE, NOTHING, ROLLED_BACK, told, wait_until
from unit_project import UnitProject

SAMPLE = 4  # effects of each operation


@pytest.fixture(scope="module", params=["drop_in", "link"])
def project(machine, request):
    """A unit that runs a release, with acknowledged writes; a timer, a path and a socket wake it."""
    made = UnitProject(machine, f"shop-{request.param.replace('_', '-')}",
                       by_drop_in=request.param == "drop_in", within="15s")
    made.upgrade(made.next())
    made.start_triggers()
    made.write()
    yield made
    made.end()


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
    report = project.report()
    assert "2 lines match; the last: " in report  # of the service, and of systemd
    assert " MiB in use" in report
    assert project.environment()["OWN"] == "of a person"
    if project.by_drop_in:
        assert project.environment()["MARK"] == '100% of $HOME is "mine"'
    else:
        assert project.drop_ins() == {}


@pytest.mark.parametrize("mode, said", [
    ("exits", "service: cannot read its licence"),
    ("never_ready", "({mode}) begins"),
    ("damages", "writes are lost"),
])
def test_brings_the_old_release_back_with_its_data(project, mode, said):
    before, version = project.drop_ins(), project.version()
    project.write_yaml(within="4s" if mode == "never_ready" else "15s")
    project.upgrade(project.next(mode), status=ROLLED_BACK)
    project.write_yaml(within="15s")
    assert project.version() == version
    assert project.drop_ins() == before
    assert project.lost() == set()
    assert project.acknowledged <= project.live()
    project.assert_let_go()
    assert said.format(mode=mode) in project.report()


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


@pytest.mark.parametrize("mode", ["good", "damages"])
def test_killed_at_an_effect_it_ends_old_or_new_and_held_by_nobody(project, request, mode):
    log = project.folder / "effects"
    log.unlink(missing_ok=True)
    ended = project.upgrade(project.next(mode), status=DONE if mode == "good" else ROLLED_BACK,
                            env={"BELAY_EFFECTS_LOG": f"{project.inside}/effects"})
    count = len(log.read_text().splitlines())
    assert count > 10, told(ended)
    # The last of them tidy up: how many those are depends on what there is.
    places = [f"{n}:{side}" for n in range(1, count * 9 // 10) for side in ("before", "after")]
    if not request.config.getoption("every_effect"):
        places = places[mode == "good"::len(places) // (SAMPLE - 1)]
    for place in places:
        version, label = project.version(), project.next(mode)
        die_at(project, place, label)
        ended = project.belay("resume")
        at = f"{place}: {told(ended)}"
        assert ended.returncode in (DONE, ROLLED_BACK, NOTHING), at
        wait_until("it answers", project.answers)
        assert project.version() == (label if ended.returncode == DONE else version), at
        assert project.lost() == set(), at
        project.assert_let_go()
    print(f"{mode}: killed at {len(places)} of {count} effects")


def die_at(project, place, label):
    mark = project.folder / "paused"
    mark.unlink(missing_ok=True)
    project.expect()
    running = project.begin("upgrade", "shop", "--to", label, "--yes",
                            env={"BELAY_PAUSE_AT": place,
                                 "BELAY_PAUSE_FILE": f"{project.inside}/paused"})
    try:
        wait_until(f"belay pauses at {place}",
                   lambda: mark.exists() or running.poll() is not None, 40)
    finally:
        project.kill_belay()
        running.kill()
        said = running.communicate(timeout=20)
    assert mark.exists(), f"{place}: belay ended before it was there: {said}"


def test_a_unit_that_ran_before_its_first_release_runs_again_when_that_is_bad(machine):
    project = UnitProject(machine, "shop-first", own="0.9")
    try:
        project.start_triggers()
        project.write()
        project.upgrade(project.next("exits"), status=ROLLED_BACK)
        wait_until("it answers", project.answers)
        assert project.version() == "0.9"
        assert project.drop_ins() == {}
        assert project.lost() == set()
        project.assert_let_go()
        label = project.next()
        project.upgrade(label)
        assert project.version() == label
        project.assert_let_go()
    finally:
        project.end()


# What shows that belay is that far, and whether the boot after it may start the unit.
MOMENTS = {
    "stopped": (lambda project: project.show("ActiveState") == "inactive", False),
    "watched": (lambda project: (project.folder / "others").exists() and project.answers(), True),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_power_cut_when_it_is(project, moment):
    is_there, is_started = MOMENTS[moment]
    version, label = project.version(), project.next()
    (project.folder / "others").unlink(missing_ok=True)
    project.expect()
    project.write_yaml(watch="5s")
    running = project.begin("upgrade", "shop", "--to", label, "--yes")
    wait_until(f"it is {moment}", lambda: is_there(project))
    project.machine.reboot()
    running.communicate(timeout=20)
    project.write_yaml(watch="200ms")
    if is_started:
        wait_until("the boot starts it", project.answers)
    else:
        assert project.show("ActiveState") == "inactive"
        assert project.show("AssertResult") == "no"
    status = project.belay("status")
    assert "belay resume" in status.stdout, told(status)
    ended = project.belay("resume")
    assert ended.returncode in (DONE, ROLLED_BACK), told(ended)
    assert project.version() == (label if ended.returncode == DONE else version)
    assert project.lost() == set()
    failed = [line for line in ended.stdout.splitlines() if "FAILED" in line]
    # The cut may fall into the command that migrates: that one never runs twice.
    assert all("belay died while a migration ran" in line for line in failed), told(ended)
    assert not failed or ended.returncode == ROLLED_BACK, told(ended)
    project.assert_let_go()


def test_a_drop_in_that_is_stronger_is_told_before_anything_is_touched(project):
    key, value = ("ExecStart", "/usr/bin/sleep 9") if project.by_drop_in else ("Restart", "always")
    stronger = project.machine.units / f"{project.unit}.service.d/zzz.conf"
    stronger.write_text(f"[Service]\n{key}=\n{key}={value}\n")
    project.machine.run("systemctl", "daemon-reload")
    before = project.show("InvocationID")
    ended = project.belay("upgrade", "shop", "--to", project.next(), "--yes")
    stronger.unlink()
    project.machine.run("systemctl", "daemon-reload")
    assert ended.returncode == BLOCKED, told(ended)
    assert f"zzz.conf' sets {key}=, and is stronger" in ended.stdout + ended.stderr
    assert project.show("InvocationID") == before
    project.assert_let_go()


def test_a_unit_that_cannot_run_is_refused_before_anything_is_touched(project):
    machine, unit = project.machine, f"{project.unit}.service"
    text = (project.folder / "belay.yaml").read_text()
    (project.folder / "belay.yaml").write_text(text.replace(unit, "nowhere.service"))
    label = project.next()
    ended = project.belay("upgrade", "shop", "--to", label, "--yes")
    assert ended.returncode == BLOCKED, told(ended)
    assert "there is no unit 'nowhere.service'" in ended.stdout + ended.stderr
    (project.folder / "belay.yaml").write_text(text)
    (machine.units / unit).unlink()
    (machine.units / unit).symlink_to("/dev/null")
    machine.run("systemctl", "daemon-reload")
    ended = project.belay("upgrade", "shop", "--to", label, "--yes")
    assert ended.returncode == BLOCKED, told(ended)
    assert f"systemctl unmask {unit}" in ended.stdout + ended.stderr


# It wakes another unit than the stack's.
REFRESH = """\
[Service]
Type=oneshot
ExecStart=/usr/bin/touch /srv/refreshed
"""
REFRESH_TIMER = """\
[Timer]
OnActiveSec=100ms
OnUnitInactiveSec=100ms
AccuracySec=1ms
"""


def test_a_timer_that_wakes_others_is_held_over_a_boot(machine):
    project = UnitProject(machine, "shop-hands")
    wants = machine.units / "belay-test.target.wants"
    refreshed = machine.root / "srv/refreshed"

    def active(unit):
        return machine.show(unit, "ActiveState") == "active"

    try:
        for name in ("refresh", "idle"):
            machine.unit(f"{name}.service", REFRESH)
            machine.unit(f"{name}.timer", REFRESH_TIMER)
        (wants / "refresh.timer").symlink_to("../refresh.timer")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", "refresh.timer")
        yaml = project.folder / "belay.yaml"
        yaml.write_text(yaml.read_text() + "preflight: { hold_units: [refresh.timer, idle.timer] }\n")
        first = project.next()
        project.upgrade(first)
        assert active("refresh.timer") and not active("idle.timer")
        project.write()
        project.expect()
        ended = project.belay("upgrade", "shop", "--to", project.next(), "--yes", "--until", "secure")
        assert not active("refresh.timer"), told(ended)
        assert machine.run("systemctl", "start", "refresh.timer", check=False).returncode != 0
        machine.reboot()
        assert not active("refresh.timer")
        refreshed.unlink(missing_ok=True)
        ended = project.belay("abort")
        assert ended.returncode == ROLLED_BACK, told(ended)
        assert active("refresh.timer") and not active("idle.timer")
        wait_until("the timer wakes its unit", refreshed.exists)
        assert not (project.folder / ".belay/run/held-units").exists()
        assert not (machine.units / "refresh.timer.d/zz-belay-hold.conf").exists()
        assert not (machine.units / "idle.timer.d").exists()
        assert project.version() == first
        assert project.lost() == set()
    finally:
        (wants / "refresh.timer").unlink(missing_ok=True)
        machine.run("systemctl", "stop", "refresh.timer", "idle.timer", check=False)
        project.end()
