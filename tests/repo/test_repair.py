"""What is harmed is repaired as far as it can be, and nothing goes without a word."""
import pytest

from test_harm import flipped, full, rewrite  # noqa: F401: `full` is a fixture
from tree import describe


def cut(content):
    return content[: len(content) * 2 // 3]


def heal(full):
    """After a backup of what is still there check has nothing left to say, nor has restic."""
    full.belay("backup", "--path", full.tree)
    full.belay("repo", "check", "--read-data")
    full.restic("check", "--read-data")
    full.belay("restore", f"latest:{full.tree}", "--target", full.folder / "back")
    assert describe(full.folder / "back") == describe(full.tree)
    full.belay("prune")
    assert "nothing is to be repaired" in full.belay("repo", "repair", "--read-data")


def largest(full, kind="data"):
    return max(full.files(kind), key=lambda path: path.stat().st_size)


def test_whole_repository_is_left_alone(full):
    before = full.files("index") + full.files("data")
    assert "nothing is to be repaired" in full.belay("repo", "repair", "--read-data")
    assert full.files("index") + full.files("data") == before


@pytest.mark.parametrize("change", [flipped, cut, None], ids=["flipped bit", "cut off", "missing"])
def test_harmed_pack_is_named_and_what_is_whole_in_it_is_saved(full, change):
    victim = largest(full)
    if change:
        rewrite(victim, change)
    else:
        victim.unlink()
    before = full.files("index")
    said = full.belay("repo", "repair", "--read-data", "--dry-run")
    assert victim.name in said and full.files("index") == before
    said = full.belay_json("repo", "repair", "--read-data")[-1]
    assert any(victim.name in line for line in said["found"])
    assert said["blobs_lost"] > 0 and (said["blobs_saved"] > 0) == bool(change)
    if change:  # the file stays until prune
        assert victim.exists()
    heal(full)
    assert not change or not victim.exists()


@pytest.mark.parametrize("how", ["flipped", "missing", "all missing"])
def test_index_is_made_anew_from_the_packs(full, how):
    for victim in full.files("index") if how == "all missing" else full.files("index")[:1]:
        rewrite(victim, flipped) if how == "flipped" else victim.unlink()
    full.belay("repo", "check", status=1)
    said = full.belay_json("repo", "repair")[-1]
    assert said["blobs_lost"] == 0 and said["index_files_written"] == 1
    full.belay("repo", "check", "--read-data")
    full.restic("check", "--read-data")


def test_broken_snapshot_goes_only_when_that_is_asked_for(full):
    victim = full.files("snapshots")[0]
    full.belay("backup", "--path", full.tree, "--tag", "second")
    rewrite(victim, flipped)
    said = full.belay("repo", "repair")
    assert victim.name in said and victim.exists()
    full.belay("snapshots", status=4)
    full.belay("repo", "repair", "--remove-broken-snapshots")
    assert not victim.exists() and len(full.files("snapshots")) == 1
    full.belay("repo", "check")
    full.belay("restore", f"latest:{full.tree}", "--target", full.folder / "back")
    assert describe(full.folder / "back") == describe(full.tree)


def test_what_is_gone_for_good_is_named_and_its_snapshot_can_be_forgotten(full):
    gone = full.tree / "only here once"
    gone.write_bytes(bytes(range(256)) * 4000)
    full.belay("backup", "--path", full.tree, "--tag", "doomed")
    for path in full.files("data"):
        rewrite(path, cut)
    gone.unlink()
    full.belay("repo", "repair", "--read-data")
    full.belay("backup", "--force", "--path", full.tree)
    said = full.belay("repo", "check", status=1)
    assert "is in no index file" in said
    full.belay("prune", status=4)  # nothing is thrown away while a snapshot lacks something
    full.belay("forget", "--keep-last", "1", "--prune")
    full.belay("repo", "check", "--read-data")
    full.restic("check", "--read-data")


@pytest.mark.parametrize("kind, says, status", [
    ("keys", "bring it back from a copy", 4), ("config", "bring it back from a copy", 4), ("no config", "has keys, but no config", 10),
    ("locks", "unlock --remove-all", 4), ("data", "repo repair", 4)])
def test_what_is_broken_is_told_with_what_to_do(lone, tmp_path, kind, says, status):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").write_bytes(b"x" * 1000)
    lone.belay("repo", "init")
    lone.belay("backup", "--path", tmp_path / "tree")
    if kind == "locks":
        (lone.repo / "locks" / ("ab" * 32)).write_bytes(b"")
    elif kind == "no config":
        (lone.repo / "config").unlink()
    else:
        for path in [lone.repo / "config"] if kind == "config" else lone.files(kind):
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.chmod(0o600)
            path.write_bytes(content)
    said = lone.belay("restore", "latest", "--target", lone.folder / "back", status=status)
    assert "hint: " in said and says in said
