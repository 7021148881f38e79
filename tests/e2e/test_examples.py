"""docs/examples/sowknow.yaml: every published trigger fires when it should, and not before.

The file is used as it is, with its times divided, against a stand-in that speaks the JSON
and the metrics of the real system (stand_in.py).
"""
import json
import re
import shutil

import pytest

from project import DONE, HERE, NEEDS_OPERATOR, ROLLED_BACK, told, wait_until

EXAMPLE = HERE.parent.parent / "docs/examples/sowknow.yaml"
MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
DIVISOR = 1200  # 5 minutes are 250 ms, 60 minutes 3 s


def shortened(text):
    """The times of watch, windows and triggers; and `ready` asks often."""
    text = re.sub(r"\bwithin: (\d+)s", r"within: \1s, every: 50ms", text)
    return re.sub(r"\b(watch|watch_every|for|failing_for|over): (\d+)(ms|s|m|h)\b",
                  lambda m: f"{m[1]}: {max(1, int(m[2]) * MILLISECONDS[m[3]] // DIVISOR)}ms", text)


class Example:
    def __init__(self, project):
        self.project = project
        text = shortened(EXAMPLE.read_text())
        # So that it is found and ended, as everything that a test starts.
        text = text.replace("    ready:", f'    env: {{ E2E_MARK: "{project.mark}" }}\n    ready:')
        # The last smoke test lets a release that goes bad do so: in the watch, at the earliest.
        text = text.replace("upgrade:\n", "upgrade:\n  smoke: [{ name: last, http: "
                            f"'http://127.0.0.1:{project.port}/go-bad' }}]\n")
        (project.folder / "belay.yaml").write_text(text)
        self.storage = project.folder / "storage"
        self.storage.mkdir()
        (self.storage / ".mounted").write_text("")
        self.env = {"PORT": str(project.port), "STORAGE": str(self.storage)}

    def release(self, label, changed, goes_bad=False):
        folder = self.project.folder / "dist" / label
        folder.mkdir(parents=True)
        shutil.copy(HERE / "stand_in.py", folder / "uvicorn")
        (folder / "uvicorn").chmod(0o755)
        (folder / "release.json").write_text(
            json.dumps({"label": label, "set": changed,
                        "goes_bad": goes_bad}))

    def first(self):
        """Install 1.0, with a short watch."""
        path = self.project.folder / "belay.yaml"
        text = path.read_text()
        path.write_text(re.sub(r"\bwatch: \d+ms", "watch: 300ms", text))
        ended = self.upgrade("1.0")
        assert ended.returncode == DONE, told(ended)
        path.write_text(text)

    def belay(self, *arguments):
        return self.project.belay(*arguments, env=self.env, timeout=120)

    def upgrade(self, label):
        return self.belay("upgrade", "sowknow", "--to", label, "--yes")


@pytest.fixture
def run(make_project):
    """Upgrade from a release with values BEFORE to one with values AFTER."""
    def upgrade(after, before=None):
        example = Example(make_project())
        example.release("1.0", before or {})
        example.first()
        example.release("2.0", after, goes_bad=True)
        return example.upgrade("2.0")
    return upgrade


CRITICAL = [
    ("unhealthy", {"status": "error", "database": "down"}),
    ("unhealthy", {"status": "degraded"}),
    ("database-lost", {"db_connected": False}),
    ("celery-lost", {"celery": "unhealthy"}),
    ("errors-critical", {"errors": 0.5}),
    ("errors-high", {"errors": 0.15}),
    ("queue-grows", {"queue": 201}),
]


@pytest.mark.parametrize("trigger,after", CRITICAL, ids=[f"{t}-{list(a.values())[0]}" for t, a in CRITICAL])
def test_a_critical_trigger_goes_back(run, trigger, after):
    ended = run(after)
    assert ended.returncode == ROLLED_BACK, told(ended)
    assert f"trigger '{trigger}' fired" in ended.stdout, told(ended)


WARNING = {"errors-warning": ("errors", 0.07), "queue-warning": ("queue", 101), "disk-warning": ("disk", 85.5)}


def test_a_warning_is_reported_and_the_release_stays(run):
    ended = run(dict(WARNING.values()))
    assert ended.returncode == DONE, told(ended)
    for trigger in WARNING:
        assert f"trigger '{trigger}' fired" in ended.stdout + ended.stderr, told(ended)


def test_nothing_fires_at_the_threshold(run):
    ended = run({"errors": 0.04, "queue": 100, "disk": 85})
    assert ended.returncode == DONE, told(ended)
    assert "' fired" not in ended.stdout + ended.stderr, told(ended)
    assert "no trigger fired" in ended.stdout, told(ended)


def test_what_was_over_its_threshold_before_is_not_blamed_on_the_release(run):
    ended = run({"queue": 900}, before={"queue": 900})
    assert ended.returncode == DONE, told(ended)


def test_lost_storage_is_found_and_not_taken_for_mended(make_project):
    """Going back does not bring a disk back: the way back says so, and leaves it to a person."""
    example = Example(make_project())
    example.release("1.0", {})
    example.first()
    example.release("2.0", {})
    running = example.project.begin("upgrade", "sowknow", "--to", "2.0", "--yes", env=example.env)
    try:
        wait_until("the watch has begun", lambda: "watch" in
                   str(example.project.json("status")[0].get("in_progress")))
        (example.storage / ".mounted").unlink()
    finally:
        out, err = running.communicate(timeout=60)
    assert running.returncode == NEEDS_OPERATOR, out + err
    assert "trigger 'storage-lost' fired" in out
    (example.storage / ".mounted").write_text("")
    assert example.belay("resume").returncode == ROLLED_BACK
