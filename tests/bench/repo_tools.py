"""belay, restic, borg and tar, each told to do the same."""
import os, pathlib, shutil, subprocess, time

from repo_data import MIB, size_of


def measure(argv, env=None, cwd=None):
    """Wall until all of it is on the disk, CPU seconds, the most memory, and what was written, in MiB."""
    begin = time.monotonic()
    process = subprocess.Popen([os.fspath(word) for word in argv], env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = process.stderr.read()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    # What it gave to write(2): the blocks that the kernel counts are whole folios of its cache.
    written = next(int(line.split()[1]) for line in open(f"/proc/{process.pid}/io") if line.startswith("wchar"))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{argv}: {error.decode()[-800:]}")
    os.sync()  # most do not; belay did before it ended
    return {"wall": time.monotonic() - begin, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss / 1024,
            "written": written / MIB}


class Tool:
    """`steps` are what it can do. Every repository of a tool is in a folder of its own."""

    steps = ("fresh", "unchanged", "changed", "restore", "in place", "by times")

    def __init__(self, name, program, work):
        self.name, self.program, self.work = name, program, work
        self.repo = work / f"repo-{name.replace(' ', '-')}"

    def begin(self):
        shutil.rmtree(self.repo, ignore_errors=True)
        self.init()

    def init(self):
        pass

    def run(self, step, data, target):
        if step in ("fresh", "unchanged", "changed"):
            return self.backup(data)
        return self.restore(data, target) if step == "restore" else self.in_place(data, target, "always" if step == "in place" else "if-changed")

    def size(self):
        return size_of(self.repo) / MIB if self.repo.is_dir() else self.repo.stat().st_size / MIB

    def end(self):
        shutil.rmtree(self.repo, ignore_errors=True)


class Belay(Tool):
    def call(self, *words):
        return [self.program, *words, "-r", self.repo, "-p", self.work / "password"]

    def init(self):
        measure(self.call("repo", "init"))

    def backup(self, data):
        return measure(self.call("backup", "--path", data))

    def restore(self, data, target):
        return measure(self.call("restore", f"latest:{data}", "--target", target))

    def first(self):
        text = subprocess.run([*map(os.fspath, self.call("snapshots", "--json"))], check=True, capture_output=True, text=True).stdout
        return text.split('"id":"')[1][:8]

    def in_place(self, data, target, overwrite):
        return measure(self.call("restore", f"{self.first()}:{data}", "--target", target, "--in-place", "--delete", "--overwrite", overwrite))


class Restic(Tool):
    def __init__(self, program, work):
        self.version = subprocess.run([program, "version"], check=True, capture_output=True, text=True).stdout.split()[1]
        super().__init__(f"restic {self.version}", program, work)
        self.env = {**os.environ, "RESTIC_PASSWORD_FILE": str(work / "password"), "RESTIC_CACHE_DIR": str(self.repo) + "-cache"}
        self.is_new = tuple(int(part) for part in self.version.split("-")[0].split(".")[:2]) >= (0, 17)
        if not self.is_new:
            self.steps = self.steps[:4]

    def call(self, *words):
        return measure([self.program, "-r", self.repo, *words], self.env)

    def init(self):
        shutil.rmtree(self.env["RESTIC_CACHE_DIR"], ignore_errors=True)
        self.call("init")

    def backup(self, data):
        return self.call("backup", data)

    def restore(self, data, target):
        return self.call("restore", f"latest:{data}" if self.is_new else "latest", "--target", target)

    def in_place(self, data, target, overwrite):
        text = subprocess.run([self.program, "-r", self.repo, "snapshots", "--json"], env=self.env, check=True, capture_output=True, text=True).stdout
        first = text.split('"short_id":"')[1][:8]
        return self.call("restore", f"{first}:{data}", "--target", target, "--overwrite", overwrite, "--delete")

    def end(self):
        super().end()
        shutil.rmtree(self.env["RESTIC_CACHE_DIR"], ignore_errors=True)


class Borg(Tool):
    steps = ("fresh", "unchanged", "changed", "restore")

    def __init__(self, program, work):
        version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
        super().__init__(f"borg {version}", program, work)
        self.env = {**os.environ, "BORG_BASE_DIR": str(self.repo) + "-base", "BORG_PASSPHRASE": "a password"}
        self.made = 0

    def init(self):
        shutil.rmtree(self.env["BORG_BASE_DIR"], ignore_errors=True)
        measure([self.program, "init", "-e", "repokey-blake2", self.repo], self.env)

    def backup(self, data):
        self.made += 1
        return measure([self.program, "create", "-C", "zstd,3", f"{self.repo}::{self.made}", data], self.env)

    def restore(self, data, target):
        target.mkdir()
        return measure([self.program, "extract", f"{self.repo}::{self.made}"], self.env, cwd=target)

    def end(self):
        super().end()
        shutil.rmtree(self.env["BORG_BASE_DIR"], ignore_errors=True)


class Tar(Tool):
    """No encryption, no deduplication: every backup is a whole one."""

    steps = ("fresh", "restore")

    def __init__(self, name, how, work):
        super().__init__(name, "tar", work)
        self.how = how

    def begin(self):
        self.end()

    def backup(self, data):
        return measure(["tar", *self.how, "-cf", self.repo, "-C", data, "."])

    def restore(self, data, target):
        target.mkdir()
        return measure(["tar", *self.how, "-xpf", self.repo, "-C", target])

    def end(self):
        self.repo.unlink(missing_ok=True)


def tools_of(belay, work):
    """belay first; then every peer that is installed, and the binaries of restic in BELAY_RESTIC."""
    (work / "password").write_text("a password")
    tools = [Belay("belay", belay, work)]
    restics = [shutil.which("restic"), *os.environ.get("BELAY_RESTIC", "").split(":")]
    tools += [Restic(path, work) for path in restics if path]
    if shutil.which("borg"):
        tools.append(Borg(shutil.which("borg"), work))
    tools.append(Tar("tar -czf", ["-z"], work))
    if shutil.which("zstd"):
        tools.append(Tar("tar, zstd -T0", ["-I", "zstd -T0"], work))
    return tools
