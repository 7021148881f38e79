"""A machine that the real systemd of this one has booted, in namespaces of its own: see boot.

It shares /usr and the network with us, and nothing else. belay runs inside it, against the real
systemctl and journalctl.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
# Of what a container needs none: they would touch the machine that we share, or take time.
MASKED = ("systemd-sysctl.service", "systemd-journald-audit.socket", "systemd-modules-load.service",
          "systemd-update-utmp.service", "systemd-remount-fs.service", "systemd-initctl.socket",
          "systemd-tmpfiles-clean.timer", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
          "dev-hugepages.mount", "dev-mqueue.mount", "sys-fs-fuse-connections.mount")
TARGET = """\
[Unit]
Requires=basic.target dbus.socket
After=basic.target dbus.socket
AllowIsolate=yes
"""


def why_not():
    """What is missing to boot one here; empty when nothing is."""
    if os.geteuid() != 0:
        return "needs root"
    for program in ("/lib/systemd/systemd", "/usr/bin/systemctl", "/usr/bin/dbus-daemon",
                    "/usr/bin/nsenter"):
        if not os.path.exists(program):
            return f"there is no {program}"
    if not own_cgroups():
        return "there is no cgroup version 2"
    if not os.access(own_cgroups(), os.W_OK):
        return "its cgroups cannot be written"
    tried = subprocess.run(["unshare", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--fork",
                            "mount", "-t", "tmpfs", "tmpfs", "/tmp"], capture_output=True, text=True,
                           check=False)
    return "" if tried.returncode == 0 else f"namespaces are forbidden: {tried.stderr.strip()}"


def own_cgroups():
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        if line.split()[2] == "cgroup2":
            return pathlib.Path(line.split()[1])
    return None


class Machine:
    def __init__(self, folder):
        self.root = folder / "root"
        self.cgroup = own_cgroups() / f"belay-test-{os.getpid()}"
        self.log = folder / "boot.log"
        self.outer = self.pid = None
        self.make_root()
        self.boot()

    def make_root(self):
        etc = self.root / "etc"
        units = self.units = etc / "systemd/system"
        units.mkdir(parents=True)
        for name in ("passwd", "group", "nsswitch.conf", "ld.so.cache"):
            shutil.copy(f"/etc/{name}", etc / name)
        for name in ("dbus-1", "alternatives"):
            shutil.copytree(f"/etc/{name}", etc / name, symlinks=True)
        (etc / "machine-id").write_text("b" * 32 + "\n")
        (units / "belay-test.target").write_text(TARGET)
        for name in MASKED:
            (units / name).symlink_to("/dev/null")
        (self.root / "srv").mkdir()

    def boot(self):
        """Its root outlives it, so that it can be cut off and booted again."""
        self.cgroup.mkdir(exist_ok=True)
        with open(self.log, "a", encoding="utf-8") as log:
            self.outer = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--fork",
                 "--propagation", "private", HERE / "boot", self.root],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=lambda: (self.cgroup / "cgroup.procs").write_text(str(os.getpid())))
        self.wait_until("systemd runs", self.is_up, 60)

    def is_up(self):
        assert self.outer.poll() is None, f"it ended: {self.log.read_text()}"
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text()
        if not children:
            return False
        self.pid = int(children.split()[0])
        said = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return said in ("running", "degraded")

    def cut_off(self):
        """As if the power went: everything in it ends at once."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.outer.wait()
        self.pid = None
        self.wait_until("its cgroups are empty", self.remove_cgroups, 20)

    def reboot(self):
        """Without a warning."""
        self.cut_off()
        self.boot()

    def remove_cgroups(self):
        with contextlib.suppress(OSError):
            for folder, _, _ in os.walk(self.cgroup, topdown=False):
                os.rmdir(folder)
        return not self.cgroup.exists()

    def command(self, *argv, folder="/"):
        """What runs `argv` inside."""
        return ["nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-i", "-C", "-r", "-w",
                "/usr/bin/env", "-i", "-C", str(folder), "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME=/root", *map(str, argv)]

    def run(self, *argv, check=True, **more):
        ended = subprocess.run(self.command(*argv), capture_output=True, text=True, timeout=60,
                               check=False, **more)
        assert not check or ended.returncode == 0, f"{argv}: {ended.stdout}{ended.stderr}"
        return ended

    def show(self, unit, what):
        return self.run("systemctl", "show", "--value", f"--property={what}", unit).stdout.strip()

    def unit(self, name, text):
        (self.units / name).write_text(text)

    @staticmethod
    def wait_until(what, holds, seconds=30):
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
            time.sleep(0.05)
