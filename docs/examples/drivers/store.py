#!/usr/bin/python3
"""A store for belay in Python: a folder, with copies beside it.

    stores: { data: { driver: [./store.py, ./data], env: { LAYOUT: schema.txt } } }

LAYOUT: a file in it that tells how the data is organised; without one every change is a new layout.
Protocol: docs/formats/driver-protocol.md.
"""
import filecmp
import hashlib
import json
import os
import pathlib
import shutil
import sys


class Failure(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def entries(folder):
    """Relative path to (kind, mode, digest of the content)."""
    found = {}
    for path in folder.rglob("*"):
        kind = "link" if path.is_symlink() else "folder" if path.is_dir() else "file"
        content = (os.readlink(path).encode() if kind == "link" else
                   path.read_bytes() if kind == "file" else b"")
        found[str(path.relative_to(folder))] = (kind, path.lstat().st_mode & 0o7777,
                                                hashlib.sha256(content).hexdigest())
    return found


def digest_of(folder):
    return hashlib.sha256(repr(sorted(entries(folder).items()))
                          .encode("utf-8", "surrogateescape")).hexdigest()


def size_of(folder):
    paths = [path for path in folder.rglob("*")]
    return {"files": len(paths), "bytes": sum(path.lstat().st_size for path in paths)}


def copy(source, to):
    """A replica, with owners; it gets its name when it is whole and on the disk."""
    new = to.with_name("new")
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(source, new, symlinks=True)
    for path in [source, *source.rglob("*")]:
        owner = path.lstat()
        os.chown(new / path.relative_to(source), owner.st_uid, owner.st_gid, follow_symlinks=False)
    os.sync()
    new.rename(to)


class Store:
    def __init__(self, ask, words):
        self.ask = ask
        self.live = pathlib.Path(ask["project"], words[0] if words else "data")
        self.kept = self.live.with_name(".kept-" + self.live.name)

    def place(self, field):
        if "/" in self.ask[field] or self.ask[field].startswith(".") or not self.ask[field]:
            raise Failure(64, f"'{self.ask[field]}' is no id")
        return self.kept / self.ask[field]

    def snapshot(self, folder):
        return {"kept": str(folder), "digest": digest_of(folder), **size_of(folder)}

    def found(self, folder):
        if not folder.is_dir():
            raise Failure(66, f"{folder} is not there")
        return folder

    def describe(self):
        return {"kind": "store", "about": "a folder, in Python"}

    def inspect(self):
        return {**size_of(self.found(self.live)), "kept_folder": str(self.kept),
                "free_bytes": shutil.disk_usage(self.live).free}

    def protect(self):
        tree = self.place("point") / "tree"
        tree.parent.mkdir(parents=True, exist_ok=True)
        try:
            copy(self.found(self.live), tree)
        except (OSError, shutil.Error) as error:
            # Writers are at work: a file went away under us. `secure` brings the whole.
            print(f"store.py: {error}", file=sys.stderr)
            tree.mkdir(exist_ok=True)
        return self.snapshot(tree)

    def secure(self):
        tree = self.place("point") / "tree"
        tree.parent.mkdir(parents=True, exist_ok=True)
        copy(self.found(self.live), tree)
        if digest_of(tree) != digest_of(self.live):
            raise Failure(1, f"somebody still writes in {self.live}")
        os.sync()
        return self.snapshot(tree)

    def verify(self):
        if digest_of(self.found(pathlib.Path(self.ask["kept"]))) != self.ask["digest"]:
            raise Failure(65, f"{self.ask['kept']} has changed")

    def evidence(self):
        kept = self.found(pathlib.Path(self.ask["kept"]))
        layout = os.environ.get("LAYOUT", "")
        if not self.live.is_dir():
            return {"movement": "unreadable", "detail": "it is gone"}
        differ = self.differences(kept)
        if not differ:
            movement = "none"
        elif layout and (self.live / layout).exists() and filecmp.cmp(
                self.live / layout, kept / layout, shallow=False):
            movement = "data_only"
        else:
            movement = "layout"
        return {"movement": movement, "detail": f"{differ} entries differ"}

    def differences(self, kept):
        return len({path for path, _ in entries(self.live).items() ^ entries(kept).items()})

    def restore(self):
        """Two renames; after a kill the names tell which of them were done. What must be remembered,
        and that the copy was whole, is written before the first."""
        kept, out = pathlib.Path(self.ask["kept"]), self.place("abandoned")
        note = out / "differences"
        if not note.exists():
            self.verify()
            self.live.mkdir(exist_ok=True)
            out.mkdir(parents=True, exist_ok=True)
            note.with_name("note").write_text(str(self.differences(kept)), encoding="ascii")
            os.sync()
            note.with_name("note").rename(note)
        if kept.is_dir():  # else it has become the live data already
            if not (out / "tree").is_dir():
                self.live.rename(out / "tree")
            if self.live.exists():
                raise Failure(1, f"somebody made {self.live} anew")
            kept.rename(self.live)
            os.sync()
        return {"kept": str(out / "tree"), "differences": int(note.read_text(encoding="ascii")),
                **size_of(out / "tree")}

    def adopt(self):
        return self.snapshot(self.found(pathlib.Path(self.ask["kept"])))

    def export(self):
        shutil.copytree(self.found(pathlib.Path(self.ask["kept"])), self.ask["into"], symlinks=True,
                        dirs_exist_ok=True)

    def discard(self):
        shutil.rmtree(self.place("id"), ignore_errors=True)


REQUESTS = ("describe", "inspect", "protect", "secure", "verify", "evidence", "restore", "adopt",
            "export", "discard")


def main():
    ask = json.load(sys.stdin)
    try:
        if ask["protocol"] != 1 or ask["request"] not in REQUESTS:
            raise Failure(64, f"I do not know the request '{ask['request']}' of protocol "
                              f"{ask['protocol']}")
        answer = getattr(Store(ask, sys.argv[1:-1]), ask["request"])() or {}
    except Failure as failure:
        print(f"store.py: {failure}", file=sys.stderr)
        sys.exit(failure.status)
    json.dump({"protocol": 1, **answer}, sys.stdout)


main()
