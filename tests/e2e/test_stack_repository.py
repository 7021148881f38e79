"""Restore points of a stack in a repository: taken hot, checked by stock restic, brought back."""
import contextlib
import json
import os
import pathlib
import sqlite3
import subprocess

import pytest

from project import BLOCKED, DONE, LOCKED, NEEDS_OPERATOR, UNCHANGED, USAGE, told, wait_until

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "docs/examples/drivers"
NO_REPOSITORY, WRONG_PASSWORD = 10, 12
REPOSITORY = """\
repository:
  path: ./backup
  password: file:./password
"""
SECOND = REPOSITORY + """\
  copy_to: { path: ./second, password: "file:./password2" }
"""


def secret(path, text):
    path.write_text(text + "\n")
    path.chmod(0o600)


@pytest.fixture
def shop(make_project):
    """A project that runs, with writes, an empty repository, and files of many kinds in its data."""
    made = make_project(extra=REPOSITORY.replace("./", "{folder}/"))
    made.yaml["extra"] = made.yaml["extra"].format(folder=made.folder)
    made.write_yaml()
    made.release("1.0")
    made.upgrade("1.0")
    made.write()
    secret(made.folder / "password", "first")
    data = made.folder / "data"
    (data / "big").write_bytes(os.urandom(3_000_000))
    (data / "empty").touch()
    (data / "link").symlink_to("big")
    (data / "odd \udcff[a]*name").write_text("of any bytes")
    (data / "sub").mkdir(mode=0o710)
    (data / "sub/deep").write_text("x" * 1000)
    ended = made.belay("repo", "init")
    assert ended.returncode == DONE, told(ended)
    return made


def with_second(shop):
    secret(shop.folder / "password2", "second")
    shop.write_yaml(extra=SECOND.replace("./", f"{shop.folder}/"))


def backup(project, *arguments, status=DONE):
    ended = project.belay("--json", "backup", "shop", *arguments)
    assert ended.returncode == status, told(ended)
    return json.loads(ended.stdout.splitlines()[-1])


def points(project, place):
    """Ids of the points in this place."""
    return [one["id"] for one in project.json("points", "shop")
            if place in one.get("places", [])]


def restic(shop, *arguments, repository="backup", password="password"):
    return subprocess.run(["restic", "-r", shop.folder / repository, "-p", shop.folder / password,
                           "--no-cache", *arguments], capture_output=True, text=True, check=True,
                          errors="surrogateescape", timeout=120).stdout


def tree(folder):
    """Everything below a folder: kind, mode, and content or target, by relative name."""
    found = {}
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        content = (os.readlink(path) if path.is_symlink() else
                   path.read_bytes() if path.is_file() else None)
        found[str(path.relative_to(folder))] = (info.st_mode, info.st_uid, content)
    return found


def rows(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        return {row[0] for row in database.execute("SELECT id FROM writes")}


def left_over(shop):
    """Copies beside the stores, and points that were begun, that no restore point owns."""
    begun = {path.name for path in (shop.folder / ".belay/points").iterdir()}
    known = {path.parent.name for path in shop.folder.glob(".belay/points/*/manifest.json")}
    beside = {path.name for path in shop.folder.glob(".belay-*/*")}
    return (beside | begun) - known


def test_a_restore_point_of_a_running_stack_that_stock_restic_can_check_and_restore(shop):
    before = shop.processes()
    shop.write()
    done = backup(shop)
    assert shop.processes() == before, "the service was touched"
    assert not left_over(shop)
    assert not done["torn"], done
    assert done["generation"] == 1
    assert points(shop, "repository") == [done["point"]]
    assert "no errors" in restic(shop, "check", "--read-data")
    listed = json.loads(restic(shop, "snapshots", "--json"))
    assert [one["id"] for one in listed] == [done["snapshot"]]
    assert set(listed[0]["tags"]) == {"belay", "stack=shop", "generation=1",
                                      "point=" + done["point"]}
    names = restic(shop, "ls", "latest").splitlines()
    for name in ("stores/data/sub/deep", "stores/db/shop.db", "restore-point.json",
                 f"config{shop.folder}/shop.conf"):
        assert f"/belay/shop/{name}" in names, names
    theirs = shop.folder / "theirs"
    restic(shop, "restore", "latest", "--target", theirs)
    theirs /= "belay/shop"
    ours = shop.folder / "ours"
    ended = shop.belay("restore", "shop", done["point"], "--into", str(ours))
    assert ended.returncode == DONE, told(ended)
    assert tree(ours) == tree(theirs)
    live = tree(shop.folder / "data")
    assert tree(ours / "stores/data") == live
    assert rows(ours / "stores/db/shop.db") == rows(shop.folder / "shop.db")
    assert (ours / f"config{shop.folder}/shop.conf").read_bytes() == \
        (shop.folder / "shop.conf").read_bytes()
    manifest = json.loads((ours / "restore-point.json").read_text())
    assert manifest["id"] == done["point"] and manifest["generation"] == 1
    one = shop.folder / "one"
    ended = shop.belay("restore", "shop", done["point"], "--into", str(one), "--store", "db")
    assert ended.returncode == DONE, told(ended)
    assert [path.name for path in one.iterdir()] == ["shop.db"]
    ended = shop.belay("verify", done["point"])
    assert ended.returncode == DONE, told(ended)
    # The next one reads only what changed, and data that is in the repository is not stored again.
    shop.write()
    again = backup(shop, "--tag", "second")
    assert again["bytes_stored"] < 1_000_000, again
    assert len(points(shop, "repository")) == 2
    ended = shop.belay("forget", done["point"], "--prune")
    assert ended.returncode == DONE, told(ended)
    assert points(shop, "repository") == [again["point"]]
    assert shop.belay("verify", again["point"]).returncode == DONE


def test_what_is_missing_or_wrong_has_its_status_and_makes_nothing(shop):
    (shop.folder / "backup").rename(shop.folder / "away")
    ended = shop.belay("backup", "shop")
    assert ended.returncode == NO_REPOSITORY and "belay repo init" in ended.stderr, told(ended)
    assert not (shop.folder / "backup").exists()
    listed = shop.belay("points")
    assert listed.returncode == DONE and "local" in listed.stdout, told(listed)
    assert "repository" in listed.stderr, told(listed)
    (shop.folder / "away").rename(shop.folder / "backup")
    secret(shop.folder / "password", "wrong")
    ended = shop.belay("backup", "shop")
    assert ended.returncode == WRONG_PASSWORD, told(ended)
    secret(shop.folder / "password", "first")
    assert shop.belay("backup", "other").returncode == USAGE
    assert shop.belay("backup", "shop", "--exclude", "x").returncode == USAGE
    assert shop.belay("backup", "shop", "-r", "backup").returncode == USAGE
    assert not points(shop, "repository")
    assert not left_over(shop)
    done = backup(shop)
    pack = max((shop.folder / "backup/data").rglob("??*/*"), key=lambda path: path.stat().st_size)
    harmed = bytearray(pack.read_bytes())
    harmed[len(harmed) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(harmed)
    ended = shop.belay("verify", done["point"])
    assert ended.returncode == NEEDS_OPERATOR, told(ended)
    assert shop.belay("restore", "shop", done["point"], "--into", "x").returncode == NEEDS_OPERATOR
    assert shop.belay("verify", "p-20000101T000000.000Z-0000").returncode == UNCHANGED


def test_a_second_place_that_fails_is_told_and_gets_what_it_missed(shop):
    with_second(shop)
    first = backup(shop, status=NEEDS_OPERATOR)  # nobody made it yet
    assert not first["copy"]["is_there"] and "second" in first["copy"]["message"], first
    assert points(shop, "repository") == [first["point"]]
    ended = shop.belay("repo", "init", "--copy")
    assert ended.returncode == DONE, told(ended)
    secret(shop.folder / "password2", "wrong")
    second = backup(shop, status=NEEDS_OPERATOR)
    secret(shop.folder / "password2", "second")
    third = backup(shop)
    assert third["copy"]["points_copied"] == 3, third
    every = [first["point"], second["point"], third["point"]]
    assert points(shop, "copy") == points(shop, "repository") == every
    assert "no errors" in restic(shop, "check", "--read-data", repository="second",
                                 password="password2")
    # The first place is lost: the second one is enough.
    (shop.folder / "backup").rename(shop.folder / "lost")
    assert shop.belay("verify", "--copy", second["point"]).returncode == DONE
    ours = shop.folder / "ours"
    ended = shop.belay("restore", "shop", second["point"], "--copy", "--into", str(ours))
    assert ended.returncode == DONE, told(ended)
    assert tree(ours / "stores/data") == tree(shop.folder / "data")


def effects(shop):
    log = shop.folder / "effects"
    ended = shop.belay("backup", "shop", env={"BELAY_EFFECTS_LOG": str(log)})
    assert ended.returncode == DONE, told(ended)
    return len(log.read_text().splitlines())


def killed(shop, place, *arguments):
    """Kill belay at this effect. False: it ended before."""
    mark = shop.folder / "paused"
    mark.unlink(missing_ok=True)
    process = shop.begin(*arguments, env={"BELAY_PAUSE_AT": place, "BELAY_PAUSE_FILE": str(mark)})
    try:
        wait_until("belay pauses", lambda: mark.exists() or process.poll() is not None)
        return process.poll() is None
    finally:
        process.kill()
        process.communicate(timeout=20)


def test_killed_anywhere_there_is_a_whole_point_or_none_and_the_next_run_tidies(shop):
    backup(shop)  # how many packs the first one writes is by chance
    count = effects(shop)
    every = set(points(shop, "repository"))
    seen, times = set(), 0
    for number in (3, count // 3, count - 5, count - 2):
        times += killed(shop, f"{number}:after", "backup", "shop")
        seen |= left_over(shop)
        new = set(points(shop, "repository")) - every
        assert len(new) <= 1
        for point in new:
            assert shop.belay("verify", point).returncode == DONE
        every |= new
    assert times >= 3 and seen, "nobody was killed with copies made"
    every.add(backup(shop)["point"])
    assert not left_over(shop)
    assert set(points(shop, "repository")) == every
    assert "no errors" in restic(shop, "check", "--read-data")


def test_a_store_behind_a_driver_is_kept_as_its_driver_copies_it(shop):
    text = (shop.folder / "belay.yaml").read_text()
    ours = "{ directory: ./data, layout: [layout.json] }"
    assert ours in text
    (shop.folder / "belay.yaml").write_text(
        text.replace(ours, f"{{ driver: [{SAMPLES}/store.py, ./data] }}"))
    done = backup(shop)
    assert not list(shop.folder.glob(".kept-data/*"))
    into = shop.folder / "into"
    ended = shop.belay("restore", "shop", done["point"], "--into", str(into), "--store", "data")
    assert ended.returncode == DONE, told(ended)
    assert tree(into) == tree(shop.folder / "data")
    ended = shop.belay("rollback", "shop", "--to", done["point"], "--yes")
    assert ended.returncode == UNCHANGED and "its driver alone" in ended.stderr, told(ended)


def test_nobody_else_works_on_the_stack_meanwhile(shop):
    mark = shop.folder / "paused"
    first = shop.begin("backup", "shop",
                       env={"BELAY_PAUSE_AT": "5:after", "BELAY_PAUSE_FILE": str(mark)})
    try:
        wait_until("the first one pauses", mark.exists)
        ended = shop.belay("backup", "shop")
        assert ended.returncode == LOCKED, told(ended)
    finally:
        first.kill()
        first.communicate(timeout=20)
    shop.release("2.0")
    assert killed(shop, "30:after", "upgrade", "shop", "--to", "2.0", "--yes")
    ended = shop.belay("backup", "shop")
    assert ended.returncode == BLOCKED and "resume" in ended.stderr, told(ended)


# --- the way back to a point that is in the repository only

def moved_on(shop):
    """A point of 1.0 in the repository, then release 2.0 and other data. Returns it, and what was live."""
    done = backup(shop)
    then = shop.live()
    shop.release("2.0")
    shop.upgrade("2.0")
    shop.write()
    (shop.folder / "data/layout.json").write_text(json.dumps({"layout": 2}))
    (shop.folder / "data/sub/deep").unlink()
    return done["point"], then


def test_a_rollback_to_a_point_of_the_repository_brings_it_and_swaps_it_in(shop):
    before = tree(shop.folder / "data")
    point, then = moved_on(shop)
    refused = shop.belay("rollback", "shop", "--to", point)
    assert refused.returncode == USAGE and "--yes" in refused.stderr, told(refused)
    assert point not in points(shop, "local")
    ended = shop.belay("rollback", "shop", "--to", point, "--level", "full", "--yes")
    assert ended.returncode == DONE, told(ended)
    assert "brought" in ended.stdout, told(ended)
    assert shop.version() == "1.0"
    assert shop.live() == then
    assert shop.kept() >= shop.acknowledged - then
    assert tree(shop.folder / "data") == before
    assert not left_over(shop)
    # What was swapped out can come back as always.
    abandoned = shop.json("abandoned")[-1]["id"]
    ended = shop.belay("rollback", "shop", "--to", abandoned, "--level", "full", "--yes")
    assert ended.returncode == DONE, told(ended)
    assert shop.live() == shop.acknowledged
    # The copy that was brought has become live data, and went out again: it is brought once more.
    ended = shop.belay("rollback", "shop", "--to", point, "--level", "full", "--yes")
    assert ended.returncode == DONE and "brought" in ended.stdout, told(ended)
    assert shop.live() == then


def test_a_way_back_that_cannot_be_gone_is_refused_before_anything(shop):
    point, _ = moved_on(shop)
    folder = next((shop.folder / ".belay/releases/shop").glob("*1.0*"))
    away = shop.folder / "away"
    folder.rename(away)
    ended = shop.belay("rollback", "shop", "--to", point, "--yes")
    assert ended.returncode == UNCHANGED and "no longer pinned" in ended.stderr, told(ended)
    away.rename(folder)
    assert not left_over(shop) and point not in points(shop, "local")
    for agreed in ((), ("--yes",)):  # a point that is nowhere: nobody is asked to agree first
        ended = shop.belay("rollback", "shop", "--to", "p-20000101T000000.000Z-0000", *agreed)
        assert ended.returncode == UNCHANGED and "--yes" not in ended.stderr, told(ended)
    # Killed while it is brought: it is not here, and the next attempt begins afresh.
    seen = set()
    for number in (4, 12, 20):
        assert killed(shop, f"{number}:after", "rollback", "shop", "--to", point, "--yes"), number
        assert point not in points(shop, "local"), number
        seen |= left_over(shop)
    assert seen == {point}
    assert shop.version() == "2.0"
    ended = shop.belay("rollback", "shop", "--to", point, "--yes")
    assert ended.returncode == DONE, told(ended)
    assert shop.version() == "1.0"
