"""kill -9 of belay at the effects of a real upgrade and of a real rollback, then resume.

belay logs each change of the world it makes (BELAY_EFFECTS_LOG), and can be told to pause before
or after the nth of them (BELAY_PAUSE_AT, BELAY_PAUSE_FILE): src/os/effects.hpp. So each crash is
at an exact place. A sample of the effects is tried; all of them with --every-effect.
"""
import concurrent.futures

import pytest

from project import DONE, NOTHING, ROLLED_BACK, Project, told, wait_until

SAMPLE = 12  # effects of each operation; the first and the last are always among them


def effects_of(project, *arguments):
    """Run belay to its end; returns the lines of its effects log."""
    log = project.folder / "effects"
    project.expect()
    ended = project.belay(*arguments, env={"BELAY_EFFECTS_LOG": str(log)})
    assert ended.returncode in (DONE, ROLLED_BACK), told(ended)
    return log.read_text().splitlines()


def kill_at(project, place, *arguments):
    """Start belay, kill it when it is at `place` ("17:after"); False when it ended before."""
    mark = project.folder / "paused"
    project.expect()
    running = project.begin(*arguments, env={"BELAY_PAUSE_AT": place,
                                             "BELAY_PAUSE_FILE": str(mark)})
    try:
        wait_until(f"belay pauses at {place}",
                   lambda: mark.exists() or running.poll() is not None, 40)
        return mark.exists()
    finally:
        running.kill()
        running.communicate(timeout=20)


def ready(make_project, folder, name, mode):
    project = make_project(name, folder=folder, within="1200ms", watch="150ms")
    project.release("1.0")
    project.upgrade("1.0")
    project.write(3)
    project.release("2.0", mode)
    project.release("3.0")
    return project


def killed_and_resumed(project, place, arguments):
    """One life of the world; returns what was wrong with it."""
    if not kill_at(project, place, *arguments):
        return f"{place}: belay ended before it was there"
    if project.answers():
        project.write(1)  # whoever answers now has to keep it
    ended = project.belay("resume")
    if ended.returncode not in (DONE, ROLLED_BACK, NOTHING):
        return f"{place}: resume {told(ended)}"
    wait_until("the service answers", project.answers)
    version = project.version()
    if version not in ("1.0", "2.0"):
        return f"{place}: {version} runs"
    if ended.returncode == ROLLED_BACK and version != "1.0":
        return f"{place}: it says that it went back, and {version} runs"
    if lost := project.lost():
        return f"{place}: {sorted(lost)} are lost\n{told(ended)}"
    if len(project.processes()) != 1:
        return f"{place}: {len(project.processes())} processes run\n{told(ended)}"
    again = project.belay("resume")
    if again.returncode != NOTHING:
        return f"{place}: something is left in progress\n{told(again)}"
    # What went out with a bad release's data is kept, not live: the next smoke test cannot find it.
    project.acknowledged &= project.live()
    project.expect()
    onward = project.belay("upgrade", "shop", "--to", "3.0", "--yes")
    if onward.returncode != DONE or project.version() != "3.0":
        return f"{place}: the next upgrade {told(onward)}"
    return None


def sampled(count, everything):
    if everything or count <= SAMPLE:
        return range(1, count + 1)
    return sorted({1 + round(i * (count - 1) / (SAMPLE - 1)) for i in range(SAMPLE)})


@pytest.mark.parametrize("mode,what", [("good", "upgrade"), ("damages", "rollback")])
def test_killed_at_an_effect_it_ends_old_or_new(make_project, tmp_path, request, mode, what):
    arguments = ("upgrade", "shop", "--to", "2.0", "--yes")
    effects = effects_of(ready(make_project, tmp_path, "count", mode), *arguments)
    assert len(effects) > 10, effects
    places = [f"{n}:after" for n in sampled(len(effects), request.config.getoption("every_effect"))]

    def life(place):
        project = ready(make_project, tmp_path, "at-" + place.replace(":", "-"), mode)
        try:
            return killed_and_resumed(project, place, arguments)
        finally:
            project.end()

    # Mostly they wait for a gate: a few lives at once.
    with concurrent.futures.ThreadPoolExecutor(3) as lives:
        wrong = [one for one in lives.map(life, places) if one]
    print(f"{what}: killed at {len(places)} of {len(effects)} effects")
    assert not wrong, "\n\n".join(wrong)


def test_killed_again_in_the_resume_it_ends_all_the_same(make_project, tmp_path):
    project = ready(make_project, tmp_path, "twice", "damages")
    count = len(effects_of(ready(make_project, tmp_path, "count", "damages"),
                           "upgrade", "shop", "--to", "2.0", "--yes"))
    assert kill_at(project, f"{count * 2 // 3}:after", "upgrade", "shop", "--to", "2.0", "--yes")
    for n in (1, 3, 5):
        if not kill_at(project, f"{n}:after", "resume"):
            break
    ended = project.belay("resume")
    assert ended.returncode in (ROLLED_BACK, NOTHING), told(ended)
    assert project.version() == "1.0"
    assert not project.lost()
