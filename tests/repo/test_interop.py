"""restic reads what belay writes, and belay what restic writes: byte for byte, stat for stat."""
import json
import os
import random
import shutil

import pytest

from tree import describe, make_torture_tree


@pytest.fixture
def tree(tmp_path):
    make_torture_tree(tmp_path / "tree")
    return tmp_path / "tree"


def test_restic_checks_and_restores_ours(place, tree):
    place.belay("repo", "init")
    place.belay("backup", "--path", tree, "--tag", "one")
    place.restic("check", "--read-data")
    listed = place.restic_json("snapshots")[0]
    assert [each["paths"] for each in listed] == [[str(tree)]] and listed[0]["tags"] == ["one"]
    place.restic("restore", "latest", "--target", place.folder / "back")
    ours, back = describe(tree), describe(str(place.folder / "back") + str(tree))
    if "0.14" in place.restic("version"):  # it knows no link targets that are not text
        for side in (ours, back):
            del side[b"link that is no text"]
    assert back == ours


def test_we_check_and_restore_what_restic_wrote(place, tree):
    place.restic("init")
    place.restic("backup", tree, "--tag", "one")
    assert "no errors" in place.belay("repo", "check", "--read-data")
    assert str(tree) in place.belay("snapshots")
    place.belay("restore", "latest", "--target", place.folder / "back")
    back = describe(str(place.folder / "back") + str(tree))
    ours = describe(tree)
    if "0.14" in place.restic("version"):
        for side in (ours, back):
            del side[b"link that is no text"]
    assert back == ours


def test_ours_comes_back_by_ourselves(lone, tree):
    lone.belay("repo", "init")
    lone.belay("backup", "--path", tree)
    assert "no errors" in lone.belay("repo", "check", "--read-data")
    lone.belay("restore", f"latest:{tree}", "--target", lone.folder / "back")
    assert describe(lone.folder / "back") == describe(tree)
    lone.belay("restore", f"latest:{tree}", "--target", lone.folder / "thin", "--sparse")
    assert describe(lone.folder / "thin") == describe(tree)
    assert (lone.folder / "thin/sparse").stat().st_blocks * 512 < 1_000_000


def tree_of(place, snapshot, path):
    """The id of the tree of a folder: that of the folders above it changes with whatever is beside it."""
    tree = json.loads(place.restic("cat", "snapshot", snapshot))["tree"]
    for part in path.parts[1:]:
        nodes = json.loads(place.restic("cat", "blob", tree))["nodes"]
        tree = next(node["subtree"] for node in nodes if node["name"] == part)
    return tree


@pytest.mark.parametrize("is_ours_first", [True, False])
def test_whoever_comes_second_stores_nothing_again(place, tree, is_ours_first):
    place.restic("init")
    (tree / b"link that is no text".decode()).unlink()  # older ones write it otherwise
    (tree / "\b\f\v\a").unlink()  # newer ones of Go escape these otherwise
    if is_ours_first:
        place.belay("backup", "--path", tree)
        assert place.restic_json("backup", tree, "--force")[-1]["data_blobs"] == 0
    else:
        place.restic("backup", tree)
        assert place.belay_json("backup", "--path", tree, "--force")[-1]["summary"]["data_blobs"] == 0
    one, other = (tree_of(place, path.name, tree) for path in place.files("snapshots"))
    assert one == other
    place.restic("check", "--read-data")


def test_both_take_unchanged_files_from_the_others_snapshot(place, tree):
    place.restic("init")
    place.restic("backup", tree)
    summary = place.belay_json("backup", "--path", tree)[-1]["summary"]
    assert summary["files_new"] + summary["files_changed"] == 0
    summary = place.restic_json("backup", tree)[-1]
    assert summary["files_new"] + summary["files_changed"] == 0


def make_databases(folder):
    """As a data folder of PostgreSQL looks, and a database of SQLite: both are cut into blobs of one size."""
    for name in ("base/5", "global"):
        (folder / name).mkdir(parents=True)
    for name in ("PG_VERSION", "global/pg_control", "postgresql.conf"):
        (folder / name).write_text("15\n")
    source = random.Random(5)
    (folder / "base/5/16384").write_bytes(source.randbytes(12_000_000))
    (folder / "shop.db").write_bytes(b"SQLite format 3\0" + source.randbytes(3_000_000))


def write_page(path):
    with open(path, "r+b") as file:
        file.seek(5_000_000)
        file.write(b"page")


def test_databases_cut_by_size_are_restics_as_well(place, tmp_path):
    data = tmp_path / "data"
    make_databases(data)
    place.belay("repo", "init")
    place.belay("backup", "--path", data)
    write_page(data / "base/5/16384")
    summary = place.belay_json("backup", "--path", data)[-1]["summary"]
    assert summary["data_blobs"] == 1 and summary["data_added"] < 1_200_000, "half a MiB, and trees"
    place.restic("check", "--read-data")
    place.restic("restore", "latest", "--target", place.folder / "back")
    assert describe(str(place.folder / "back") + str(data)) == describe(data)
    # It stores them once more when it reads them; then we cut where it did.
    place.restic("backup", "--force", data)
    os.utime(data / "base/5/16384")
    summary = place.belay_json("backup", "--path", data)[-1]["summary"]
    assert summary["files_changed"] == 1 and summary["data_blobs"] == 0, "cut as the snapshot before"
    place.belay("repo", "check", "--read-data")


def test_prune_of_either_leaves_the_others_snapshots_whole(place, tree):
    place.restic("init")
    source = random.Random(7)
    for turn in range(6):
        for number in range(4):
            (tree / f"data{number}").write_bytes(source.randbytes(1_500_000))
        (tree / "text").write_text("turn %d\n" % turn * 5000)
        (place.belay if turn % 2 else place.restic)(*(["backup", "--path", tree] if turn % 2 else ["backup", tree]))
    before = sum(path.stat().st_size for path in place.files("data"))
    place.belay("forget", "--keep-last", "3", "--prune", "--max-unused", "0%")
    between = sum(path.stat().st_size for path in place.files("data"))
    assert between < before * 0.75
    place.restic("check", "--read-data")
    place.restic("forget", "--keep-last", "1", "--prune", "--max-unused", "0")
    assert sum(path.stat().st_size for path in place.files("data")) < between
    assert "no errors" in place.belay("repo", "check", "--read-data")
    place.belay("restore", f"latest:{tree}", "--target", place.folder / "back")
    assert describe(place.folder / "back") == describe(tree)


def test_prune_keeps_quiet_when_there_is_nothing_to_do(place, tree):
    place.belay("repo", "init")
    place.belay("backup", "--path", tree)
    before = place.files("data") + place.files("index")
    report = place.belay_json("prune")[-1]
    assert report["packs_removed"] == report["packs_repacked"] == 0
    assert place.files("data") + place.files("index") == before


def test_packs_that_nobody_needs_go(place, tree):
    place.belay("repo", "init")
    place.belay("backup", "--path", tree)
    place.belay("forget", "--keep-within", "1h", "--dry-run")
    place.belay("forget", place.belay_json("snapshots")[0]["id"][:12])
    place.belay("prune")
    assert place.files("data") == [] and place.files("snapshots") == []
    place.restic("check")


def test_we_read_repositories_of_version_1(place, tree):
    place.restic("init", "--repository-version", "1")
    place.restic("backup", tree)
    assert "no errors" in place.belay("repo", "check", "--read-data")
    place.belay("backup", "--path", tree, "--force")
    place.restic("check", "--read-data")
    place.belay("restore", f"latest:{tree}", "--target", place.folder / "back")
    assert describe(place.folder / "back") == describe(tree)


def test_passwords_of_both_open_it(place, tree):
    place.belay("repo", "init")
    (place.folder / "second").write_text("another one")
    place.belay("repo", "key", "add", "--new-password-file", place.folder / "second")
    place.belay("snapshots", password="second")
    place.env["RESTIC_PASSWORD_FILE"] = str(place.folder / "second")
    place.restic("key", "list")
    place.belay("repo", "key", "passwd", "--new-password-file", place.folder / "third", status=1)
    (place.folder / "third").write_text("a third")
    place.belay("repo", "key", "passwd", "--new-password-file", place.folder / "third")
    place.belay("snapshots", status=12)
    keys = place.belay_json("repo", "key", "list", password="third")
    assert len(keys) == 2 and sum(key["is_current"] for key in keys) == 1
    other = next(key["id"] for key in keys if not key["is_current"])
    place.belay("repo", "key", "remove", other[:10], password="third")
    place.belay("snapshots", password="second", status=12)


def test_excludes_are_those_of_restic(place):
    tree = place.folder / "t"
    for name in ("a/keep.c", "a/drop.o", "b/cache/x", "b/cache/y/z", "c/logs/one.log", "c/logs/keep.log", "d/[x]", "d/x"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    (tree / "b/cache/CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")
    patterns = ["*.o", f"{tree}/c/**/*.log", "!keep.log", "d/\\[x\\]"]
    excluded = [word for pattern in patterns for word in ("--exclude", pattern)] + ["--exclude-caches"]
    place.belay("repo", "init")
    place.belay("backup", "--path", tree, *excluded)
    ours = [node["path"] for node in place.belay_json("ls", "latest", tree)]
    place.restic("backup", tree, *excluded)
    theirs = [line for line in place.restic("ls", "latest").splitlines() if line.startswith(str(tree))]
    assert sorted(ours) == sorted(theirs)


def test_the_parts_of_a_path_are_folders_as_they_are(place, tree):
    place.belay("repo", "init")
    place.belay("backup", "--path", tree / "many", "--path", tree / "sticky", "--path", tree / "it's")
    place.restic("check", "--read-data")
    place.restic("restore", "latest", "--target", place.folder / "back")
    back = describe(str(place.folder / "back") + str(tree))
    ours = describe(tree)
    assert set(back) == {name for name in ours if name.split(b"/")[0] in (b".", b"many", b"sticky", b"it's")}
    assert back[b"."] == ours[b"."]


def test_a_file_of_ours_is_dumped_by_both(place, tree):
    place.belay("repo", "init")
    place.belay("backup", "--path", tree)
    wanted = (tree / "many/3/f10").read_text()
    assert place.restic("dump", "latest", tree / "many/3/f10") == wanted
    assert place.belay("dump", "latest", tree / "many/3/f10") == wanted
    place.belay("dump", "latest", tree / "many", status=2)
    place.belay("dump", "latest", tree / "absent", status=1)


def change_everything(tree):
    """What a live tree may become after its snapshot: content, kinds, names, metadata, holes."""
    (tree / "plain").unlink()
    (tree / "plain").write_text("no longer linked")
    with open(tree / "large", "r+b") as file:
        file.seek(4_000_000)
        file.write(b"changed in the middle")
        file.truncate(20_000_000)
    with open(tree / "sparse", "r+b") as file:
        file.seek(15_000_000)
        file.write(b"no hole any more")
    shutil.rmtree(tree / "many/3")
    (tree / "many/3").symlink_to("../many/4")
    (tree / "broken link").unlink()
    (tree / "broken link").mkdir()
    (tree / "broken link/file").write_text("in the way")
    (tree / "pipe").unlink()
    (tree / "pipe").write_text("a file")
    (tree / "it's").chmod(0o777)
    os.setxattr(tree / "it's", "user.more", b"x")
    os.removexattr(tree / "sticky", "user.binary")
    os.utime(tree / "-dash", (1, 1))
    (tree / "extra/below").mkdir(parents=True)
    (tree / "extra/below/file").write_text("extra")
    os.link(tree / "extra/below/file", tree / "many/5/extra name")
    tree.chmod(0o700)


def test_a_tree_of_theirs_comes_back_in_place(place, tree):
    if "0.14" in place.restic("version"):
        (tree / b"link that is no text".decode()).unlink()
    wanted = describe(tree)
    place.restic("init")
    place.restic("backup", tree)
    change_everything(tree)
    (place.folder / "outside").write_text("theirs")
    os.link(place.folder / "outside", tree / "many/1/f8.new")
    os.replace(tree / "many/1/f8.new", tree / "many/1/f8")
    words = ["restore", f"latest:{tree}", "--target", tree, "--in-place", "--delete"]
    changed = describe(tree)
    would = place.belay_json(*words, "--dry-run")
    assert describe(tree) == changed
    assert {"event": "would_remove", "path": "/extra"} in would
    report = place.belay_json(*words)[-1]
    assert describe(tree) == wanted
    assert report["bytes"] < 3_000_000 and report["removed"] == 3
    assert (place.folder / "outside").read_text() == "theirs"
    again = place.belay_json(*words, "--overwrite", "if-changed")[-1]
    assert again["bytes"] == again["removed"] == again["bytes_compared"] == 0
    assert describe(tree) == wanted
