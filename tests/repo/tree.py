"""Trees of files with everything that can go wrong in one, and what is in a tree, to compare."""
import hashlib
import os
import pathlib
import random
import stat

NAMES = [
    b"plain", b'with "quotes" & <tags>', b"back\\slash", b"new\nline\ttab\x01\x7f", b"bad\xffutf8\xc3",
    "umlaut äöü 漢字 \U0001f600".encode(), "nbsp\u00a0zwj\u200d\u2028\ue000\U000e0001\u00ad".encode(),
    b"it's", b"\x08\x0c\x0b\x07", b"-dash", b" blank ", b"x" * 255, b"$HOME;*?[a]",
]


def make_torture_tree(root):
    """Odd names, modes, dates, links, hard links, holes, empty files, attributes."""
    root = os.fsencode(root)
    os.makedirs(root)
    join = os.path.join
    for number, name in enumerate(NAMES):
        path = join(root, name)
        with open(path, "wb") as file:
            file.write(b"x" * number)
        os.utime(path, ns=(10**18 + number, 1_600_000_000_123_456_700 + number))
        os.chmod(path, 0o600 + number)
    os.link(join(root, b"plain"), join(root, b"hard link"))
    os.chmod(join(root, b"plain"), 0o6755)
    os.symlink(b"some\xff <&> where", join(root, b"link that is no text"))
    os.symlink(b"/nowhere", join(root, b"broken link"))
    os.mkfifo(join(root, b"pipe"), 0o604)
    os.mkdir(join(root, b"empty folder"))
    os.mkdir(join(root, b"sticky"))
    os.chmod(join(root, b"sticky"), 0o3777)
    os.setxattr(join(root, b"sticky"), b"user.binary", b"\0\xff")
    os.setxattr(join(root, b"it's"), b"user.empty", b"")
    os.chown(join(root, b"-dash"), 12345, 54321)
    os.chown(join(root, b"broken link"), 12345, 54321, follow_symlinks=False)
    if os.geteuid() == 0:
        os.mknod(join(root, b"null"), 0o20666, os.makedev(1, 3))
        os.mknod(join(root, b"block"), 0o60640, os.makedev(7, 300))
    for name, when in ((b"old", -86400 * 3650), (b"late", 7_258_118_400)):
        open(join(root, name), "w").close()
        os.utime(join(root, name), (when, when))
    with open(join(root, b"sparse"), "wb") as file:
        file.write(b"head")
        file.seek(9_000_001)
        file.write(b"middle" * 1000)
        file.truncate(21_000_003)
    with open(join(root, b"only a hole"), "wb") as file:
        file.truncate(3_000_000)
    source = random.Random(1)
    with open(join(root, b"large"), "wb") as file:
        for _ in range(40):
            file.write(source.randbytes(500_000) if source.random() < 0.7 else b"abc" * 200_000)
    deep = root
    for level in range(60):
        deep = join(deep, b"deep%02d" % level)
    os.makedirs(deep)
    with open(join(deep, b"file"), "wb") as file:
        file.write(b"deep")
    for number in range(300):
        folder = join(root, b"many", b"%d" % (number % 7))
        os.makedirs(folder, exist_ok=True)
        with open(join(folder, b"f%d" % number), "wb") as file:
            file.write(b"line %d\n" % number * (number * 7 % 500))


def describe(root, without_times_of=()):
    """Everything of a tree that a restore must bring back, by relative path."""
    root = os.fsencode(root)
    found, first_name = {}, {}
    for folder, folders, files in os.walk(root):
        for name in [b""] * (folder == root) + folders + files:
            path = os.path.join(folder, name) if name else root
            relative = os.path.relpath(path, root)
            info = os.lstat(path)
            entry = {"mode": info.st_mode, "uid": info.st_uid, "gid": info.st_gid,
                     "mtime": info.st_mtime_ns, "rdev": info.st_rdev}
            if stat.S_ISREG(info.st_mode):
                entry["sha256"] = hashlib.sha256(pathlib.Path(os.fsdecode(path)).read_bytes()).hexdigest()
                entry["size"] = info.st_size
            if stat.S_ISLNK(info.st_mode):
                entry["target"] = os.readlink(path)
            else:
                entry["xattr"] = {key: os.getxattr(path, key) for key in os.listxattr(path)}
            if info.st_nlink > 1 and not stat.S_ISDIR(info.st_mode):
                entry["same as"] = first_name.setdefault(info.st_ino, "several names")
                found.setdefault(b"names of " + entry.get("sha256", "").encode(), set()).add(relative)
            if relative in without_times_of:
                del entry["mtime"]
            found[relative] = entry
    return found
