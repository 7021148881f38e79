"""A folder of examples/ as its user has it, brought up on the tests' engine and driven by the real binary."""
import os
import pathlib
import re
import shutil
import socket
import subprocess

from project import BELAY, DONE, told

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent.parent / "examples"
MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


def shortened(text, divisor):
    """The times that are waited for in an upgrade that is good; and what is ready is asked often."""
    text = re.sub(r"\b(watch|watch_every|failing_for|for|over): (\d+)(ms|s|m|h)\b",
                  lambda m: f"{m[1]}: {max(1, int(m[2]) * MILLISECONDS[m[3]] // divisor)}ms", text)
    return re.sub(r"\bwithin: (\d+)m\b", "every: 100ms, consecutive: 2, within: 20s",
                  re.sub(r"(?m)^      within: (\d+)m$", "      every: 100ms\n      consecutive: 2\n"
                         "      within: 20s", text))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Profile:
    """`files`: what is copied of the example. `divisor`: of its times."""
    def __init__(self, engine, folder, name, files, divisor):
        self.engine, self.folder, self.name, self.port = engine, folder, name, free_port()
        folder.mkdir()
        for file in files:
            shutil.copy(EXAMPLES / name / file, folder / file)
        self.rewrite("belay.yaml", lambda text: shortened(text, divisor))
        # compose 1.29 joins names by an underscore, and its engine has no start_interval.
        self.rewrite("docker-compose.yml", lambda text: text.replace("interval: 10s", "interval: 500ms"))
        self.secret("password", "of-the-repository")
        self.env = {"DOCKER_SOCKET": str(engine.socket), "DOCKER_HOST": f"unix://{engine.socket}",
                    "BELAY_REPOSITORY": str(folder.parent / f"{name}-repository"),
                    "BELAY_PASSWORD": str(folder / "password")}

    def rewrite(self, file, change):
        path = self.folder / file
        path.write_text(change(path.read_text()))

    def secret(self, file, text):
        (self.folder / file).write_text(text)
        (self.folder / file).chmod(0o600)

    def compose(self, *argv, **more):
        return self.engine.compose(self.folder, "-p", self.name, *argv, **more)

    def belay(self, *arguments, status=None, timeout=300):
        ended = subprocess.run([BELAY, *arguments], cwd=self.folder, text=True, check=False, timeout=timeout,
                               capture_output=True, stdin=subprocess.DEVNULL, env=os.environ | self.env)
        assert status is None or ended.returncode == status, told(ended)
        return ended

    def upgrade(self, to, *arguments, status=DONE):
        return self.belay("upgrade", "--to", to, "--yes", *arguments, status=status)
