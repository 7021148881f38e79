#!/usr/bin/python3
"""A runtime for belay in Python. A release is a folder dist/LABEL; the service is a program in it.

    services: { shop: { driver: [./runtime.py, ./shop, --port, "8080"] } }      default: ./run

Protocol: docs/formats/driver-protocol.md. Whether the service runs is told by a lock that it
inherits and so holds as long as it lives: no pid file can lie about that, whoever is killed and when.
"""
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

STOP_SECONDS = float(os.environ.get("STOP_SECONDS", "20"))


class Failure(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def digest_of(folder):
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        kind = "link" if path.is_symlink() else "folder" if path.is_dir() else "file"
        content = (os.readlink(path).encode() if kind == "link" else
                   path.read_bytes() if kind == "file" else b"")
        mode = path.lstat().st_mode & 0o7777
        found.update(repr((str(path.relative_to(folder)), kind, mode,
                           hashlib.sha256(content).hexdigest())).encode("utf-8", "surrogateescape"))
    return found.hexdigest()


def replace(path, text):
    new = path.with_name(path.name + ".new")
    with open(new, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


class Runtime:
    def __init__(self, ask, words):
        self.ask = ask
        self.program = words or ["./run"]
        self.state = pathlib.Path(ask["folder"])
        self.record_path = self.state / "record"
        self.current_path = self.state / "current"
        label = ask.get("label", "1")
        if "/" in label or label.startswith(".") or not label:
            raise Failure(64, f"'{label}' cannot name a release")

    # --- what is there

    def is_running(self):
        try:
            with open(self.state / "lock", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return False
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True

    def record(self):
        """Of the last start; the service may be just about to write it."""
        deadline = time.monotonic() + 5
        while True:
            try:
                return json.loads(self.record_path.read_text(encoding="utf-8"))
            except FileNotFoundError:
                if time.monotonic() > deadline:
                    raise Failure(1, "the service runs, but has not said so") from None
                time.sleep(0.02)

    def current_id(self):
        return os.readlink(self.current_path) if self.current_path.is_symlink() else None

    def wait_until_stopped(self, seconds):
        deadline = time.monotonic() + seconds
        while (runs := self.is_running()) and time.monotonic() < deadline:
            time.sleep(0.02)
        return not runs

    # --- the requests

    def describe(self):
        return {"kind": "runtime", "about": "folders of ./dist, in Python"}

    def folders(self):
        label = self.ask["label"]
        return pathlib.Path("dist", label), self.state / "releases" / label

    def can_prepare(self):
        if not any(folder.is_dir() for folder in self.folders()):
            raise Failure(66, f"there is no {self.folders()[0]}")

    def prepare(self):
        source, release = self.folders()
        if not release.is_dir():  # it gets its name when it is whole, so there is no half of one
            self.can_prepare()
            making = self.state / "making"
            shutil.rmtree(making, ignore_errors=True)
            shutil.copytree(source, making, symlinks=True)
            release.parent.mkdir(parents=True, exist_ok=True)
            os.sync()
            making.rename(release)
            os.sync()
        return {"id": str(release), "digest": digest_of(release)}

    def verify(self):
        release = pathlib.Path(self.ask["id"])
        if not release.is_dir():
            raise Failure(66, f"{release} is gone")
        if digest_of(release) != self.ask["digest"]:
            raise Failure(65, f"{release} has changed")

    def observe(self):
        return {"running": True, **self.record()} if self.is_running() else {"running": False}

    def current(self):
        return {"id": self.current_id()}

    def switch(self):
        if not pathlib.Path(self.ask["id"]).is_dir():
            raise Failure(66, f"{self.ask['id']} is gone")
        new = self.state / "current.new"
        new.unlink(missing_ok=True)
        new.symlink_to(self.ask["id"])
        new.replace(self.current_path)
        os.sync()

    def start(self):
        wanted = self.current_id()
        if wanted is None:
            raise Failure(66, "there is no current release to start")
        if self.is_running():
            if self.record()["id"] != wanted:
                raise Failure(1, f"{self.record()['id']} still runs")
            return
        environment = {name: value for name, value in os.environ.items() if name != "BELAY_CALL"}
        with (open(self.state / "lock", "a", encoding="utf-8") as lock,
              open(self.state / "log", "ab") as log):
            self.take(lock)
            self.record_path.unlink(missing_ok=True)
            # This program again, which holds the lock, writes the record and becomes the service.
            subprocess.Popen([sys.executable, os.path.abspath(__file__), "--become",
                              str(self.record_path), wanted, self.ask["start"], *self.program],
                             env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                             start_new_session=True, pass_fds=[lock.fileno()])
        self.record()

    def take(self, lock):
        deadline = time.monotonic() + 5  # somebody who only looks has it for a moment
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Failure(1, "it was started by somebody else") from None
                time.sleep(0.02)

    def stop(self):
        if not self.is_running():
            return
        group = self.record()["pid"]
        for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 10)):
            try:
                os.killpg(group, number)
            except ProcessLookupError:
                pass
            if self.wait_until_stopped(seconds):
                return
        raise Failure(1, "something of the service does not end")

    def hold(self):
        """Nobody else starts or stops it."""

    let_go = hold

    def log(self):
        path = self.state / "log"
        if not path.exists():
            return {"text": ""}
        lines = path.read_bytes()[-65536:].decode("utf-8", "replace").splitlines()
        return {"text": "\n".join(lines[-int(self.ask["lines"]):])}

    def discard(self):
        release = pathlib.Path(self.ask["id"])
        if self.current_id() == str(release):
            raise Failure(1, f"{release} is the current release")
        if self.is_running() and self.record()["id"] == str(release):
            raise Failure(1, f"{release} runs")
        if release == self.folders()[1] and release.is_dir():
            making = self.state / "making"  # what is half removed has lost its name before
            shutil.rmtree(making, ignore_errors=True)
            release.rename(making)
            shutil.rmtree(making)


REQUESTS = ("describe", "can_prepare", "prepare", "verify", "observe", "current", "switch", "start",
            "stop", "hold", "let_go", "log", "discard")


def become_service(record, release, start, *program):
    replace(pathlib.Path(record), json.dumps({"id": release, "start": start, "pid": os.getpid()}))
    os.chdir(release)
    os.execvp(program[0], program)


def main():
    if sys.argv[1:2] == ["--become"]:
        become_service(*sys.argv[2:])
    ask = json.load(sys.stdin)
    try:
        if ask["protocol"] != 1 or ask["request"] not in REQUESTS:
            raise Failure(64, f"I do not know the request '{ask['request']}' of protocol "
                              f"{ask['protocol']}")
        answer = getattr(Runtime(ask, sys.argv[1:-1]), ask["request"])() or {}
    except Failure as failure:
        print(f"runtime.py: {failure}", file=sys.stderr)
        sys.exit(failure.status)
    json.dump({"protocol": 1, **answer}, sys.stdout)


main()
