"""The user's own commands at the points of an operation."""
import json

import pytest

from project import BLOCKED, DONE, PAUSED, ROLLED_BACK, UNCHANGED, told

POINTS = ("pre_check", "pre_quiesce", "post_secure", "post_start", "post_ready", "pre_rollback", "post_rollback")

# Notes the point, whether the service answers and the operation; ends as the file `status` says.
HOOK = """\
#!/usr/bin/python3
import json, os, pathlib, sys, urllib.request
point = os.environ["BELAY_HOOK"]
try:
    urllib.request.urlopen("http://127.0.0.1:{port}/health", timeout=1).close()
    answers = True
except OSError:
    answers = False
with open("hooks.jsonl", "a") as log:
    print(json.dumps({{"answers": answers}} | {{name: value for name, value in os.environ.items()
                                              if name.startswith("BELAY_")}}), file=log)
status = pathlib.Path("status-" + point)
sys.exit(f"{{point}} says no" if status.exists() and status.read_text() == "1" else
         int(status.read_text()) if status.exists() else 0)
"""


@pytest.fixture
def hooked(make_project):
    lines = "".join(f"  {point}: [ {{ run: [./hook.py], timeout: 20s }} ]\n" for point in POINTS)
    project = make_project(extra=f"hooks:\n{lines}")
    hook = project.folder / "hook.py"
    hook.write_text(HOOK.format(port=project.port))
    hook.chmod(0o755)
    project.release("1.0")
    project.upgrade("1.0")
    project.write()
    (project.folder / "hooks.jsonl").unlink()
    return project


def noted(project):
    path = project.folder / "hooks.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def answer(project, point, status):
    (project.folder / f"status-{point}").write_text(str(status))


def test_each_point_comes_at_its_time(hooked):
    hooked.release("2.0")
    hooked.upgrade("2.0")
    seen = noted(hooked)
    assert [one["BELAY_HOOK"] for one in seen] == list(POINTS[:5])
    assert [one["answers"] for one in seen[:3]] == [True, True, False]
    assert seen[4]["answers"]
    assert {one["BELAY_KIND"] for one in seen} == {"upgrade"}
    assert {one["BELAY_TO"] for one in seen} == {"2.0"}
    assert len({one["BELAY_OPERATION"] for one in seen}) == 1


@pytest.mark.parametrize("point", ["pre_check", "pre_quiesce"])
def test_not_now_pauses_and_resume_asks_again(hooked, point):
    answer(hooked, point, 75)
    hooked.release("2.0")
    ended = hooked.upgrade("2.0", status=PAUSED)
    assert "belay resume" in ended.stderr + ended.stdout, told(ended)
    assert hooked.version() == "1.0" and len(hooked.processes()) == 1
    again = hooked.belay("resume")
    assert again.returncode == PAUSED, told(again)
    answer(hooked, point, 0)
    last = hooked.belay("resume")
    assert last.returncode == DONE, told(last)
    assert hooked.version() == "2.0"


@pytest.mark.parametrize("point,status", [("pre_check", BLOCKED), ("pre_quiesce", UNCHANGED),
                                          ("post_secure", ROLLED_BACK), ("post_start", ROLLED_BACK),
                                          ("post_ready", ROLLED_BACK)])
def test_a_hook_that_fails_ends_it_as_documented(hooked, point, status):
    pids = hooked.processes()
    answer(hooked, point, 1)
    hooked.release("2.0")
    ended = hooked.upgrade("2.0", status=status)
    assert f"{point} says no" in ended.stderr + ended.stdout, told(ended)
    assert hooked.version() == "1.0"
    assert not hooked.lost()
    if status != ROLLED_BACK:
        assert hooked.processes() == pids, "something was stopped"
    else:
        assert noted(hooked)[-1]["BELAY_HOOK"] == "post_rollback"
        assert point in noted(hooked)[-1]["BELAY_WHY"]


@pytest.mark.parametrize("point", ["pre_rollback", "post_rollback"])
def test_a_way_back_is_never_stopped_by_a_hook(hooked, point):
    answer(hooked, point, 1)
    hooked.release("2.0", "lying")
    hooked.upgrade("2.0", status=ROLLED_BACK)
    assert hooked.version() == "1.0"
    report = hooked.belay("report", noted(hooked)[-1]["BELAY_OPERATION"])
    assert f"passed over: hook {point}" in report.stdout, told(report)
