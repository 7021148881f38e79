"""docs/examples: every published trigger fires when it should, and not before.

The files are used as they are, with their times divided, against a stand-in that speaks the JSON
and the metrics of the real system (stand_in.py).
"""
import json
import re
import shutil

import pytest

from project import DONE, HERE, NEEDS_OPERATOR, ROLLED_BACK, told, wait_until

EXAMPLES = HERE.parent.parent / "docs/examples"
PROGRAM = {"artifortress": "Artifortress.Api", "sowknow": "uvicorn"}
MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
DIVISOR = 1200  # 5 minutes are 250 ms, 60 minutes 3 s


def shortened(text):
    """The times of watch, windows and triggers; and `ready` asks often."""
    text = re.sub(r"\bwithin: (\d+)s", r"within: \1s, every: 50ms", text)
    return re.sub(r"\b(watch|watch_every|for|failing_for|over): (\d+)(ms|s|m|h)\b",
                  lambda m: f"{m[1]}: {max(1, int(m[2]) * MILLISECONDS[m[3]] // DIVISOR)}ms", text)


class Example:
    def __init__(self, project, system):
        self.project, self.system = project, system
        text = shortened((EXAMPLES / f"{system}.yaml").read_text())
        # So that it is found and ended, as everything that a test starts.
        text = text.replace("    ready:", f'    env: {{ E2E_MARK: "{project.mark}" }}\n    ready:')
        # The last smoke test lets a release that goes bad do so: in the watch, at the earliest.
        text = text.replace("upgrade:\n", "upgrade:\n  smoke: [{ name: last, http: "
                            f"'http://127.0.0.1:{project.port}/go-bad' }}]\n")
        (project.folder / "belay.yaml").write_text(text)
        token = project.folder / "ops.token"
        token.write_text("ops-token")
        token.chmod(0o600)
        self.storage = project.folder / "storage"
        self.storage.mkdir()
        (self.storage / ".mounted").write_text("")
        self.env = {"PORT": str(project.port), "STORAGE": str(self.storage)}

    def release(self, label, changed, goes_bad=False):
        folder = self.project.folder / "dist" / label
        folder.mkdir(parents=True)
        shutil.copy(HERE / "stand_in.py", folder / PROGRAM[self.system])
        (folder / PROGRAM[self.system]).chmod(0o755)
        (folder / "release.json").write_text(
            json.dumps({"system": self.system, "label": label, "set": changed,
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
        return self.belay("upgrade", self.system, "--to", label, "--yes")


@pytest.fixture
def run(make_project):
    """Upgrade SYSTEM from a release with values BEFORE to one with values AFTER."""
    def upgrade(system, after, before=None):
        example = Example(make_project(), system)
        example.release("1.0", before or {})
        example.first()
        example.release("2.0", after, goes_bad=True)
        return example.upgrade("2.0")
    return upgrade


CRITICAL = [
    ("artifortress", "not-ready", {"status": "not_ready"}),
    ("artifortress", "not-ready", {"status": "degraded"}),  # which is status 200
    ("artifortress", "outbox-critical", {"pendingOutboxEvents": 201}),
    ("artifortress", "outbox-age-critical", {"oldestPendingOutboxAgeSeconds": 901}),
    ("artifortress", "failed-jobs-critical", {"failedSearchJobs": 21}),
    ("artifortress", "failed-jobs-grow", {"failedSearchJobs": 12}),
    ("sowknow", "unhealthy", {"status": "error", "database": "down"}),
    ("sowknow", "unhealthy", {"status": "degraded"}),
    ("sowknow", "database-lost", {"db_connected": False}),
    ("sowknow", "celery-lost", {"celery": "unhealthy"}),
    ("sowknow", "errors-critical", {"errors": 0.5}),
    ("sowknow", "errors-high", {"errors": 0.15}),
    ("sowknow", "queue-grows", {"queue": 201}),
]


@pytest.mark.parametrize("system,trigger,after", CRITICAL,
                         ids=[f"{t}-{list(a.values())[0]}" for _, t, a in CRITICAL])
def test_a_critical_trigger_goes_back(run, system, trigger, after):
    ended = run(system, after)
    assert ended.returncode == ROLLED_BACK, told(ended)
    assert f"trigger '{trigger}' fired" in ended.stdout, told(ended)


WARNING = [
    ("artifortress", {"outbox-warning": ("pendingOutboxEvents", 51),
                      "outbox-age-warning": ("oldestPendingOutboxAgeSeconds", 301),
                      "failed-jobs-warning": ("failedSearchJobs", 6),
                      "pending-jobs-warning": ("pendingSearchJobs", 101),
                      "gc-runs-warning": ("incompleteGcRuns", 1),
                      "timeouts-warning": ("recentPolicyTimeouts24h", 1)}),
    ("sowknow", {"errors-warning": ("errors", 0.07), "queue-warning": ("queue", 101),
                 "disk-warning": ("disk", 85.5)}),
]


@pytest.mark.parametrize("system,warnings", WARNING, ids=[s for s, _ in WARNING])
def test_a_warning_is_reported_and_the_release_stays(run, system, warnings):
    ended = run(system, dict(warnings.values()))
    assert ended.returncode == DONE, told(ended)
    for trigger in warnings:
        assert f"trigger '{trigger}' fired" in ended.stdout + ended.stderr, told(ended)


# At the thresholds, which are not passed.
QUIET = [
    ("artifortress", {"pendingOutboxEvents": 50, "oldestPendingOutboxAgeSeconds": 300,
                      "failedSearchJobs": 5, "pendingSearchJobs": 100}),
    ("sowknow", {"errors": 0.04, "queue": 100, "disk": 85}),
]


@pytest.mark.parametrize("system,after", QUIET, ids=[s for s, _ in QUIET])
def test_nothing_fires_at_the_threshold(run, system, after):
    ended = run(system, after)
    assert ended.returncode == DONE, told(ended)
    assert "' fired" not in ended.stdout + ended.stderr, told(ended)
    assert "no trigger fired" in ended.stdout, told(ended)


@pytest.mark.parametrize("system,values", [
    ("artifortress", {"pendingOutboxEvents": 400, "oldestPendingOutboxAgeSeconds": 2000,
                      "failedSearchJobs": 90}),
    ("sowknow", {"queue": 900}),
], ids=["artifortress", "sowknow"])
def test_what_was_over_its_threshold_before_is_not_blamed_on_the_release(run, system, values):
    ended = run(system, values, before=values)
    assert ended.returncode == DONE, told(ended)


def test_lost_storage_is_found_and_not_taken_for_mended(make_project):
    """Going back does not bring a disk back: the way back says so, and leaves it to a person."""
    example = Example(make_project(), "sowknow")
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
