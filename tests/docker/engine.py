"""A container engine of the tests' own: containerd and dockerd on sockets, folders and a bridge of
their own, with images made here; nothing is fetched, and nothing is left behind. See conftest.py."""
import contextlib
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tarfile
import time

from project import wait_until

DOCKER = "/usr/bin/docker" # Debian's, of the same age as its engine
BUSYBOX = "/bin/busybox"
CONTAINERD = """\
version = 2
root = "{folder}/containerd"
state = "{run}/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{run}/c.sock"
"""

START = """\
#!/bin/sh
mode=$(cat /mode)
echo "shop $(cat /version) starts, $mode"
[ "$mode" != exits ] || exit 3
[ "$mode" != damages ] || { echo '{"layout":2}' >/data/layout.json; echo lost >/data/writes; }
exec httpd -f -p 80 -h /www
"""
HEALTH = """\
#!/bin/sh
[ "$(cat /mode)" != sick ] && status=ok || status=sick
printf 'Content-Type: application/json\\n\\n{"status":"%s","version":"%s","greeting":"%s"}' \\
  $status "$(cat /version)" "$GREETING"
"""
WRITE = """\
#!/bin/sh
echo "$QUERY_STRING" >>/data/writes && sync
printf 'Content-Type: text/plain\\n\\n%s' "$QUERY_STRING"
"""


def why_not():
    """What is missing to start one here; empty when nothing is."""
    if os.geteuid() != 0:
        return "needs root"
    for program in ("dockerd", "containerd", "ip", "runc", "docker-compose"):
        if not shutil.which(program):
            return f"there is no {program}"
    for path in (DOCKER, BUSYBOX):
        if not os.path.exists(path):
            return f"there is no {path}"
    return ""


class Engine:
    def __init__(self, folder):
        self.folder = folder
        # A socket's path must be short.
        self.run = pathlib.Path(f"/run/belay-test-{os.getpid()}")
        self.bridge = f"bly{os.getpid()}"
        self.socket = self.run / "d.sock"
        self.log = open(folder / "engine.log", "a", encoding="utf-8") # pylint: disable=consider-using-with
        self.containerd = self.dockerd = None

    def start(self):
        self.run.mkdir(mode=0o700)
        config = self.folder / "containerd.toml"
        config.write_text(CONTAINERD.format(folder=self.folder, run=self.run))
        subprocess.run(["ip", "link", "add", self.bridge, "type", "bridge"], check=True)
        self.containerd = self.spawn("containerd", "-c", config)
        wait_until("containerd answers", (self.run / "c.sock").exists, 60)
        self.begin()

    def spawn(self, *argv):
        return subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL,
                                stdout=self.log, stderr=self.log, start_new_session=True)

    def begin(self):
        self.dockerd = self.spawn(
            "dockerd", "-H", f"unix://{self.socket}", "--containerd", self.run / "c.sock",
            "--data-root", self.folder / "docker", "--exec-root", self.run / "exec",
            "--pidfile", self.run / "d.pid", "--bridge", self.bridge, "--iptables=false",
            "--ip6tables=false", "--ip-forward=false", "--ip-masq=false", "--live-restore")
        wait_until("dockerd answers", self.answers, 60)

    def answers(self):
        assert self.dockerd.poll() is None, (self.folder / "engine.log").read_text()[-3000:]
        return self.docker("version", check=False).returncode == 0

    def kill(self):
        """kill -9: what runs goes on, for containerd is another process."""
        self.dockerd.kill()
        self.dockerd.wait()

    def docker(self, *argv, check=True, **more):
        ended = subprocess.run([DOCKER, "-H", f"unix://{self.socket}", *map(str, argv)],
                               capture_output=True, check=False, timeout=120, **more)
        assert not check or ended.returncode == 0, (argv, ended.stderr.decode())
        return ended

    def say(self, *argv):
        return self.docker(*argv).stdout.decode().strip()

    def inspect(self, name):
        return json.loads(self.say("container", "inspect", name))[0]

    def inspect_volume(self, name):
        return json.loads(self.say("volume", "inspect", name))[0]

    def compose(self, folder, *argv, check=True, **variables):
        """As its owner calls it, with what it said on both streams."""
        ended = subprocess.run(["docker-compose", *map(str, argv)], cwd=folder, text=True, check=False,
                               capture_output=True, timeout=120,
                               env=os.environ | {"DOCKER_HOST": f"unix://{self.socket}"} | variables)
        assert not check or ended.returncode == 0, (argv, ended.stderr)
        return ended.stdout + ended.stderr

    def names(self, *options):
        """Of all containers, sorted."""
        return sorted(self.say("ps", "-a", *options, "--format", "{{.Names}}").split())

    def image(self, name, version, mode="good", changes=()):
        """`FROM scratch` with busybox and the shop."""
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as tar:
            tar.add(BUSYBOX, "bin/busybox")
            for tool in ("sh", "cat", "httpd", "printf", "sync", "sleep", "env", "wget"):
                link = tarfile.TarInfo(f"bin/{tool}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
            for path, content in (("start", START), ("version", version), ("mode", mode),
                                  ("www/index.html", "shop"), ("www/cgi-bin/health", HEALTH),
                                  ("www/cgi-bin/write", WRITE)):
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode = len(content), 0o755
                tar.addfile(entry, io.BytesIO(content.encode()))
        options = [word for change in ('CMD ["/start"]', f"ENV SHOP={version}",
                                       *changes) for word in ("--change", change)]
        return self.docker("import", *options, "-", name, input=made.getvalue()).stdout.decode().strip()

    def clear(self):
        """No containers, networks, volumes and pins any more; images stay."""
        if names := self.names():
            self.docker("rm", "-f", *names)
        if pins := self.say("images", "belay/*", "--format", "{{.Repository}}:{{.Tag}}").split():
            self.docker("rmi", *pins)
        self.docker("network", "prune", "-f")
        if volumes := self.say("volume", "ls", "-q").split():
            self.docker("volume", "rm", "-f", *volumes)

    def end(self):
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            self.clear()
        for process in (self.dockerd, self.containerd):
            if process and process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(30)
                process.kill()
                process.wait()
        self.end_rest()
        self.log.close()
        subprocess.run(["ip", "link", "delete", self.bridge], check=False)
        for mount in self.mounts():
            subprocess.run(["umount", "-l", mount], check=False)
        shutil.rmtree(self.run, ignore_errors=True)
        shutil.rmtree(self.folder / "docker", ignore_errors=True)
        shutil.rmtree(self.folder / "containerd", ignore_errors=True)

    def mounts(self):
        lines = pathlib.Path("/proc/mounts").read_text().splitlines()
        places = [line.split()[1] for line in lines]
        return [place for place in reversed(places)
                if place.startswith((f"{self.run}/", f"{self.folder}/"))]

    def end_rest(self):
        """Shims of containers that outlived their engine."""
        deadline = time.monotonic() + 10
        while (left := self.shims()) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def shims(self):
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if str(self.run / "c.sock").encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
        return found
