"""Each command, as a person or a script uses it."""
import json

import pytest

from project import BLOCKED, DONE, PAUSED, ROLLED_BACK, USAGE, UNCHANGED, told

COMMANDS = ["init", "config", "check", "plan", "upgrade", "status", "resume", "abort", "rollback",
            "commit", "points", "history", "report", "abandoned"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(project, command):
    ended = project.belay(command, "--help")
    assert ended.returncode == DONE
    assert f"belay {command}" in ended.stdout


def test_config_prints_the_effective_one_without_secrets(project):
    secret = project.folder / "secret"
    secret.write_text("hunter2")
    secret.chmod(0o600)
    path = project.folder / "belay.yaml"
    path.write_text(path.read_text().replace(f'E2E_MARK: "{project.mark}"',
                    f'E2E_MARK: "{project.mark}", PASS: "file:{secret}"'))
    ended = project.belay("config")
    assert ended.returncode == DONE, told(ended)
    assert "hunter2" not in ended.stdout
    assert "watch" in ended.stdout and "default" in ended.stdout


def test_check_and_plan_change_nothing(project):
    project.release("2.0")
    before = project.processes()
    assert project.belay("check").returncode == DONE
    ended = project.belay("plan", "shop", "--to", "2.0")
    assert ended.returncode == DONE, told(ended)
    assert "1.0" in ended.stdout and "2.0" in ended.stdout
    assert project.processes() == before


def test_a_plan_that_is_no_longer_true_is_refused(project):
    project.release("2.0")
    ended = project.belay("plan", "shop", "--to", "2.0", "--json")
    assert ended.returncode == DONE, told(ended)
    plan = project.folder / "plan.json"
    plan.write_text(ended.stdout)
    (project.folder / "shop.conf").write_text(json.dumps({"port": project.port, "new": 1}))
    ended = project.belay("upgrade", "shop", "--to", "2.0", "--plan", str(plan), "--yes")
    assert ended.returncode in (BLOCKED, UNCHANGED), told(ended)
    assert project.version() == "1.0"


def test_a_plan_that_is_true_is_carried_out(project):
    project.release("2.0")
    ended = project.belay("plan", "shop", "--to", "2.0", "--json")
    plan = project.folder / "plan.json"
    plan.write_text(ended.stdout)
    project.upgrade("2.0", "--plan", str(plan))
    assert project.version() == "2.0"


def test_until_pauses_and_resume_goes_on(project):
    project.release("2.0")
    project.upgrade("2.0", "--until", "protect", status=PAUSED)
    assert project.version() == "1.0"
    ended = project.belay("resume")
    assert ended.returncode == DONE, told(ended)
    assert project.version() == "2.0"


def test_what_is_in_progress_is_told_before_anything_else(project):
    project.release("2.0")
    project.release("3.0")
    project.upgrade("2.0", "--until", "switch", status=PAUSED)  # so that nothing runs
    ended = project.belay("upgrade", "shop", "--to", "3.0", "--yes")
    assert ended.returncode == BLOCKED, told(ended)
    first = ended.stderr.splitlines()[0]
    assert "is in progress. 'belay resume' goes on, 'belay abort' goes back" in first, told(ended)
    ended = project.belay("abort")
    assert ended.returncode == ROLLED_BACK, told(ended)
    assert project.version() == "1.0"


def test_nothing_abandoned_and_no_store_are_told_so(project):
    assert project.belay("abandoned").stdout.startswith("no abandoned sets:")
    assert "beside the data" in project.belay("check").stdout
    text = (project.folder / "belay.yaml").read_text()
    stores = text[text.index("stores:"):text.index("config_files:")]
    (project.folder / "belay.yaml").write_text(text.replace(stores, ""))
    assert "disk       no store is copied" in project.belay("check").stdout


def test_a_rollback_plan_names_each_level_with_its_price(project):
    project.release("2.0")
    project.upgrade("2.0")
    project.write(2)
    plan = project.belay("rollback").stdout
    assert "release is picked by evidence, and looked at again once all is stopped:" in plan, plan
    assert "=>         release: down about" in plan and "data stays as it is now" in plan, plan
    assert "in data, db is no longer live, and kept as a-" in plan and "restart: down about" in plan
    releases = project.folder / ".belay/releases/shop/1.0/service.py"
    releases.unlink()  # a precondition that is missing
    plan = project.belay("rollback").stdout
    assert "release: not possible: service 'shop'" in plan and "restart: down about" in plan, plan
    assert "Nothing forbids it" not in plan, plan


def test_a_rollback_after_the_commit_keeps_what_was_written_since(project):
    project.release("2.0")
    project.upgrade("2.0")
    project.write()
    ended = project.belay("rollback", "shop", "--level", "full", "--yes")
    assert ended.returncode == DONE, told(ended)
    assert project.version() == "1.0"
    assert project.acknowledged - project.live(), "the data did not go back"
    assert not project.lost()


@pytest.mark.parametrize("was_read", [True, False])
def test_a_way_back_can_be_taken_back(project, was_read):
    project.release("2.0")
    project.upgrade("2.0")
    project.write(3)
    written = set(project.acknowledged)
    ended = project.belay("rollback", "--level", "full", "--yes")
    assert ended.returncode == DONE and not written <= project.live(), told(ended)
    identity = project.json("abandoned")[0]["id"]
    if not was_read:  # as when the disk failed while it was read
        manifest = project.folder / f".belay/points/{identity}/manifest.json"
        read = json.loads(manifest.read_text())
        for snapshot in read["snapshots"]:
            assert snapshot["secured"] and snapshot["digest"]
            snapshot["secured"], snapshot["digest"] = False, ""
        manifest.write_text(json.dumps(read))
        (project.folder / f".belay-data/{identity}/catalogue").unlink()
        assert "not read yet" in project.belay("abandoned").stdout
    ended = project.belay("rollback", "--to", identity, "--level", "full", "--yes")
    assert ended.returncode == DONE, told(ended)
    assert project.version() == "2.0" and written <= project.live()


def test_history_points_and_report_tell_what_happened(project):
    project.release("2.0", "damages")
    project.upgrade("2.0", status=ROLLED_BACK)
    assert "2.0" in project.belay("history").stdout
    assert project.belay("points").returncode == DONE
    operation = project.json("history")[-1]["operation"]
    for form in ([], ["--format", "markdown"], ["--json"]):
        ended = project.belay("report", operation, *form)
        assert ended.returncode == DONE, told(ended)
        assert "smoke" in ended.stdout
        assert "service 2.0 (damages) listens" in ended.stdout, "the log of the bad one is not kept"


def test_without_yes_and_without_a_terminal_nothing_is_done(project):
    project.release("2.0")
    ended = project.belay("upgrade", "shop", "--to", "2.0")
    assert ended.returncode in (USAGE, UNCHANGED, BLOCKED, PAUSED), told(ended)
    assert project.version() == "1.0"


def test_config_files_come_back_exactly(project):
    conf = project.folder / "shop.conf"
    before, mode = conf.read_bytes(), conf.stat().st_mode
    project.release("2.0", "damages")
    project.upgrade("2.0", status=ROLLED_BACK)
    assert conf.read_bytes() == before and conf.stat().st_mode == mode


def test_a_rollback_is_planned_looked_at_and_then_carried_out(project):
    project.release("2.0")
    project.upgrade("2.0")
    ended = project.belay("rollback", "shop", "--out", "back.json")
    assert ended.returncode == DONE and "Nothing forbids it" in ended.stdout, told(ended)
    assert project.version() == "2.0"
    ended = project.belay("upgrade", "shop", "--plan", "back.json")
    assert ended.returncode == USAGE and "rollback --plan" in ended.stderr, told(ended)
    ended = project.belay("rollback", "--plan", "back.json")
    assert ended.returncode == DONE and project.version() == "1.0", told(ended)
    ended = project.belay("rollback", "--plan", "back.json")
    assert ended.returncode == BLOCKED and "no longer true" in ended.stderr, told(ended)
    assert not project.lost()
