"""restic's REST protocol, against rclone: what we write restic checks and restores, and the other way round."""
import json
import os
import subprocess
import time

import pytest

import remote
from place import BELAY, Place, RESTICS
from servers import Rest, wait_for

pytestmark = pytest.mark.skipif(not Rest.is_there(), reason="rclone is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Rest(tmp_path_factory.mktemp("rest"))
    yield made
    made.stop()


@pytest.fixture
def place(server, tmp_path):
    made = Place(tmp_path, RESTICS[0])
    made.move_to(server.location(tmp_path.name + "/"))
    remote.make_tree(tmp_path)
    return made


def test_the_backend_conforms(server):
    remote.conforms(server.location("conformance"))


def test_both_programs_read_what_the_other_wrote(place):
    remote.both_programs_read_what_the_other_wrote(place)


def test_a_wrong_path_is_no_repository_and_makes_none(place, server):
    for words in (["snapshots"], ["backup", "--path", "/etc/hostname"], ["prune"]):
        assert "no repository" in place.belay(*words, status=10)
    assert not (server.data / place.folder.name).exists()


def test_a_wrong_user_is_told_what_to_do_and_the_password_is_not_shown(place, server):
    place.belay("repo", "init")
    name = place.folder.name
    place.move_to(server.location(name, "shop:wrongword@"))
    said = place.belay("snapshots", status=1)
    assert "RESTIC_REST_PASSWORD" in said and "wrongword" not in said
    place.move_to(server.location(name, ""))
    place.belay("snapshots", env={"RESTIC_REST_USERNAME": "shop", "RESTIC_REST_PASSWORD": "secret/1"})


def test_the_place_may_stand_in_a_file(place):
    (place.folder / "place").write_text(place.repo + "\n")
    done = subprocess.run([BELAY, "repo", "init", "--json", "--repo-file", place.folder / "place", "-p",
                           place.folder / "password"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "secret" not in done.stdout and json.loads(done.stdout)["repository"].startswith("rest:http://127")
    place.belay("snapshots")


def test_nobody_there_is_said_soon(place, server):
    place.move_to(place.repo.replace(str(server.port), "1"))
    assert "attempts" in place.belay("snapshots", status=1)


def test_options_that_would_do_nothing_are_refused(place):
    place.belay("snapshots", "-o", "rest.ca", "x", status=2)
    assert "rest.ca-file" in place.belay("snapshots", "-o", "rest.cafile=x", status=2)
    place.belay("snapshots", "--limit-upload", "fast", status=2)


def test_limits_hold(place):
    place.belay("repo", "init")
    (place.folder / "tree/noise").write_bytes(os.urandom(3_000_000))
    begin = time.monotonic()
    place.belay("backup", "--path", place.folder / "tree", "--limit-upload", "2MiB", "--connections", "1")
    assert time.monotonic() - begin > 1


def test_a_backup_outlives_a_server_that_is_started_again(tmp_path):
    server = Rest(tmp_path / "own")
    try:
        place = Place(tmp_path, RESTICS[0])
        place.move_to(server.location("shop"))
        place.belay("repo", "init")
        (tmp_path / "tree").mkdir()
        for number in range(4):
            (tmp_path / f"tree/{number}").write_bytes(os.urandom(20_000_000))
        packs = server.data / "shop/data"
        process = place.start("backup", "--path", tmp_path / "tree")
        wait_for(lambda: any(path.is_file() for path in packs.rglob("*")) or process.poll() is not None, "a pack")
        server.stop()
        server.start()
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        place.restic("check", "--read-data")
    finally:
        server.stop()
