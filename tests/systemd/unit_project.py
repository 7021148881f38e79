"""The project of the end-to-end tests, its service run by systemd inside a Machine."""
import os
import subprocess

from project import DONE, Project, told, wait_until

TEMPLATE = """\
stack: shop
services:
  shop:
    unit: {unit}.service
    release: {{ directory: "./dist/{{to}}" }}
{how}    stop: {{ timeout: 5s }}
    ready:
      http: http://127.0.0.1:{port}/health
      json: {{ status: ok }}
      timeout: 500ms
      within: {within}
      every: 50ms
      consecutive: 2
stores:
  data: {{ directory: ./data, layout: [layout.json] }}
  db: {{ sqlite: ./shop.db }}
config_files: [shop.conf]
checks:
  - {{ name: restarts, process: true, service: shop }}
  - {{ name: log, log: {{ service: shop, pattern: "listens|Started" }}, max: 2 }}
  - {{ name: memory, memory: shop, unit: mebibytes }}
upgrade:
  smoke: [{{ name: writes, run: [./smoke.py] }}]
  migrate: [{{ run: [./others.py] }}]
  watch: {watch}
  watch_every: 50ms
keep: {{ points: 3, abandoned: 9, releases: 9 }}
"""
ARGUMENTS = ("--data", "{project}/data", "--db", "{project}/shop.db", "--conf", "{project}/shop.conf")
BY_DROP_IN = """\
    exec_start: [./service.py, {arguments}]
    working_folder: "{{release}}"
    env: {{ MARK: "100% of $$HOME is \\"mine\\"" }}
"""
UNIT = """\
[Unit]
Description=the shop
[Service]
ExecStart={start}
{extra}Restart=always
RestartSec=100ms
"""
# As fast as it may: whenever the service is down, it is woken at once.
TIMER = """\
[Timer]
OnActiveSec=100ms
OnUnitInactiveSec=100ms
AccuracySec=1ms
"""
# Whenever the service is down, this is true.
PATH = """\
[Path]
PathExists=/srv
"""
SOCKET = """\
[Socket]
ListenStream=/run/{unit}.socket
"""
ENABLED = ("service", "path", "socket")  # a boot starts them
# A person's own; belay must not touch it, and what it says holds.
OVERRIDE = """\
[Service]
Environment="OWN=of a person"
"""
# Runs while the service must be down: nobody may wake it, and another hand is refused.
OTHERS = """\
#!/usr/bin/python3
import pathlib, subprocess, sys, time
end = time.monotonic() + 0.6
while time.monotonic() < end:
    if subprocess.run(["systemctl", "--quiet", "is-active", "{unit}.service"]).returncode == 0:
        sys.exit("somebody woke it")
    time.sleep(0.05)
if subprocess.run(["systemctl", "start", "{unit}.service"], capture_output=True).returncode == 0:
    sys.exit("another hand could start it")
pathlib.Path("others").write_text("kept out")
"""

# In a namespace of its own there is one belay in this folder.
KILL_BELAY = """
import os, pathlib, signal, sys
for entry in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        if os.readlink(entry / "exe") == "/srv/belay" and os.readlink(entry / "cwd") == sys.argv[1]:
            os.kill(int(entry.name), signal.SIGKILL)
    except OSError:
        pass
"""


def fingerprint(path):
    """Changes when anybody writes or replaces the file."""
    info = path.stat()
    return info.st_ino, info.st_mtime_ns, info.st_mode, path.read_text()


class UnitProject(Project):
    def __init__(self, machine, unit, by_drop_in=True, own=None, **options):
        self.machine = machine
        self.unit = unit
        self.inside = f"/srv/{unit}"
        self.by_drop_in, self.own = by_drop_in, own
        self.labels = 0
        super().__init__(machine.root / "srv" / unit, **options)
        others = self.folder / "others.py"
        others.write_text(OTHERS.format(unit=unit))
        others.chmod(0o755)
        self.write_unit()

    def write_unit(self):
        """With a drop-in the unit runs nothing that exists, or `own`; else it names `current`."""
        arguments = " ".join(ARGUMENTS).replace("{project}", self.inside)
        folder = None if self.by_drop_in else f"{self.inside}/.belay/releases/shop/current"
        if self.own:
            self.release(self.own)
            folder = f"{self.inside}/dist/{self.own}"
        start = f"{folder}/service.py {arguments}" if folder else "/usr/bin/false"
        extra = f"WorkingDirectory={folder}\n" if folder else ""
        self.machine.unit(f"{self.unit}.service", UNIT.format(start=start, extra=extra))
        self.machine.unit(f"{self.unit}.timer", TIMER)
        self.machine.unit(f"{self.unit}.path", PATH)
        self.machine.unit(f"{self.unit}.socket", SOCKET.format(unit=self.unit))
        override = self.machine.units / f"{self.unit}.service.d/override.conf"
        override.parent.mkdir()
        override.write_text(OVERRIDE)
        self.override = fingerprint(override)
        wants = self.machine.units / "belay-test.target.wants"
        wants.mkdir(exist_ok=True)
        for kind in ENABLED:
            (wants / f"{self.unit}.{kind}").symlink_to(f"../{self.unit}.{kind}")
        self.machine.run("systemctl", "daemon-reload")

    def write_yaml(self, **changes):
        self.yaml |= changes
        how = ""
        if self.by_drop_in:
            how = BY_DROP_IN.format(arguments=", ".join(f'"{word}"' for word in ARGUMENTS))
        (self.folder / "belay.yaml").write_text(
            TEMPLATE.format(port=self.port, unit=self.unit, how=how, within=self.yaml["within"],
                            watch=self.yaml["watch"]))

    def begin(self, *arguments, env=None, **more):
        words = [f"{name}={value}" for name, value in (env or {}).items()]
        command = self.machine.command("/usr/bin/env", *words, "/srv/belay", *arguments,
                                       folder=self.inside)
        return subprocess.Popen(command, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def kill_belay(self):
        """nsenter runs it as a child in the pid namespace: that one is belay."""
        self.machine.run("/usr/bin/python3", "-c", KILL_BELAY, self.inside)

    # --- the unit

    def next(self, mode="good"):
        """Make one more release; its label."""
        self.labels += 1
        label = f"{self.labels}.0"
        self.release(label, mode)
        return label

    def environment(self):
        """Of the living main process."""
        text = self.machine.run("cat", f"/proc/{self.show('MainPID')}/environ").stdout
        return dict(entry.partition("=")[::2] for entry in text.split("\0") if entry)

    def show(self, what):
        return self.machine.show(f"{self.unit}.service", what)

    def drop_ins(self):
        """What belay has put beside the unit: name to text."""
        folder = self.machine.units / f"{self.unit}.service.d"
        assert fingerprint(folder / "override.conf") == self.override
        return {path.name: path.read_text() for path in sorted(folder.glob("*"))
                if path.name != "override.conf"}

    def runs_from(self):
        """The release folder of the living main process, as the kernel knows it."""
        environ = self.machine.run("cat", f"/proc/{self.show('MainPID')}/cwd/release.json")
        return environ.stdout

    def start_triggers(self):
        self.machine.run("systemctl", "stop", f"{self.unit}.service")
        self.machine.run("systemctl", "start", *self.triggers())
        wait_until("a trigger starts it", self.answers)

    def triggers(self):
        return [f"{self.unit}.{kind}" for kind in ("socket", "timer", "path")]

    def end(self):
        for kind in ENABLED:
            (self.machine.units / "belay-test.target.wants" / f"{self.unit}.{kind}").unlink()
        self.machine.run("systemctl", "stop", *self.triggers(), f"{self.unit}.service", check=False)

    def assert_let_go(self):
        """Nothing of a hold is left, and what it stopped runs."""
        assert "zz-belay-hold.conf" not in self.drop_ins()
        assert self.show("Restart") == "always"
        assert self.show("NeedDaemonReload") == "no"
        for trigger in self.triggers():
            assert self.machine.show(trigger, "ActiveState") == "active", trigger
        left = sorted(path.name for path in (self.folder / ".belay/run").glob("*"))
        assert left == ["shop.starts"], left

    def main_pid_outside(self):
        """The main process as we see it: its pid inside is another."""
        inside = self.show("MainPID")
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/status", encoding="utf-8") as status:
                        ids = [line.split() for line in status if line.startswith("NSpid:")]
                    same = os.readlink(f"/proc/{entry}/ns/pid") == os.readlink(
                        f"/proc/{self.machine.pid}/ns/pid")
                except OSError:
                    continue
                if same and ids and ids[0][-1] == inside:
                    return int(entry)
        raise AssertionError(f"no process {inside}")

    def report(self, operation=None):
        ended = self.belay("report", *([operation] if operation else []))
        assert ended.returncode == DONE, told(ended)
        return ended.stdout
