"""What is harmed is found and named; what is locked, absent or of another password is said so."""
import os
import random
import shutil
import signal
import subprocess
import time

import pytest

from place import BELAY
from tree import describe, make_torture_tree


@pytest.fixture
def full(lone, tmp_path):
    """A repository with one snapshot of a torture tree."""
    make_torture_tree(tmp_path / "tree")
    lone.tree = tmp_path / "tree"
    lone.belay("repo", "init")
    lone.belay("backup", "--path", lone.tree)
    return lone


def rewrite(path, change):
    content = bytearray(path.read_bytes())
    path.chmod(0o600)
    path.write_bytes(change(content))


def flipped(content):
    content[len(content) // 3] ^= 4
    return content


@pytest.mark.parametrize("change", [flipped, lambda content: content[: len(content) - 7], lambda content: b""],
                         ids=["flipped bit", "cut off", "empty"])
@pytest.mark.parametrize("kind", ["data", "index", "snapshots"])
def test_harm_is_found_and_named(full, kind, change):
    victim = full.files(kind)[0]
    rewrite(victim, change)
    said = full.belay("repo", "check", "--read-data", status=1)
    assert victim.name in said and "errors were found" in said


@pytest.mark.parametrize("kind", ["data", "index"])
def test_what_is_missing_is_found(full, kind):
    victim = full.files(kind)[0]
    victim.unlink()
    said = full.belay("repo", "check", status=1)
    assert (victim.name if kind == "data" else "is in no index file") in said
    full.belay("prune", status=4)  # and nothing that is needed is thrown away
    if kind == "index":
        full.belay("forget", "--keep-last", "1")


def test_a_restore_of_what_is_harmed_fails_and_names_the_file(full):
    large = max(full.files("data"), key=lambda path: path.stat().st_size)
    rewrite(large, flipped)
    said = full.belay("restore", "latest", "--target", full.folder / "back", status=4)
    assert large.name in said and str(full.tree) in said


def test_a_backup_stores_again_what_was_lost(full):
    full.files("data")[0].unlink()
    full.belay("repo", "check", status=1)
    for path in full.files("index"):
        path.unlink()
    full.belay("backup", "--path", full.tree)
    full.belay("restore", f"latest:{full.tree}", "--target", full.folder / "back")
    assert describe(full.folder / "back") == describe(full.tree)


def test_no_repository_is_a_status_of_its_own_and_makes_none(lone):
    for words in (["snapshots"], ["backup", "--path", "/etc/hostname"], ["repo", "check"], ["prune"]):
        assert "no repository" in lone.belay(*words, status=10)
    assert not lone.repo.exists()


def test_a_wrong_password_is_a_status_of_its_own(lone):
    lone.belay("repo", "init")
    (lone.folder / "wrong").write_text("open barley")
    assert "password" in lone.belay("backup", "--path", "/etc/hostname", password="wrong", status=12)
    (lone.folder / "none").write_text(" \n")
    lone.belay("snapshots", password="none", status=2)
    assert lone.files("snapshots") == [] and lone.files("locks") == []


def test_a_repository_is_never_made_twice(lone):
    lone.belay("repo", "init")
    before = lone.files("keys")
    lone.belay("repo", "init", status=5)
    assert lone.files("keys") == before


def test_a_password_may_come_from_a_command(lone):
    lone.belay("repo", "init")
    done = subprocess.run([BELAY, "snapshots", "-r", lone.repo, "--password-command",
                           "printf '%s %s' open sesame"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def held(full):
    """A `repo check` of ours that is stopped right after it has taken its exclusive lock."""
    env = {**full.env, "BELAY_PAUSE_AT": "1:after", "BELAY_PAUSE_FILE": str(full.folder / "paused")}
    process = subprocess.Popen([BELAY, "repo", "check", "-r", full.repo, "-p", full.folder / "password"],
                               env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for((full.folder / "paused").exists)
        full.process = process
        yield full
    finally:  # also when it did not come so far
        process.kill()
        process.wait()


def test_who_is_locked_out_is_told_by_whom(held):
    said = held.belay("backup", "--path", held.tree, status=11)
    assert str(held.process.pid) in said
    held.restic("snapshots", status=1)
    held.belay("repo", "unlock")  # it lives: nothing to remove
    held.belay("prune", status=11)


def test_the_lock_of_a_dead_process_is_removed_by_ourselves(held):
    held.process.kill()
    held.process.wait()
    assert len(held.files("locks")) == 1
    held.belay("backup", "--path", held.tree)
    assert held.files("locks") == []


def test_a_backup_that_is_killed_harms_nothing(full):
    """Again and again, at any moment; every snapshot that there was stays whole."""
    source = random.Random(3)
    for turn in range(12):
        for number in range(3):
            (full.tree / f"data{number}").write_bytes(source.randbytes(2_000_000))
        process = subprocess.Popen([BELAY, "backup", "-r", full.repo, "-p", full.folder / "password",
                                    "--path", full.tree], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(source.random() * 1.2)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert "no errors" in full.belay("repo", "check", "--read-data")
    full.restic("check", "--read-data")  # after ours, which takes away the lock of the last one killed
    full.belay("backup", "--path", full.tree)
    full.belay("prune")
    full.restic("check", "--read-data")
    full.belay("restore", f"latest:{full.tree}", "--target", full.folder / "back")
    assert describe(full.folder / "back") == describe(full.tree)


def test_a_prune_that_is_killed_at_any_effect_harms_nothing(full):
    source = random.Random(5)
    for turn in range(3):
        (full.tree / "data").write_bytes(source.randbytes(3_000_000))
        (full.tree / f"kept{turn}").write_bytes(source.randbytes(300_000))
        full.belay("backup", "--path", full.tree)
    full.belay("forget", "--keep-last", "1")
    copy = full.folder / "copy"
    shutil.copytree(full.repo, copy)
    log = full.folder / "effects"
    full.belay("prune", "--max-unused", "0%", env={"BELAY_EFFECTS_LOG": str(log)})
    effects = len(log.read_text().splitlines())
    assert effects > 6
    for at in range(1, effects + 1):
        shutil.rmtree(full.repo)
        shutil.copytree(copy, full.repo)
        paused = full.folder / f"paused{at}"
        process = subprocess.Popen(
            [BELAY, "prune", "--max-unused", "0%", "-r", full.repo, "-p", full.folder / "password"],
            env={**full.env, "BELAY_PAUSE_AT": f"{at}:after", "BELAY_PAUSE_FILE": str(paused)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: paused.exists() or process.poll() is not None)
        process.kill()
        process.wait()
        said = full.belay("repo", "check", "--read-data")
        assert "no errors" in said
        if at % 3 == 0:
            full.belay("prune")
            full.restic("check", "--read-data")


def test_a_full_disk_is_said_and_leaves_no_half_file(full, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", small], check=True)
    try:
        full.repo = small / "repo"
        full.belay("repo", "init")
        said = full.belay("backup", "--path", full.tree, status=1)
        assert "space" in said.lower()
        assert full.files("snapshots") == []
        subprocess.run(["mount", "-o", "remount,size=200m", small], check=True)
        full.belay("backup", "--path", full.tree)
        assert "no errors" in full.belay("repo", "check", "--read-data")
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_a_target_that_holds_something_is_left_alone(full):
    (full.folder / "full").mkdir()
    (full.folder / "full/file").write_text("mine")
    full.belay("restore", "latest", "--target", full.folder / "full", status=5)
    assert os.listdir(full.folder / "full") == ["file"]


def test_a_restore_in_place_that_is_killed_at_any_effect_can_be_run_again(lone, tmp_path):
    tree, live = tmp_path / "tree", tmp_path / "live"
    (tree / "folder").mkdir(parents=True)
    (tree / "folder/file").write_bytes(b"a" * 10_000)
    (tree / "changed").write_bytes(b"b" * 50_000)
    (tree / "a link").symlink_to("changed")
    lone.belay("repo", "init")
    lone.belay("backup", "--path", tree)
    words = ["restore", f"latest:{tree}", "--target", live, "--in-place", "--delete"]

    def make_live():
        shutil.rmtree(live, ignore_errors=True)
        (live / "a link").mkdir(parents=True)
        (live / "a link/file").write_text("in the way")
        (live / "changed").write_bytes(b"b" * 30_000 + b"c" * 30_000)
        (live / "extra").write_text("extra")

    make_live()
    log = lone.folder / "effects"
    lone.belay(*words, env={"BELAY_EFFECTS_LOG": str(log)})
    lines = log.read_text().splitlines()
    effects = [number for number, line in enumerate(lines, 1) if str(live) in line]
    assert len(effects) >= 10
    for at in effects:
        make_live()
        paused = lone.folder / f"paused{at}"
        process = subprocess.Popen([BELAY, *words, "-r", lone.repo, "-p", lone.folder / "password"],
                                   env={**lone.env, "BELAY_PAUSE_AT": f"{at}:after", "BELAY_PAUSE_FILE": str(paused)},
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: paused.exists() or process.poll() is not None)
        process.kill()
        process.wait()
        lone.belay(*words)
        assert describe(live) == describe(tree), lines[at - 1]


def test_a_restore_in_place_harms_neither_the_repository_nor_what_was_not_named(full):
    said = full.belay("restore", f"latest:{full.tree}", "--target", full.folder, "--in-place", "--delete", status=5)
    assert "the repository lies in" in said
    said = full.belay("restore", "latest", "--target", full.tree, "--in-place", "--delete", status=2)
    assert f"latest:{full.tree}" in said
    full.belay("restore", "latest", "--target", full.tree, "--delete", status=2)
    assert "no errors" in full.belay("repo", "check")


def test_what_a_backup_left_out_survives_a_restore_in_place(lone, tmp_path):
    tree = tmp_path / "tree"
    (tree / "backups").mkdir(parents=True)
    (tree / "backups/old.tgz").write_text("old")
    (tree / "file").write_text("file")
    lone.belay("repo", "init")
    lone.belay("backup", "--path", tree, "--exclude", f"{tree}/backups")
    (tree / "extra").write_text("extra")
    lone.belay("restore", f"latest:{tree}", "--target", tree, "--in-place", "--delete")
    assert (tree / "backups/old.tgz").read_text() == "old" and not (tree / "extra").exists()
