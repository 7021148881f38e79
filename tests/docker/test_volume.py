"""Store `volume`: what a named volume, or the folder of a bind mount, goes through."""
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import pytest
from project import BELAY, BLOCKED, DONE, ROLLED_BACK, told

NAMED = {"store": "{ volume: shop-data, layout: [layout.json] }"}


@pytest.fixture
def named(make_shop):
    """A shop with its data in the volume `shop-data`; some files of it are of others."""
    made = make_shop(**NAMED)
    made.engine.docker("volume", "create", "shop-data")
    folder = pathlib.Path(made.engine.inspect_volume("shop-data")["Mountpoint"])
    for path in made.data.iterdir():
        (folder / path.name).write_text(path.read_text())
    made.data = folder
    made.write_yaml(data=folder)
    os.chown(folder, 70, 70)
    folder.chmod(0o750)
    os.chown(folder / "layout.json", 70, 71)
    (folder / "layout.json").chmod(0o604)
    made.run("--restart", "always", data="shop-data")
    made.upgrade("1")
    made.write()
    return made


def owners(folder):
    return {path.name: (path.stat().st_uid, path.stat().st_gid, oct(path.stat().st_mode))
            for path in (folder, *folder.iterdir())}


def test_a_way_back_brings_a_volume_back_exactly(named):
    before = owners(named.data)
    content = (named.data / "writes").read_text()
    named.upgrade("damages", status=ROLLED_BACK)
    assert (named.data / "writes").read_text() == content
    assert owners(named.data) == before
    assert named.version() == "1"
    named.write()  # the container sees what was brought back
    assert named.engine.say("exec", "web", "cat", "/data/writes").split()[-1] == f"w-{named.count}"
    assert named.engine.inspect_volume("shop-data")["Name"] == "shop-data"


def test_a_bind_mount_by_its_path(make_shop):
    shop = make_shop(store="{ volume: ./data, layout: [layout.json] }")
    shop.run()
    shop.upgrade("1")
    shop.write()
    shop.upgrade("damages", status=ROLLED_BACK)
    assert len((shop.data / "writes").read_text().split()) == shop.count


def test_a_name_that_does_not_exist_is_an_error_and_is_not_made(make_shop):
    shop = make_shop(**NAMED)
    shop.run()
    ended = shop.upgrade("1", status=BLOCKED)
    assert "there is no volume 'shop-data'" in ended.stderr
    assert shop.engine.say("volume", "ls", "-q") == ""


def test_somebody_else_who_writes_is_found_before_anything_stops(named):
    named.engine.docker("run", "-d", "--name", "indexer", "-v", "shop-data:/data", "shop/web:3")
    started = named.live()["State"]["StartedAt"]
    ended = named.upgrade("2", status=BLOCKED)
    assert "container 'indexer' writes to it and is no service of this stack" in ended.stderr
    assert named.live()["State"]["StartedAt"] == started
    named.engine.docker("rm", "-f", "indexer")
    named.engine.docker("run", "-d", "--name", "reader", "-v", "shop-data:/data:ro", "shop/web:3")
    named.upgrade("2")  # who reads does not matter forwards


def test_one_that_begins_to_write_in_the_middle_stops_it(named):
    hook = 'hooks: { pre_quiesce: [ { run: ["/usr/bin/docker", "-H", "unix://%s", run, -d, --name, late, ' \
           '-v, "shop-data:/data", "shop/web:3"] } ] }\n' % named.engine.socket
    named.write_yaml(extra=hook)
    ended = named.upgrade("2", status=ROLLED_BACK)
    assert "container 'late' runs and mounts volume 'shop-data'" in ended.stdout
    assert named.version() == "1"


def test_volumes_that_are_elsewhere_are_refused(make_shop):
    shop = make_shop(**NAMED)
    shop.engine.docker("volume", "create", "-o", "type=nfs", "-o", "o=addr=127.0.0.1", "-o", "device=:/x",
                       "shop-data")
    shop.run()
    ended = shop.upgrade("1", status=BLOCKED)
    assert "is not kept on this machine" in ended.stderr


def test_who_is_not_root_is_told(named):
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(dir="/tmp") as path:
        place = pathlib.Path(path)  # that of a test is for root alone
        shutil.copy(BELAY, place / "belay")
        shutil.copy(named.folder / "belay.yaml", place / "belay.yaml")
        for each in (place, *place.iterdir()):
            os.chown(each, nobody.pw_uid, nobody.pw_gid)

        def said():
            ended = subprocess.run([place / "belay", "plan", "shop", "--to", "2"], cwd=place, user="nobody",
                                   group="nogroup", extra_groups=[], capture_output=True, text=True,
                                   check=False)
            return ended.stdout + ended.stderr

        try:
            assert "belay may not talk to the container engine" in said()
            os.chown(named.engine.socket, 0, nobody.pw_gid)
            named.engine.socket.chmod(0o660)
            named.engine.run.chmod(0o711)
            assert "belay cannot reach volume 'shop-data'" in said()
        finally:
            named.engine.run.chmod(0o700)


def test_a_prune_of_volumes_takes_nothing_that_is_used(named):
    named.upgrade("2")
    named.engine.docker("stop", "web")
    named.engine.docker("volume", "prune", "-f")
    named.engine.docker("start", "web")
    ended = named.belay("rollback", "shop", "--yes", "--level", "full")
    assert ended.returncode == DONE, told(ended)
    assert named.version() == "1"
    assert len((named.data / "writes").read_text().split()) == named.count
