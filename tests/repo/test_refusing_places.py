"""A place that cannot be written to, one that is full, one that two use at once, and death in a loop."""
import contextlib
import os
import random
import shutil
import subprocess

import pytest

from place import BELAY
from tree import describe

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
KILLS = int(os.environ.get("BELAY_KILLS", "6"))


@contextlib.contextmanager
def mounted(path, *words):
    path.mkdir(exist_ok=True)
    subprocess.run(["mount", *words, path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


@contextlib.contextmanager
def read_only(folder, path):
    with mounted(path, "--bind", folder):
        subprocess.run(["mount", "-o", "remount,ro,bind", path], check=True)
        yield path


def small_disk(path, size):
    return mounted(path, "-t", "tmpfs", "-o", f"size={size}", "tmpfs")


def fill(folder, left):
    """Leaves so many bytes of a small disk."""
    free = os.statvfs(folder)
    (folder / "ballast").write_bytes(b"x" * (free.f_bavail * free.f_frsize - left))


def noise(path, size, seed):
    path.write_bytes(random.Random(seed).randbytes(size))


@pytest.fixture
def full(lone):
    """A repository with two snapshots; most of the data is in the first only."""
    lone.tree = lone.folder / "tree"
    lone.tree.mkdir()
    for number in range(8):
        noise(lone.tree / f"file{number}", 400_000, number)
    lone.belay("repo", "init")
    lone.belay("backup", "--path", lone.tree)
    for number in range(0, 8, 2):
        (lone.tree / f"file{number}").unlink()
    lone.belay("backup", "--path", lone.tree)
    return lone


def all_names(folder):
    return sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*"))


@needs_root
def test_a_read_only_place_can_be_read(full):
    whole, before = full.repo, all_names(full.repo)
    with read_only(whole, full.folder / "read only") as full.repo:
        full.belay("snapshots")
        assert "file1" in full.belay("ls", "latest")
        full.belay("find", "file1")
        full.belay("repo", "stats")
        full.belay("diff", "latest", "latest")
        full.belay("dump", "latest", full.tree / "file1")
        reading = [["restore", f"latest:{full.tree}", "--target", full.folder / "back"], ["repo", "check", "--read-data"],
                   ["verify", "latest"], ["export", "latest", full.folder / "tree.tgz"]]
        for words in reading:
            said = full.belay(*words, status=1)
            assert "Read-only file system" in said and "unable to lock" in said and "--no-lock" in said
            full.belay(*words, "--no-lock")
        assert describe(full.folder / "back") == describe(full.tree)
        for words in (["backup", "--path", full.tree], ["prune"], ["forget", "--keep-last", "1"], ["repo", "repair"],
                      ["repo", "key", "passwd", "--new-password-file", full.folder / "password"]):
            assert "Read-only file system" in full.belay(*words, status=1)
    assert all_names(whole) == before


@needs_root
def test_snapshots_are_copied_out_of_a_read_only_place(full):
    second = full.folder / "second"
    subprocess.run([BELAY, "repo", "init", "-r", second, "-p", full.folder / "password"], check=True, capture_output=True)
    with read_only(full.repo, full.folder / "read only") as place:
        words = [BELAY, "repo", "copy", "--from", place, "--from-password-file", full.folder / "password",
                 "--to", second, "--to-password-file", full.folder / "password"]
        assert subprocess.run(words, capture_output=True).returncode == 1
        assert subprocess.run([*words, "--from-no-lock"], capture_output=True).returncode == 0
    full.repo = second
    assert "no errors" in full.belay("repo", "check", "--read-data")


@needs_root
def test_a_disk_that_is_full_in_the_middle_of_a_prune_loses_nothing(full):
    with small_disk(full.folder / "small", "20m") as small:
        shutil.move(full.repo, small / "repo")
        full.repo = small / "repo"
        full.belay("forget", "--keep-last", "1")
        fill(small, 700_000)  # what is to be written again is more
        said = full.belay("prune", "--max-unused", "0%", status=1)
        assert "space" in said.lower()
        assert "no errors" in full.belay("repo", "check", "--read-data")
        (small / "ballast").unlink()
        full.belay("prune", "--max-unused", "0%")
        assert sum(path.stat().st_size for path in full.files("data")) < 1_700_000
        full.env["RESTIC_REPOSITORY"] = str(full.repo)
        full.restic("check", "--read-data")
        full.belay("restore", f"latest:{full.tree}", "--target", full.folder / "back")
        assert describe(full.folder / "back") == describe(full.tree)


@needs_root
def test_a_copy_into_a_full_disk_is_said_and_goes_on_later(full):
    with small_disk(full.folder / "small", "3m") as small:
        second = small / "second"
        subprocess.run([BELAY, "repo", "init", "-r", second, "-p", full.folder / "password"], check=True, capture_output=True)
        words = [BELAY, "repo", "copy", "--from", full.repo, "--from-password-file", full.folder / "password",
                 "--to", second, "--to-password-file", full.folder / "password"]
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 1 and "space" in done.stderr.lower()
        full.repo = second
        full.belay("repo", "check", "--read-data")
        subprocess.run(["mount", "-o", "remount,size=40m", small], check=True)
        assert subprocess.run(words, capture_output=True).returncode == 0
        assert "2 snapshots" in full.belay("repo", "check", "--read-data")


@needs_root
def test_a_restore_in_place_onto_a_full_disk_is_said_and_goes_on_later(full):
    with small_disk(full.folder / "small", "1m") as small:
        target = small / "live"
        target.mkdir()
        (target / "file1").write_bytes(b"another")
        words = ["restore", f"latest:{full.tree}", "--target", target, "--in-place", "--delete"]
        said = full.belay(*words, status=1)
        assert "space" in said.lower() and "file" in said
        assert full.files("locks") == []
        subprocess.run(["mount", "-o", "remount,size=40m", small], check=True)
        full.belay(*words)
        assert describe(target) == describe(full.tree)


def test_both_programs_back_up_into_one_repository_at_once(place):
    trees = [place.folder / "one", place.folder / "other", place.folder / "both"]
    for number, tree in enumerate(trees):
        tree.mkdir()
        for each in range(3):
            noise(tree / f"file{each}", 900_000, 10 * number + each)
    place.belay("repo", "init")
    for turn in range(2):
        noise(trees[2] / "changing", 900_000, 100 + turn)
        jobs = [place.start("backup", "--path", trees[0], "--path", trees[2]),
                subprocess.Popen([place.restic_path, "backup", trees[1], trees[2]], env=place.env, stdout=subprocess.DEVNULL),
                place.start("backup", "--path", trees[2])]
        # Whoever wants to be alone waits, or is told who is there.
        pruning = place.start("prune")
        assert pruning.wait() in (0, 11)
        for job in jobs:
            job.communicate()
        # A prune that came first keeps the others out, as they would it.
        statuses = [job.returncode for job in jobs]
        assert all(status in (0, 11) for status in (statuses[0], statuses[2])) and statuses[1] in (0, 1, 11)
    place.belay("backup", "--path", trees[2])
    place.restic("backup", trees[2])
    place.restic("check", "--read-data")
    assert "no errors" in place.belay("repo", "check", "--read-data")
    place.belay("restore", f"latest:{trees[2]}", "--target", place.folder / "back")
    assert describe(place.folder / "back") == describe(trees[2])


def test_a_machine_of_deaths_keeps_every_snapshot(lone):
    """BELAY_KILLS says how often; whichever command is at work is killed, at any moment."""
    source = random.Random(11)
    tree, live, second = lone.folder / "tree", lone.folder / "live", lone.folder / "second"
    tree.mkdir()
    lone.belay("repo", "init")
    subprocess.run([BELAY, "repo", "init", "-r", second, "-p", lone.folder / "password"], check=True, capture_output=True)
    noise(tree / "first", 300_000, 1)
    lone.belay("backup", "--path", tree)
    copying = [BELAY, "repo", "copy", "--from", lone.repo, "--from-password-file", lone.folder / "password",
               "--to", second, "--to-password-file", lone.folder / "password"]
    for turn in range(KILLS):
        for number in range(4):
            noise(tree / f"file{source.randrange(8)}", source.randrange(1, 2_000_000), source.random())
        kind = source.choice(["backup", "backup", "forget", "prune", "copy", "in place"])
        words = {"backup": ["backup", "--path", tree], "forget": ["forget", "--keep-last", "3", "--prune"],
                 "prune": ["prune", "--max-unused", "0%"],
                 "in place": ["restore", f"latest:{tree}", "--target", live, "--in-place", "--delete"]}
        process = subprocess.Popen(copying, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) if kind == "copy" else lone.start(*words[kind])
        try:
            process.communicate(timeout=source.random() * 0.8)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        if turn % 5 == 4:
            lone.belay("repo", "check", "--read-data")
    assert "no errors" in lone.belay("repo", "check", "--read-data")
    lone.restic("check", "--read-data")
    assert lone.files("locks") == []
    lone.belay("backup", "--path", tree)
    lone.belay("restore", f"latest:{tree}", "--target", live, "--in-place", "--delete")
    assert describe(live) == describe(tree)
    assert subprocess.run(copying, capture_output=True).returncode == 0
    lone.repo = second
    assert "no errors" in lone.belay("repo", "check", "--read-data")
