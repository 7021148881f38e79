"""The judge: before and after compared, worse taken back, every verdict computed again."""
import json
import signal

from project import BLOCKED, DONE, ROLLED_BACK, UNCHANGED, told, wait_until

# As a bound, so that the failing answers of one release do not fire a trigger: the judge must.
CALM = "triggers: [{ name: calm, probe: shop.ready, failing_for: 1h }]\n"


def judged(make_project, history="1h", probes="shop.ready", ratio=1.5, slower=0.0):
    """A project that runs 1.0, and a judge that has the time for the readings that it wants.

    How long that is, depends on what this machine can do now, and on a release that is slower."""
    project = make_project(extra=CALM)
    project.release("1.0")
    project.upgrade("1.0")
    project.write_yaml(upgrade_extra="  judge: { probes: [shop.ready], every: 10ms, warm_up: 0s }\n")
    pace = 2 / project.json("judge", "--record", "2s")[0]["rounds"]
    project.baseline = max(2500, round(90_000 * pace))
    project.watch = max(2500, round(100_000 * pace + 60_000 * slower))
    project.times = f"every: 10ms, baseline: {project.baseline}ms, warm_up: 200ms"
    project.write_yaml(
        watch=f"{project.watch}ms", watch_every="1s",
        upgrade_extra="  judge: { probes: [%s], %s, history: %s, ratio: %s }\n"
        % (probes, project.times, history, ratio))
    return project


def upgrade(project, status=DONE):
    return project.upgrade("2.0", status=status, timeout=300)


def operation(project):
    return project.json("history")[-1]["operation"]


def readings(project):
    return project.folder / ".belay/operations" / operation(project) / "readings"


def refuses_what_was_cut_or_changed(project):
    whole = readings(project).read_bytes()
    changed = whole.replace(b'"failed"', b'"ok"', 1).replace(b'"ok"', b'"failed"', 1)
    lines = whole.splitlines(keepends=True)
    for bad in (whole[:-7], b"".join(lines[:-1]), b"".join(lines[:20]), changed, None):
        if bad is None:
            readings(project).unlink()
        else:
            readings(project).write_bytes(bad)
        refused = project.belay("judge", "--replay")
        assert refused.returncode == UNCHANGED and refused.stdout == "", told(refused)
        assert "are not those that were judged" in refused.stderr, told(refused)
        assert "hint: " in refused.stderr
    readings(project).write_bytes(whole)
    assert len(project.json("judge", "--replay")) == 3


def recorded(project):
    """The verdicts as the watch wrote them down."""
    payloads = [json.loads(line.split(" ", 2)[2]) for line in readings(project).open()]
    return [payload for payload in payloads if payload["kind"] == "verdict"]


def test_no_change_is_no_worse_and_is_replayed(make_project):
    project = judged(make_project, ratio=99)  # other work may slow this machine down
    project.release("2.0")
    upgrade(project)
    assert project.version() == "2.0"
    verdicts = project.json("judge", "--replay", operation(project))
    assert [verdict["look"] for verdict in verdicts] == [1, 2, 3]
    assert verdicts[-1]["verdict"] == "no_worse", verdicts[-1]
    assert all(verdict["as_recorded"] for verdict in verdicts)
    assert {found["measure"] for found in verdicts[-1]["findings"]} == {"errors", "latency"}
    told_of = ("event", "as_recorded", "sealed")
    for verdict, then in zip(verdicts, recorded(project), strict=True):
        assert verdict["sealed"]
        assert {key: verdict[key] for key in verdict if key not in told_of} == {
            key: then[key] for key in then if key != "kind"}
    assert project.json("judge", "--replay") == verdicts
    report = project.belay("report").stdout
    assert "no trigger fired; the judge says no_worse" in report
    assert "judge at look 3 of 3" in report and "shop.ready, latency: " in report
    refuses_what_was_cut_or_changed(project)
    text = project.belay("judge", "--replay").stdout
    assert "look 3 of 3" in text and "shop.ready, errors: 0 of " in text


def test_more_errors_are_worse_and_taken_back(make_project):
    project = judged(make_project)
    project.release("2.0", "fails_some", seconds=4)
    ended = upgrade(project, ROLLED_BACK)
    assert "the judge found it worse at look" in ended.stdout, told(ended)
    assert project.version() == "1.0"
    verdict = project.json("judge", "--replay", operation(project))[-1]
    assert verdict["verdict"] == "worse" and verdict["as_recorded"]
    errors = next(found for found in verdict["findings"] if found["measure"] == "errors")
    assert 0.1 < errors["after"] < 0.4 and errors["before"] == 0
    assert errors["p"] < errors["p_max"]
    report = project.belay("report").stdout
    assert "shop.ready, errors: " in report.partition("Why it was taken back")[2], report


def test_a_slower_release_is_inconclusive_without_history(make_project):
    project = judged(make_project, slower=0.15)
    project.release("2.0", "slow_answers", seconds=0.15)
    ended = upgrade(project)
    assert "cannot tell whether it became worse" in ended.stdout, told(ended)
    assert project.version() == "2.0"
    verdict = project.json("judge", "--replay")[-1]
    assert verdict["verdict"] == "inconclusive" and verdict["as_recorded"]


def test_a_slower_release_is_worse_against_its_history(make_project):
    project = judged(make_project, history="3s", slower=0.15)
    length = round(1.7 * (project.baseline + project.watch))
    kept = project.belay("judge", "--record", f"{length}ms", timeout=300)
    assert kept.returncode == DONE and "recorded " in kept.stdout, told(kept)
    project.release("2.0", "slow_answers", seconds=0.15)
    ended = upgrade(project, ROLLED_BACK)
    assert "latency" in ended.stdout, told(ended)
    assert project.version() == "1.0"
    latency = next(found for found in project.json("judge", "--replay")[-1]["findings"]
                   if found["measure"] == "latency")
    assert latency["verdict"] == "worse" and latency["placebos"] > 0
    assert latency["after"] > latency["limit"] > latency["before"]


def test_too_little_is_inconclusive_and_commits(make_project):
    project = judged(make_project)
    project.write_yaml(upgrade_extra="  judge: { probes: [shop.ready], every: 300ms, "
                                     "baseline: 1500ms, warm_up: 200ms, history: 1h }\n", watch="3s")
    project.release("2.0")
    ended = upgrade(project)
    assert "few readings" in ended.stderr + project.belay("config").stderr, told(ended)
    assert "cannot tell whether it became worse" in ended.stdout, told(ended)
    assert "the judge says inconclusive" in project.belay("report").stdout
    verdict = project.json("judge", "--replay")[-1]
    assert verdict["verdict"] == "inconclusive" and verdict["as_recorded"]
    assert "too few good answers" in json.dumps(verdict)
    assert project.version() == "2.0"


def killed_in_watch(project):
    """Upgrade, and kill it when the judge has taken readings after the change."""
    process = project.begin("upgrade", "shop", "--to", "2.0", "--yes")
    wait_until("readings after the change", lambda: any(
        path.read_bytes().count(b'"side":"after"') > 5
        for path in (project.folder / ".belay/operations").glob("*/readings")), seconds=120)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_killed_in_the_watch_it_is_judged_from_its_begin_again(make_project):
    project = judged(make_project, ratio=99)
    project.release("2.0")
    killed_in_watch(project)
    ended = project.belay("resume", timeout=300)
    assert ended.returncode == DONE, told(ended)
    assert project.version() == "2.0"
    assert readings(project).read_bytes().count(b'"kind":"watch"') == 2
    verdicts = project.json("judge", "--replay")
    assert [verdict["look"] for verdict in verdicts] == [1, 2, 3]
    assert all(verdict["as_recorded"] and verdict["sealed"] for verdict in verdicts)


def test_killed_in_the_watch_a_worse_release_is_taken_back_all_the_same(make_project):
    project = judged(make_project)
    project.release("2.0", "fails_some", seconds=4)
    killed_in_watch(project)
    ended = project.belay("resume", timeout=300)
    assert ended.returncode == ROLLED_BACK, told(ended)
    assert "the judge found it worse" in ended.stdout
    assert project.version() == "1.0"
    assert project.json("judge", "--replay")[-1]["as_recorded"]


def test_a_number_that_is_not_there_is_refused_by_the_plan(make_project):
    project = judged(make_project)
    project.write_yaml(
        extra=CALM + "checks: [{ name: orders, http: \"http://127.0.0.1:%d/health\", "
                     "value: no.such.number }]\n" % project.port,
        upgrade_extra="  judge: { probes: [orders], numbers: [orders], %s }\n" % project.times)
    project.release("2.0")
    plan = project.belay("plan", "shop", "--to", "2.0")
    assert plan.returncode == BLOCKED, told(plan)
    assert "the judge cannot compare 'orders'" in plan.stdout
    assert project.version() == "1.0"


def test_an_unknown_probe_is_refused(make_project):
    project = judged(make_project, probes="shop.reaxy")
    refused = project.belay("check")
    assert "Did you mean 'shop.ready'?" in refused.stderr, told(refused)


def test_what_was_not_judged_says_so(make_project):
    project = make_project()
    project.release("1.0")
    project.upgrade("1.0")
    ended = project.belay("judge", "--replay")
    assert ended.returncode != DONE and "was not judged" in ended.stderr, told(ended)
    assert json.loads(project.belay("--json", "history").stdout.splitlines()[0])
