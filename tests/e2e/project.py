"""A small project with belay.yaml, driven by the real binary (BELAY_BIN). See conftest.py."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
BELAY = os.environ.get("BELAY_BIN", str(HERE.parent.parent / "build/release/apps/belay/belay"))

# Exit statuses, public and stable.
DONE, UNCHANGED, USAGE, ROLLED_BACK, NEEDS_OPERATOR, BLOCKED, PAUSED, NOTHING = 0, 1, 2, 3, 4, 5, 6, 7
LOCKED, INTERRUPTED = 11, 130

TEMPLATE = """\
stack: shop
runtime: process
services:
  shop:
    release: {{ directory: "./dist/{{to}}" }}
    run: [./service.py, --data, "{{project}}/data", --db, "{{project}}/shop.db", --conf, "{{project}}/shop.conf"]
    env: {{ E2E_MARK: "{mark}" }}
    stop: {{ signal: TERM, timeout: 2s }}
    ready:
      http: http://127.0.0.1:{port}/health
      json: {{ status: ok }}
      timeout: 500ms
      within: {within}
      every: 50ms
      consecutive: 2
{service_extra}stores:
  data: {{ directory: ./data, layout: [layout.json] }}
  db: {{ sqlite: ./shop.db }}
config_files: [shop.conf]
{extra}upgrade:
  smoke: [{{ name: writes, run: [./smoke.py] }}]
  watch: {watch}
  watch_every: {watch_every}
{upgrade_extra}keep: {{ points: 3, abandoned: 9, releases: 9 }}
"""

# The smoke test of the project: every id in `expected` is read back from both stores.
SMOKE = """\
#!/usr/bin/python3
import json, sys, urllib.request
found = json.load(urllib.request.urlopen("http://127.0.0.1:{port}/writes", timeout=5))
expected = set(open("expected").read().split())
for store in ("file", "database"):
    if lost := expected - set(found[store]):
        sys.exit(f"{{len(lost)}} writes are lost in the {{store}}")
"""


class Project:
    def __init__(self, folder, watch="200ms", within="5s", extra="", service_extra="",
                 upgrade_extra="", watch_every="50ms"):
        self.folder = pathlib.Path(folder)
        self.mark = str(self.folder)
        self.yaml = {"mark": self.mark, "watch": watch, "within": within, "extra": extra,
                     "service_extra": service_extra, "upgrade_extra": upgrade_extra,
                     "watch_every": watch_every}
        self.acknowledged = set()
        self.count = 0
        (self.folder / "data").mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (self.folder / "shop.conf").write_text(json.dumps({"port": self.port}))
        (self.folder / "data/layout.json").write_text(json.dumps({"layout": 1}))
        (self.folder / "expected").write_text("")
        smoke = self.folder / "smoke.py"
        smoke.write_text(SMOKE.format(port=self.port))
        smoke.chmod(0o755)
        with contextlib.closing(sqlite3.connect(self.folder / "shop.db")) as made:
            made.execute("CREATE TABLE writes (id TEXT NOT NULL)")
            made.commit()
        self.write_yaml()

    # --- making it

    def write_yaml(self, **changes):
        self.yaml |= changes
        (self.folder / "belay.yaml").write_text(TEMPLATE.format(port=self.port, **self.yaml))

    def release(self, label, mode="good", seconds=0, **numbers):
        folder = self.folder / "dist" / label
        folder.mkdir(parents=True)
        shutil.copy(HERE / "service.py", folder / "service.py")
        (folder / "service.py").chmod(0o755)
        (folder / "release.json").write_text(
            json.dumps({"version": label, "mode": mode, "seconds": seconds} | numbers))
        return folder

    # --- belay

    def begin(self, *arguments, env=None, **more):
        return subprocess.Popen([BELAY, *arguments], cwd=self.folder, text=True,
                                env=os.environ | (env or {}), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def belay(self, *arguments, env=None, timeout=60):
        """Run belay to its end: an object with returncode, stdout, stderr."""
        process = self.begin(*arguments, env=env)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"belay {arguments} took over {timeout} s\n{out}\n{err}") from None
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def upgrade(self, label, *arguments, status=DONE, **more):
        """Upgrade while nothing in `expected` may be lost, and assert how it ends."""
        self.expect()
        ended = self.belay("upgrade", "shop", "--to", label, "--yes", *arguments, **more)
        assert ended.returncode == status, told(ended)
        return ended

    def expect(self):
        """The smoke test must find what was acknowledged so far."""
        (self.folder / "expected").write_text("\n".join(self.acknowledged))

    def json(self, *arguments):
        """The events or records that `--json` prints, one a line."""
        ended = self.belay("--json", *arguments)
        assert ended.returncode == DONE, told(ended)
        return [json.loads(line) for line in ended.stdout.splitlines()]

    # --- the service

    def get(self, path, timeout=5):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=timeout) as reply:
            return json.load(reply)

    def version(self):
        return self.get("/health")["version"]

    def answers(self):
        with contextlib.suppress(OSError, ValueError):
            self.get("/health", timeout=1)
            return True
        return False

    def write(self, times=5):
        """Writes that are acknowledged, and so must never be lost."""
        for _ in range(times):
            self.count += 1
            identity = f"w-{self.count}"
            body = json.dumps({"id": identity}).encode()
            request = urllib.request.Request(f"http://127.0.0.1:{self.port}/write", data=body)
            with urllib.request.urlopen(request, timeout=5) as reply:
                assert json.load(reply)["id"] == identity
            self.acknowledged.add(identity)

    def live(self):
        """Ids that are live in both stores, as the service itself reads them."""
        found = self.get("/writes")
        return set(found["file"]) & set(found["database"])

    def kept(self):
        """Ids in what ways back swapped out, exported as a person would export it."""
        found = set()
        for one in self.json("abandoned"):
            into = self.folder / "exported" / one["id"]
            if not into.exists():
                ended = self.belay("abandoned", "export", one["id"], "--into", str(into))
                assert ended.returncode == DONE, told(ended)
            for path in into.rglob("writes.jsonl"):
                found |= {json.loads(line)["id"] for line in path.read_text().splitlines()}
        return found

    def lost(self):
        """Acknowledged writes that are nowhere any more."""
        missing = self.acknowledged - self.live()
        return missing - self.kept() if missing else set()

    def processes(self):
        """Pids of everything that was started for this project."""
        mark = f"E2E_MARK={self.mark}".encode()
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                    if state != "Z":
                        found.append(int(entry.name))
        return found

    def end(self):
        """Kill what still runs, and wait until it is gone."""
        deadline = time.monotonic() + 10
        while (left := self.processes()) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        assert not left, f"processes {left} do not end"


def told(ended):
    return f"exit status {ended.returncode}\n--- out\n{ended.stdout}\n--- err\n{ended.stderr}"


def wait_until(what, holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.02)
