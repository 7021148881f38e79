"""--memory: what is too little is refused before anything is done, and what is told to be enough is."""
import re

import pytest


@pytest.fixture
def full(lone, tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").write_bytes(b"x" * 3_000_000)
    lone.belay("repo", "init")
    lone.belay("backup", "--path", tmp_path / "tree")
    return lone


def commands_of(place):
    return {
        "backup": ["backup", "--path", place.folder / "tree"],
        "restore": ["restore", "latest", "--target", place.folder / "back"],
        "verify": ["verify", "latest"],
        "check": ["repo", "check", "--read-data"],
        "prune": ["prune"],
    }


@pytest.mark.parametrize("name", ["backup", "restore", "verify", "check", "prune"])
def test_the_least_that_is_told_is_enough(full, name):
    words = commands_of(full)[name]
    before = full.files(".")
    told = full.belay(*words, "--memory", "1MiB", status=2)
    assert full.files(".") == before and not (full.folder / "back").exists()
    least = int(re.search(r"at least --memory (\d+)MiB", told)[1])
    full.belay(*words, "--memory", f"{least - 1}MiB", status=2)
    full.belay(*words, "--memory", f"{least}MiB")


def test_a_size_that_is_none_is_refused(full):
    assert "write a size as 128MiB, not 'much'" in full.belay("prune", "--memory", "much", status=2)
