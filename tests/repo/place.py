"""Repositories: the real binary and the real restic, on the same repositories, both ways.

The restic of the distribution is always used; BELAY_RESTIC may name more binaries, with ':' between.
"""
import json
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BELAY = os.environ.get("BELAY_BIN", str(ROOT / "build/release/apps/belay/belay"))
RESTICS = [path for path in [shutil.which("restic"), *os.environ.get("BELAY_RESTIC", "").split(":")] if path]


class Place:
    """A repository in a folder, and both programs that work on it."""

    def __init__(self, folder, restic):
        self.folder, self.restic_path = folder, restic
        self.repo, self.belay_words, self.restic_words = folder / "repo", (), ()
        (folder / "password").write_text("open sesame\n")
        (folder / "cache").mkdir()  # now: a folder that is on the way to what is backed up must not change
        self.env = {**os.environ, "RESTIC_PASSWORD_FILE": str(folder / "password"), "TZ": "UTC",
                    "RESTIC_CACHE_DIR": str(folder / "cache"), "RESTIC_REPOSITORY": str(self.repo)}

    def move_to(self, location, belay_words=(), restic_words=()):
        """The repository is there from now on: for both programs, with these words for each."""
        self.repo, self.belay_words, self.restic_words = location, belay_words, restic_words
        self.env["RESTIC_REPOSITORY"] = str(location)

    def start(self, *words):
        """belay, at work on the repository until it ends or is killed."""
        return subprocess.Popen([BELAY, *map(os.fspath, words), "-r", self.repo, "-p", self.folder / "password",
                                 *self.belay_words],
                                env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def belay(self, *words, status=0, env=None, password="password"):
        split = next((at for at, word in enumerate(words) if str(word).startswith("-")), len(words))
        words = [*words[:split], "-r", self.repo, "-p", self.folder / password, *self.belay_words, *words[split:]]
        done = subprocess.run([BELAY, *map(os.fspath, words)], capture_output=True, env={**self.env, **(env or {})})
        assert done.returncode == status, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout.decode(errors="surrogateescape") + done.stderr.decode(errors="surrogateescape")

    def belay_json(self, *words, **options):
        text = self.belay(*words, "--json", **options)
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def restic(self, *words, status=0, cwd=None):
        done = subprocess.run([self.restic_path, *self.restic_words, *map(os.fspath, words)], capture_output=True, env=self.env, cwd=cwd)
        assert done.returncode == status, (words, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout.decode(errors="surrogateescape")

    def restic_json(self, *words):
        return [json.loads(line) for line in self.restic(*words, "--json").splitlines() if line.startswith(("{", "["))]

    def files(self, kind):
        return sorted(path for path in (self.repo / kind).rglob("*") if path.is_file())
