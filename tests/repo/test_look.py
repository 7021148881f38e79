"""What looks into snapshots says what restic says: find, diff, stats, dump; and verify reads all of it."""
import os
import subprocess

import pytest

from place import BELAY
from test_harm import flipped, rewrite
from tree import describe, make_torture_tree


@pytest.fixture
def two(place, tmp_path):
    """A repository of restic's with two snapshots of a torture tree."""
    place.tree = tmp_path / "tree"
    make_torture_tree(place.tree)
    (place.tree / b"link that is no text".decode()).unlink()
    place.restic("init")
    place.restic("backup", place.tree)
    (place.tree / "many/3/f10").write_text("changed")
    (place.tree / "many/4/f11").unlink()
    (place.tree / "many/4/new").write_text("new")
    (place.tree / "empty folder/one").write_bytes(os.urandom(700_000))
    (place.tree / "pipe").unlink()
    (place.tree / "pipe").mkdir()
    (place.tree / "plain").chmod(0o600)
    place.restic("backup", place.tree)
    place.ids = [snapshot["id"] for snapshot in place.belay_json("snapshots")]
    return place


def test_files_are_found_as_restic_finds_them(two):
    for words in (["f10"], ["f1?", "NEW"], ["-i", "NEW"], [str(two.tree / "many/*/f20")], ["empty folder"]):
        theirs = {(hit["snapshot"], match["path"]) for hits in two.restic_json("find", *words)
                  for hit in ([hits] if isinstance(hits, dict) else hits) for match in hit["matches"]}
        *flags, = (word for word in words if word.startswith("-"))
        ours = two.belay_json("find", *(word for word in words if word not in flags), *flags)
        assert {(hit["snapshot"], hit["path"]) for hit in ours if hit["event"] == "found"} == theirs, words
        assert ours[-1]["found"] == len(theirs)
    assert two.belay_json("find", "f10", "-s", "latest")[-1] == {"event": "searched", "snapshots": 1, "found": 1}
    assert "0 found" in two.belay("find", "nowhere")


def lines_of(text):
    return {line.rstrip("/") for line in text.splitlines() if line[:2] in ("+ ", "- ", "M ", "T ", "U ")}


def test_what_differs_is_what_restic_says(two):
    ours = two.belay("diff", *two.ids)
    theirs = lines_of(two.restic("diff", *two.ids))
    assert lines_of(ours) == theirs and len(theirs) >= 5
    ours = lines_of(two.belay("diff", *two.ids, "--metadata"))
    theirs = lines_of(two.restic("diff", *two.ids, "--metadata"))
    wanted = f"U    {two.tree}/plain"
    assert wanted in ours and wanted in theirs
    end = two.belay_json("diff", *two.ids)[-1]
    if "0.14" not in two.restic("version"):
        return  # later ones count elsewhere
    said = two.restic_json("diff", *two.ids)[-1]
    for side in ("added", "removed"):
        for key in ("files", "data_blobs", "tree_blobs"):  # a change of kind counts as both with us
            assert end[side][key] == said[side][key], (side, key)
    assert end["changed_files"] == said["changed_files"]


def test_a_folder_is_compared_with_a_folder(two):
    a, b = (f"{name}:{two.tree}/many" for name in two.ids)
    assert lines_of(two.belay("diff", a, b)) == {"M    /3/f10", "-    /4/f11", "+    /4/new"}
    two.belay("diff", a, f"{two.ids[1]}:/absent", status=1)
    assert lines_of(two.belay("diff", two.ids[0], two.ids[0])) == set()


@pytest.mark.parametrize("mode", ["restore-size", "files-by-contents", "blobs-per-file", "raw-data"])
def test_sizes_are_those_of_restic(two, mode):
    theirs = two.restic_json("stats", "--mode", mode)[-1]
    ours = two.belay_json("repo", "stats", "--mode", mode)[-1]
    for key in ("total_size", "total_file_count", "total_blob_count", "total_uncompressed_size"):
        if theirs.get(key):
            assert ours[key] == theirs[key], key
    assert ours["packs"] == len(two.files("data")) and ours["snapshots_count"] == 2
    assert mode in two.belay("repo", "stats", "latest", "--mode", mode)


def test_a_folder_is_dumped_as_an_archive(two):
    words = [BELAY, "dump", "latest", two.tree, "--archive", "tar", "-r", two.repo, "-p", two.folder / "password"]
    with open(two.folder / "all.tar", "wb") as file:
        subprocess.run(words, stdout=file, check=True)
    back = two.folder / "back"
    back.mkdir()
    done = subprocess.run(["tar", "-xpf", two.folder / "all.tar", "--xattrs", "--xattrs-include=*", "-C", back],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert describe(back) == describe(two.tree)
    assert "is no folder" in two.belay("dump", "latest", two.tree / "plain", "--archive", "tar", status=1)


def test_a_dump_that_fails_leaves_no_whole_archive(two):
    for path in two.files("data"):
        if path.stat().st_size > 1_000_000:
            rewrite(path, flipped)
    words = [BELAY, "dump", "latest", two.tree, "--archive", "tar", "-r", two.repo, "-p", two.folder / "password"]
    done = subprocess.run(words, capture_output=True)
    assert done.returncode == 4
    assert subprocess.run(["tar", "-t"], input=done.stdout, capture_output=True).returncode != 0


def test_a_whole_snapshot_is_said_to_be_whole(two):
    report = two.belay_json("verify", "latest")[-1]
    assert report["is_whole"] and report["errors"] == []
    stats = two.belay_json("repo", "stats", "latest", "--mode", "raw-data")[-1]
    assert report["blobs"] == stats["total_blob_count"]
    assert len(two.belay("verify", two.ids[0]).splitlines()) == 1


def test_harm_to_a_snapshot_is_named(two):
    large = max(two.files("data"), key=lambda path: path.stat().st_size)
    kept = large.read_bytes()
    rewrite(large, flipped)
    said = two.belay("verify", "latest", status=4)
    assert large.name in said and str(two.tree) in said and "is harmed" in said
    large.unlink()
    said = two.belay("verify", "latest", status=4)
    assert large.name in said and "is harmed" in said
    large.write_bytes(kept)
    two.belay("verify", "latest")
