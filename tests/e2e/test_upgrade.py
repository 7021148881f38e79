"""Upgrades that go well, and every kind of bad release: release and data come back, status 3."""
import json
import os
import signal
import threading
import time

import pytest

from project import DONE, PAUSED, ROLLED_BACK, UNCHANGED, told, wait_until

TRIGGER = ("triggers: [{ name: not-ready, probe: shop.ready, failing_for: 300ms, level: auto }]\n")


def test_a_good_release_is_committed_with_its_data(project):
    before = set(project.acknowledged)
    project.release("2.0")
    project.upgrade("2.0")
    assert project.version() == "2.0"
    project.write()
    assert before < project.acknowledged == project.live()


def test_writes_during_an_upgrade_are_never_lost(project):
    project.release("2.0")
    done = threading.Event()

    def order():
        while not done.is_set():
            try:
                project.write(1)
            except (OSError, ValueError):
                time.sleep(0.01)

    client = threading.Thread(target=order)
    client.start()
    try:
        before = len(project.acknowledged)
        ended = project.belay("upgrade", "shop", "--to", "2.0", "--yes")
    finally:
        done.set()
        client.join()
    assert ended.returncode == DONE, told(ended)
    assert len(project.acknowledged) > before
    assert project.acknowledged <= project.live()


def test_a_slow_start_within_the_deadline_is_good(project):
    project.release("2.0", "slow", seconds=1.5)
    project.upgrade("2.0")
    assert project.version() == "2.0"


def test_a_start_slower_than_the_deadline_is_taken_back(make_project):
    project = make_project(within="700ms")
    project.release("1.0")
    project.upgrade("1.0")
    project.release("2.0", "slow", seconds=3)
    project.upgrade("2.0", status=ROLLED_BACK)
    assert project.version() == "1.0"


def test_the_service_survives_the_end_of_belay(project):
    pids = project.processes()
    assert len(pids) == 1
    assert project.belay("status").returncode == DONE
    assert project.processes() == pids


@pytest.mark.parametrize("word,status,version", [("commit", DONE, "2.0"), ("abort", ROLLED_BACK, "1.0")])
def test_the_operator_need_not_wait_for_the_next_look(make_project, word, status, version):
    project = make_project()
    project.release("1.0")
    project.upgrade("1.0")
    project.release("2.0")
    project.write_yaml(watch="2h", watch_every="1h")
    running = project.begin("upgrade", "shop", "--to", "2.0", "--yes")
    try:
        wait_until("the watch has begun", lambda: "watch" in str(project.json("status")[0].get("in_progress")), 60)
        asked = project.belay(word)
        out, err = running.communicate(timeout=300)
    finally:
        running.kill()
        running.wait()
    assert asked.returncode == DONE, told(asked)
    assert running.returncode == status and project.version() == version, out + err


def test_a_death_between_two_looks_is_noticed(make_project):
    project = make_project()
    project.release("1.0")
    project.upgrade("1.0")
    project.release("2.0")
    project.write_yaml(watch="2h", watch_every="1h")
    running = project.begin("upgrade", "shop", "--to", "2.0", "--yes")
    try:
        wait_until("the watch has begun", lambda: "watch" in str(project.json("status")[0].get("in_progress")), 60)
        for pid in project.processes():
            os.kill(pid, signal.SIGKILL)
        out, err = running.communicate(timeout=300)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == ROLLED_BACK and project.version() == "1.0", out + err
    assert "has ended during the watch" in out, out + err


BAD = [
    ("never_ready", 0), ("exits", 0), ("hang", 0), ("lying", 0), ("redirect", 0),
    ("daemonises", 0), ("damages", 0), ("flapping", 0.1), ("sick_after", 1.0),
    ("crashes_after", 1.0),
]


@pytest.mark.parametrize("mode,seconds", BAD, ids=[mode for mode, _ in BAD])
def test_a_bad_release_is_taken_back_with_its_data(make_project, mode, seconds):
    project = make_project(within="1500ms", watch="2500ms", extra=TRIGGER,
                           service_extra="      stable: 400ms\n")
    project.release("1.0")
    project.yaml["watch"] = "100ms"
    project.write_yaml()
    project.upgrade("1.0")
    project.write_yaml(watch="2500ms")
    project.write(9)
    before = set(project.acknowledged)
    project.release("2.0", mode, seconds)
    ended = project.upgrade("2.0", status=ROLLED_BACK)
    assert project.version() == "1.0"
    assert before <= project.live(), told(ended)
    assert not project.lost()
    assert len(project.processes()) == 1, "something of the bad release still runs"
    project.write()  # and it takes writes again


def test_a_damaged_layout_brings_the_data_back_and_keeps_the_damage(project):
    layout = project.folder / "data/layout.json"
    project.release("2.0", "damages")
    project.upgrade("2.0", status=ROLLED_BACK)
    assert json.loads(layout.read_text()) == {"layout": 1}
    kept = [json.loads(path.read_text()) for path in project.folder.rglob("layout.json")
            if path != layout]
    assert {"layout": 2} in kept


def test_a_service_that_ignores_term_is_killed(project):
    project.release("2.0", "ignores_term")
    project.upgrade("2.0")
    project.release("3.0")
    began = time.monotonic()
    project.upgrade("3.0")
    assert time.monotonic() - began > 2  # its stop timeout
    assert project.version() == "3.0"
    assert len(project.processes()) == 1
    assert not project.lost()


def test_an_upgrade_that_changes_nothing_has_failed(project):
    project.release("2.0")
    # A new label on the very same tree.
    for name in ("release.json", "service.py"):
        source = project.folder / "dist/1.0" / name
        (project.folder / "dist/2.0" / name).write_bytes(source.read_bytes())
    ended = project.belay("upgrade", "shop", "--to", "2.0", "--yes")
    assert ended.returncode in (1, 5), told(ended)
    assert project.version() == "1.0"


def test_the_data_may_stay_when_only_the_release_was_bad(project):
    """Writes of the bad release are live after a way back that did not need the data."""
    project.write_yaml(watch="2500ms", extra=TRIGGER)
    project.release("2.0", "sick_after", seconds=1.2)
    project.expect()
    running = project.begin("upgrade", "shop", "--to", "2.0", "--yes")
    try:
        written = False
        while running.poll() is None:
            try:
                if not written and project.version() == "2.0":
                    project.write(3)
                    written = True
            except (OSError, ValueError):
                pass
            time.sleep(0.02)
    finally:
        out, err = running.communicate(timeout=60)
    assert running.returncode == ROLLED_BACK, out + err
    assert written and project.version() == "1.0"
    assert not project.lost()


def test_a_release_that_was_made_for_nothing_goes_with_the_next_commit(project):
    made = project.folder / ".belay/releases/shop/2.0"
    project.release("2.0")
    project.upgrade("2.0", "--until", "pin", status=PAUSED)
    assert project.belay("abort").returncode == UNCHANGED
    assert made.is_dir(), "it stays to be looked at"
    project.release("3.0")
    project.upgrade("3.0")
    assert not made.exists()
    assert (project.folder / ".belay/releases/shop/1.0").is_dir(), "the one to come back to"
