"""Archives go out as tar makes them, and come in only when they are whole."""
import gzip
import io
import os
import subprocess
import tarfile

import pytest

from test_harm import flipped, rewrite
from tree import describe, make_torture_tree


@pytest.fixture
def full(lone, tmp_path):
    lone.tree = tmp_path / "tree"
    make_torture_tree(lone.tree)
    lone.belay("repo", "init")
    lone.belay("backup", "--path", lone.tree)
    return lone


def untar(archive, to):
    to.mkdir()
    done = subprocess.run(["tar", "-xpf", archive, "--xattrs", "--xattrs-include=*", "-C", to], capture_output=True)
    assert done.returncode == 0, done.stderr
    return to


@pytest.mark.parametrize("end", ["tgz", "tar.zst", "tar"])
def test_what_goes_out_comes_back_by_tar_and_by_us(full, end):
    archive = full.folder / f"km-backup-20260102T030405.{end}"
    said = full.belay("export", "latest", archive)
    assert f"Backup written to {archive}" in said
    assert describe(untar(archive, full.folder / "by tar")) == describe(full.tree)
    assert os.listdir(archive.parent).count(f".{archive.name}.part") == 0
    report = full.belay_json("import", archive, "--path-as", "/srv/km", "--tag", "km")[-1]
    assert report["kind"] == "archive"
    full.belay("restore", "latest:/srv/km", "--target", full.folder / "back")
    assert describe(full.folder / "back") == describe(full.tree)
    full.restic("check", "--read-data")
    assert [each["tags"] for each in full.restic_json("snapshots", "--tag", "km")[0]] == [["km"]]
    full.belay("export", "latest", archive, status=5)  # never over another


def test_an_archive_of_tar_shares_its_content_with_a_backup(full):
    archive = full.folder / "stock.tgz"
    subprocess.run(["tar", "-czf", archive, "-C", full.tree, "."], check=True)
    before = sum(path.stat().st_size for path in full.files("data"))
    full.belay("import", archive, "--path-as", "/srv/stock")
    assert sum(path.stat().st_size for path in full.files("data")) - before < 300_000
    assert full.belay("dump", "latest", "/srv/stock/many/3/f10") == (full.tree / "many/3/f10").read_text()


def test_a_folder_alone_goes_out(full):
    full.belay("export", f"latest:{full.tree}/many", full.folder / "many.tar")
    with tarfile.open(full.folder / "many.tar") as archive:
        assert "./3/f10" in archive.getnames()
    full.belay("export", "latest", full.folder / "many.rar", status=2)


def test_what_is_harmed_does_not_go_out(full):
    rewrite(max(full.files("data"), key=lambda path: path.stat().st_size), flipped)
    before = sorted(os.listdir(full.folder))
    full.belay("export", "latest", full.folder / "out.tgz", status=4)
    assert sorted(os.listdir(full.folder)) == before


def stored(place):
    return [place.files(kind) for kind in ("data", "index", "snapshots", "locks")]


@pytest.mark.parametrize("end", ["tgz", "tar", "tar.zst", "tar.xz"])
def test_a_cut_or_damaged_archive_is_refused_whole(full, end):
    archive = full.folder / f"a.{end}"
    subprocess.run(["tar", "-caf", archive, "-C", full.tree, "."], check=True)
    before, whole = stored(full), archive.read_bytes()
    tail = 20_000 if end == "tar" else 3  # of a tar the last blocks are padding
    for content in (whole[: len(whole) // 2], whole[:-tail], b"", os.urandom(5000)):
        archive.write_bytes(content)
        said = full.belay("import", archive, "--path-as", "/x", status=4)
        assert "cut or damaged" in said and archive.name in said
    if end != "tar":  # which has no checksum of what is in its files
        archive.write_bytes(flipped(bytearray(whole)))
        full.belay("import", archive, "--path-as", "/x", status=4)
    assert stored(full) == before


def archive_with(*names, links=()):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 2
            archive.addfile(info, io.BytesIO(b"hi"))
        for name, target, kind in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
            info = tarfile.TarInfo(name + "/below")
            archive.addfile(info, io.BytesIO())
    return file.getvalue()


@pytest.mark.parametrize("content", [
    archive_with("/etc/passwd"), archive_with("a/../../b"), archive_with("twice", "./twice"),
    archive_with("a", links=[("link", "/etc", tarfile.SYMTYPE)]), archive_with(links=[("h", "absent", tarfile.LNKTYPE)]),
    archive_with("a/" * 300_000 + "b"),
], ids=["absolute", "up", "twice", "through a link", "link to nothing", "without end"])
def test_what_must_not_be_trusted_is_refused(full, content):
    archive = full.folder / "a.tar"
    archive.write_bytes(content)
    snapshots = full.files("snapshots")
    assert "Do not trust" in full.belay("import", archive, "--path-as", "/x", status=2)
    assert full.files("snapshots") == snapshots


def test_dumps_come_in_when_they_are_complete(full):
    text = "-- PostgreSQL database dump\n" + "insert\n" * 200_000 + "--\n-- PostgreSQL database dump complete\n--\n\n"
    plain, packed = full.folder / "km.sql", full.folder / "km.sql.gz"
    plain.write_text(text)
    packed.write_bytes(gzip.compress(text.encode()))
    for path in (plain, packed):
        assert full.belay_json("import", path, "--path-as", f"/dumps/{path.name}")[-1]["kind"] == "dump"
        full.belay("restore", "latest:/dumps", "--target", full.folder / f"back {path.name}")
        assert (full.folder / f"back {path.name}" / path.name).read_bytes() == path.read_bytes()
    before = stored(full)
    plain.write_text(text[:-60])
    assert "last line" in full.belay("import", plain, "--path-as", "/d", status=4)
    packed.write_bytes(gzip.compress(text.encode())[:-1])
    full.belay("import", packed, "--path-as", "/d", status=4)
    packed.write_bytes(gzip.compress(text.encode()[:-60]))
    assert "last line" in full.belay("import", packed, "--path-as", "/d", status=4)
    assert stored(full) == before
    full.belay("import", plain, "--path-as", "relative", status=2)
    full.restic("check", "--read-data")


@pytest.mark.parametrize("program, magic", [("lrzip", b"LRZI\x00\x06"), ("grzip", b"GRZipII\x00\x02\x04:)")])
def test_no_file_makes_us_start_a_program(full, program, magic):
    """libarchive would, by the first bytes of the file, and take for granted what it prints."""
    started = full.folder / "started"
    (full.folder / "bin").mkdir()
    helper = full.folder / "bin" / program
    helper.write_text(f"#!/bin/sh\necho started > {started}\ncat\n")
    helper.chmod(0o755)
    archive = full.folder / "km-backup-20260102T030405.tgz"
    archive.write_bytes(magic + bytes(2000))
    path = f"{full.folder / 'bin'}:{os.environ['PATH']}"
    said = full.belay("import", archive, "--path-as", "/srv/km", env={"PATH": path}, status=4)
    assert "cut or damaged" in said
    assert not started.exists()
