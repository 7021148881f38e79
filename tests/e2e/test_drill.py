"""`belay drill`: a restore point comes back beside the data, is proved, and goes again."""
import json

from project import DONE, NEEDS_OPERATOR, UNCHANGED, USAGE, told
from test_stack_repository import (NO_REPOSITORY, backup, killed, left_over, points, secret, shop,  # noqa: F401
                                   tree, with_second)


def drill(project, *arguments, status=DONE):
    ended = project.belay("--json", "drill", *arguments)
    assert ended.returncode == status, told(ended)
    return json.loads(ended.stdout.splitlines()[-1])


def last_drill(project):
    path = project.folder / ".belay/schedule/last-drill.json"
    return json.loads(path.read_text()) if path.exists() else None


def test_a_restore_point_comes_back_and_nothing_is_changed(shop):  # noqa: F811
    first, second = backup(shop), backup(shop)
    before, running = tree(shop.folder / "data"), shop.processes()
    done = drill(shop)
    assert done["point"] == second["point"] and done["whole"]
    stores = {each["store"]: each for each in done["stores"]}
    assert stores["data"]["bytes"] > 3_000_000 and stores["data"]["files"] > 4
    assert len(stores) == 2 and all(each["bytes"] > 0 for each in stores.values())
    assert last_drill(shop)["point"] == second["point"]
    ended = shop.belay("drill", "shop", "--point", first["point"])
    assert ended.returncode == DONE, told(ended)
    assert "store 'data' came back: " in ended.stdout and "nothing was changed" in ended.stdout
    assert last_drill(shop)["point"] == first["point"]
    assert tree(shop.folder / "data") == before and shop.processes() == running
    assert not left_over(shop)


def test_what_does_not_come_back_is_said_and_leaves_nothing(shop):  # noqa: F811
    backup(shop)
    largest = max((shop.folder / "backup/data").rglob("*"), key=lambda path: path.is_file() and path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.chmod(0o600)
    largest.write_bytes(content)
    ended = shop.belay("drill")
    assert ended.returncode == NEEDS_OPERATOR and "store 'data'" in ended.stderr, told(ended)
    assert not left_over(shop) and last_drill(shop) is None


def test_a_drill_that_dies_is_tidied_by_the_next(shop):  # noqa: F811
    backup(shop)
    log = shop.folder / "effects"
    ended = shop.belay("drill", env={"BELAY_EFFECTS_LOG": str(log)})
    assert ended.returncode == DONE, told(ended)
    count, before = len(log.read_bytes().splitlines()), tree(shop.folder / "data")
    seen = set()
    for number in range(2, count, max(1, count // 6)):
        killed(shop, f"{number}:after", "drill")
        seen |= left_over(shop)
        assert tree(shop.folder / "data") == before
    assert seen, "nobody was killed with copies made"
    drill(shop)
    assert not left_over(shop)


def test_the_second_place_is_tried_too(shop):  # noqa: F811
    with_second(shop)
    assert shop.belay("repo", "init", "--copy").returncode == DONE
    done = backup(shop)
    (shop.folder / "backup").rename(shop.folder / "lost")
    ended = shop.belay("drill")
    assert ended.returncode == NO_REPOSITORY, told(ended)
    assert drill(shop, "--copy")["point"] == done["point"]
    assert last_drill(shop)["location"].endswith("/second")


def test_what_cannot_be_tried_is_refused_with_a_reason(shop):  # noqa: F811
    ended = shop.belay("drill")
    assert ended.returncode == UNCHANGED and "no restore point of 'shop'" in ended.stderr, told(ended)
    backup(shop)
    assert shop.belay("drill", "--point", "latest").returncode == USAGE
    assert shop.belay("drill", "--point", "p-20200101T000000Z-00000000").returncode == UNCHANGED
    ended = shop.belay("drill", "other")
    assert ended.returncode == USAGE and "is of stack 'shop'" in ended.stderr, told(ended)
    shop.write_yaml(extra="")
    ended = shop.belay("drill")
    assert ended.returncode == USAGE and "names no repository" in ended.stderr, told(ended)
