"""Snapshots in a second repository: whole, verified, once; also when the copy is killed again and again."""
import os
import random
import signal
import subprocess
import time

import pytest

from place import BELAY, Place, RESTICS
from servers import Rest
from tree import describe, make_torture_tree


@pytest.fixture
def full(lone, tmp_path):
    make_torture_tree(tmp_path / "tree")
    (tmp_path / "tree/link that is no text").unlink()  # restic 0.14 writes it otherwise
    lone.tree = tmp_path / "tree"
    lone.belay("repo", "init")
    lone.belay("backup", "--path", lone.tree, "--tag", "first")
    (lone.tree / "more").write_bytes(os.urandom(3_000_000))
    lone.belay("backup", "--path", lone.tree)
    return lone


@pytest.fixture
def second(tmp_path):
    (tmp_path / "second").mkdir()
    made = Place(tmp_path / "second", RESTICS[0])
    (made.folder / "password").write_text("another")
    return made


def words(from_, to):
    return [BELAY, "repo", "copy", "--from", from_.repo, "--from-password-file", from_.folder / "password",
            "--to", to.repo, "--to-password-file", to.folder / "password"]


def copy(from_, to, *more, status=0):
    done = subprocess.run([*words(from_, to), *more], capture_output=True, text=True)
    assert done.returncode == status, (done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout + done.stderr


def test_what_was_copied_is_restored_by_restic(full, second):
    second.belay("repo", "init")
    assert "copied 2 snapshots" in copy(full, second)
    second.restic("check", "--read-data")
    assert [each["tags"] for each in second.restic_json("snapshots")[0] if "tags" in each] == [["first"]]
    second.restic("restore", "latest", "--target", second.folder / "back")
    assert describe(str(second.folder / "back") + str(full.tree)) == describe(full.tree)
    assert "copied 0 snapshots, 0 blobs" in copy(full, second)
    assert second.files("locks") == [] and full.files("locks") == []


def test_it_goes_to_another_machine_and_back(full, second, tmp_path):
    if not Rest.is_there():
        pytest.skip("rclone is not installed")
    server = Rest(tmp_path / "server")
    try:
        second.move_to(server.location("shop"))
        second.belay("repo", "init")
        copy(full, second, "latest", "--read-back")
        (tmp_path / "third").mkdir()
        third = Place(tmp_path / "third", RESTICS[0])
        third.belay("repo", "init")
        copy(second, third)
        third.belay("restore", f"latest:{full.tree}", "--target", third.folder / "back")
        assert describe(third.folder / "back") == describe(full.tree)
    finally:
        server.stop()


def test_a_wrong_place_or_password_makes_nothing(full, second):
    assert "no repository" in copy(full, second, status=10)
    assert not second.repo.exists()
    second.belay("repo", "init")
    (second.folder / "password").write_text("wrong")
    copy(full, second, status=12)
    assert second.files("snapshots") == []
    copy(full, full, status=2)


def test_harm_is_named_and_not_spread(full, second):
    second.belay("repo", "init")
    victim = max(full.files("data"), key=lambda path: path.stat().st_size)
    content = bytearray(victim.read_bytes())
    content[len(content) // 3] ^= 4
    victim.chmod(0o600)
    victim.write_bytes(content)
    assert victim.name in copy(full, second, status=4)
    assert "no errors" in second.belay("repo", "check", "--read-data")


def test_a_copy_that_is_killed_goes_on(full, second):
    second.belay("repo", "init")
    source = random.Random(7)
    for number in range(6):
        (full.tree / f"data{number}").write_bytes(source.randbytes(12_000_000))
    full.belay("backup", "--path", full.tree)
    for turn in range(5):
        process = subprocess.Popen(words(full, second), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(source.random() * 1.5)
        process.send_signal(signal.SIGKILL)
        process.wait()
    copy(full, second)
    second.restic("check", "--read-data")
    second.belay("restore", f"latest:{full.tree}", "--target", second.folder / "back")
    assert describe(second.folder / "back") == describe(full.tree)
