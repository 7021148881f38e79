"""What belay keeps, when it is shared, old, torn, rotten, from the future, or out of space."""
import json
import os
import subprocess
import sys

import pytest

from project import (BLOCKED, DONE, LOCKED, NEEDS_OPERATOR, NOTHING, ROLLED_BACK, UNCHANGED, told,
                     wait_until)
from test_kill import kill_at

UP = ("upgrade", "shop", "--to", "2.0", "--yes")


def middle_of_upgrade(project, place="30:after"):
    project.release("2.0")
    assert kill_at(project, place, *UP), "the operation ended before its middle"


def journal(project):
    return max(project.folder.glob(".belay/operations/*/journal"))


def test_two_at_once_the_second_is_told_who_holds_the_lock(project):
    project.release("2.0")
    mark = project.folder / "paused"
    first = project.begin(*UP, env={"BELAY_PAUSE_AT": "20:after", "BELAY_PAUSE_FILE": str(mark)})
    try:
        wait_until("the first one pauses", mark.exists)
        second = project.belay(*UP)
        assert second.returncode == LOCKED, told(second)
        assert str(first.pid) in second.stderr, told(second)
        assert project.belay("status").returncode == DONE
    finally:
        first.kill()
        first.communicate(timeout=20)
    ended = project.belay("resume")  # the lock died with its owner
    assert ended.returncode in (DONE, ROLLED_BACK), told(ended)


def test_nothing_in_progress_is_a_status_of_its_own(project):
    assert project.belay("resume").returncode == NOTHING
    assert project.belay("abort").returncode == NOTHING


def test_abort_takes_an_interrupted_upgrade_back(project):
    middle_of_upgrade(project)
    ended = project.belay("abort")
    assert ended.returncode in (ROLLED_BACK, UNCHANGED), told(ended)
    assert project.version() == "1.0"
    assert not project.lost()


def test_a_new_upgrade_waits_until_the_old_one_is_ended(project):
    middle_of_upgrade(project)
    ended = project.belay("upgrade", "shop", "--to", "2.0", "--yes")
    assert ended.returncode in (BLOCKED, LOCKED), told(ended)
    assert "resume" in ended.stderr, told(ended)
    assert project.belay("resume").returncode in (DONE, ROLLED_BACK)


def test_a_changed_belay_yaml_does_not_reach_into_an_operation(project):
    middle_of_upgrade(project)
    (project.folder / "belay.yaml").write_text("stack: shop\nthis is: not a configuration\n")
    ended = project.belay("resume")
    assert ended.returncode in (DONE, ROLLED_BACK), told(ended)
    project.write_yaml()
    assert project.version() in ("1.0", "2.0")
    assert not project.lost()


def test_a_torn_last_record_is_dropped(project):
    middle_of_upgrade(project)
    path = journal(project)
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    ended = project.belay("resume")
    assert ended.returncode in (DONE, ROLLED_BACK), told(ended)
    assert not project.lost()


def test_a_rotten_record_stops_loudly_and_changes_nothing(project):
    middle_of_upgrade(project)
    path = journal(project)
    rotten = bytearray(path.read_bytes())
    rotten[len(rotten) // 3] ^= 0x20
    path.write_bytes(rotten)
    before = project.processes()
    ended = project.belay("resume")
    assert ended.returncode == NEEDS_OPERATOR, told(ended)
    assert path.read_bytes() == rotten
    assert project.processes() == before


def test_a_state_folder_of_a_newer_belay_is_left_alone(project):
    state = project.folder / ".belay"
    marker = next(path for path in state.iterdir() if path.name.startswith("format"))
    text = marker.read_text()
    newer = "".join("9" if one.isdigit() else one for one in text)
    assert newer != text
    marker.write_text(newer)
    project.release("2.0")
    ended = project.belay(*UP)
    assert ended.returncode not in (DONE, ROLLED_BACK), told(ended)
    assert "newer" in ended.stderr, told(ended)
    assert project.version() == "1.0"


def test_a_lock_from_before_a_reboot_is_no_lock(project):
    locks = list((project.folder / ".belay").glob("lock*"))
    assert locks
    locks[0].write_text(json.dumps({"pid": 1, "start_ticks": 1, "boot_id": "of-another-boot"}))
    project.release("2.0")
    project.upgrade("2.0")


def needs_root():
    if os.geteuid() != 0:
        pytest.skip("mounts a small disk: needs root")


def test_a_disk_too_small_for_the_copies_blocks_before_anything_is_touched(make_project,
                                                                           small_disk):
    needs_root()
    project = make_project(folder=small_disk(24))
    project.release("1.0")
    project.upgrade("1.0")
    project.write()
    (project.folder / "data/big").write_bytes(os.urandom(14 << 20))
    project.release("2.0")
    ended = project.belay(*UP)
    assert ended.returncode in (BLOCKED, UNCHANGED), told(ended)
    assert "disk" in (ended.stderr + ended.stdout) or "space" in (ended.stderr + ended.stdout)
    assert project.version() == "1.0"
    assert not project.lost()


def test_a_disk_that_fills_up_in_the_middle_loses_nothing(make_project, small_disk):
    needs_root()
    project = make_project(folder=small_disk(32))
    project.release("1.0")
    project.upgrade("1.0")
    project.write()
    (project.folder / "data/big").write_bytes(os.urandom(4 << 20))
    project.release("2.0")
    middle_of = "25:after"
    assert kill_at(project, middle_of, *UP)
    ballast = project.folder / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 65536):
                pass
        except OSError:
            pass  # full
    ended = project.belay("resume")
    assert ended.returncode in (DONE, ROLLED_BACK, NEEDS_OPERATOR, UNCHANGED), told(ended)
    ballast.unlink()
    if ended.returncode == NEEDS_OPERATOR:
        ended = project.belay("resume")
        assert ended.returncode in (DONE, ROLLED_BACK), told(ended)
    wait_until("the service answers", project.answers)
    assert project.version() in ("1.0", "2.0")
    assert not project.lost()


def test_a_read_only_store_is_refused_before_anything_is_touched(make_project, small_disk):
    needs_root()
    disk = small_disk(8)
    project = make_project()
    project.release("1.0")
    (project.folder / "data/layout.json").unlink()
    (project.folder / "data").rmdir()
    (disk / "data").mkdir()
    (project.folder / "data").symlink_to(disk / "data")
    project.upgrade("1.0")
    project.write()
    os.system(f"mount -o remount,ro '{disk}'")
    project.release("2.0")
    ended = project.belay(*UP)
    os.system(f"mount -o remount,rw '{disk}'")
    assert ended.returncode in (BLOCKED, UNCHANGED), told(ended)
    assert project.version() == "1.0"


def test_a_store_that_somebody_else_writes_is_not_called_secure(project):
    project.release("2.0")
    # So many files that looking at them takes longer than a busy machine lets all writers rest.
    for number in range(4000):
        (project.folder / f"data/file-{number}").write_text("x")
    # Processes of their own, without a pause. They append: times alone are too coarse to tell two
    # writes in one tick of the kernel's clock.
    scribbles = [project.folder / f"data/scribble-{number}" for number in range(4)]
    writers = [subprocess.Popen(
        [sys.executable, "-c", "import sys\nwith open(sys.argv[1], 'ab', 0) as file:\n"
         "    while True:\n        file.write(b'x')\n", scribble]) for scribble in scribbles]
    try:
        wait_until("they write", lambda: all(scribble.exists() for scribble in scribbles))
        ended = project.belay(*UP)
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    assert ended.returncode in (ROLLED_BACK, UNCHANGED), told(ended)
    assert project.version() == "1.0"
    assert not project.lost()


@pytest.mark.parametrize("kind", ["a link", "a link to another disk"])
def test_a_store_behind_a_link_comes_back_behind_it(make_project, small_disk, tmp_path, kind):
    project = make_project()
    if kind == "a link":
        elsewhere = tmp_path / "elsewhere"
    else:
        needs_root()
        elsewhere = small_disk(16) / "elsewhere"
    (project.folder / "data").rename(project.folder / "data.was")
    elsewhere.mkdir()
    (elsewhere / "layout.json").write_text((project.folder / "data.was/layout.json").read_text())
    (project.folder / "data").symlink_to(elsewhere)
    project.release("1.0")
    project.upgrade("1.0")
    project.write()
    project.release("2.0", "damages")
    project.upgrade("2.0", status=ROLLED_BACK)
    assert (project.folder / "data").is_symlink()
    assert project.live() == project.acknowledged


def test_a_store_that_is_missing_blocks(project):
    (project.folder / "data").rename(project.folder / "away")
    project.release("2.0")
    ended = project.belay(*UP)
    (project.folder / "away").rename(project.folder / "data")
    assert ended.returncode in (BLOCKED, UNCHANGED), told(ended)
    assert project.version() == "1.0"


def test_a_store_that_would_be_kept_among_our_own_records_blocks(make_project, small_disk):
    """A mount point is kept in itself: when it is the project's folder too, that is the state's."""
    needs_root()
    project = make_project(name="", folder=small_disk(32))
    text = (project.folder / "belay.yaml").read_text()
    (project.folder / "belay.yaml").write_text(
        text.replace("directory: ./data,", "directory: ., exclude: [.belay, dist, shop.db],"))
    project.release("1.0")
    ended = project.belay(*UP[:3], "1.0", "--yes")
    assert ended.returncode in (UNCHANGED, BLOCKED), told(ended)
    assert "Set `state:`" in ended.stderr + ended.stdout, told(ended)
