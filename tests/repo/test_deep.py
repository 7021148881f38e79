"""Paths of 4,000 bytes, and longer ones than the system takes at once, of names of 255 bytes."""
import os
import shutil

import pytest

NAME_MAX = 255


def enter(folder, name):
    below = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    os.close(folder)
    return below


def write(folder, name, content):
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640, dir_fd=folder)
    os.write(file, content)
    os.close(file)


def names_of(depth):
    """Of folders that are so many bytes deep together, with what is between them."""
    names = []
    while depth > 0:
        size = min(NAME_MAX, depth - 1)
        names.append(f"{len(names):03}".ljust(size, "d")[:size])
        depth -= size + 1
    return names


def make_deep(root, names):
    root.mkdir()
    at = os.open(root, os.O_RDONLY)
    for level, name in enumerate(names):
        os.mkdir(name, 0o750, dir_fd=at)
        at = enter(at, name)
        write(at, "f" * NAME_MAX, b"level %d" % level)
    os.setxattr(at, "user.deep", b"yes")
    os.symlink("f" * NAME_MAX, "link", dir_fd=at)
    os.close(at)


def describe_deep(root, names):
    """Each folder on the way, with what is in it."""
    found = []
    at = os.open(root, os.O_RDONLY)
    for name in names:
        at = enter(at, name)
        info = os.fstat(at)
        file = os.open("f" * NAME_MAX, os.O_RDONLY, dir_fd=at)
        found.append((sorted(os.listdir(at)), info.st_mode, info.st_mtime_ns, os.read(file, 100), os.fstat(file).st_mtime_ns))
        os.close(file)
    found.append((os.getxattr(at, "user.deep"), os.readlink("link", dir_fd=at)))
    os.close(at)
    return found


@pytest.mark.parametrize("depth", [4000, 10_000])
def test_a_deep_path_is_kept_and_comes_back(lone, depth):
    tree, back = lone.folder / "t", lone.folder / "b"
    names = names_of(depth - len(str(tree)))
    make_deep(tree, names)
    assert len("/".join([str(tree), *names])) in (depth, depth - 1)
    before = describe_deep(tree, names)
    lone.belay("repo", "init")
    lone.belay("backup", "--path", tree)
    # A line for the deepest folder, and one for the file in it.
    listed = lone.belay("ls", "latest", tree).splitlines()
    assert max(map(len, listed)) in (depth + NAME_MAX, depth + NAME_MAX + 1)
    lone.belay("restore", f"latest:{tree}", "--target", back)
    assert describe_deep(back, names) == before
    assert f"0 new, 0 changed, {len(names)} as they were" in lone.belay("backup", "--path", tree)
    at = os.open(tree, os.O_RDONLY)
    for name in names:
        at = enter(at, name)
        write(at, "f" * NAME_MAX, b"changed")
        write(at, "extra", b"")
    os.close(at)
    said = lone.belay("restore", f"latest:{tree}", "--target", tree, "--in-place", "--delete")
    assert f"{len(names)} others removed" in said
    assert describe_deep(tree, names) == before
    assert "no errors" in lone.belay("repo", "check", "--read-data")
    archive = lone.folder / "deep.tar"
    # With its file, it is longer than what a program could unpack.
    assert "No archive was made" in lone.belay("export", f"latest:{tree}", archive, status=2)
    assert not archive.exists()
    shutil.rmtree(tree)  # pytest cannot, where the path is too long
    shutil.rmtree(back)
