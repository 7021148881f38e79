"""A stack whose repositories are on other machines: real sshd, S3 and REST servers, logins from belay.yaml."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from project import BLOCKED, DONE, LOCKED, NEEDS_OPERATOR, UNCHANGED, told, wait_until
from test_stack_repository import backup, left_over, points, rows, secret, tree

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "repo"))
from servers import S3, Rest, Sftp  # noqa: E402

NO_REPOSITORY, WRONG_PASSWORD = 10, 12
OTHERS = re.compile("AWS_|RESTIC_|BELAY_COPY_TO_")


def server(kind, folder):
    if not kind.is_there():
        pytest.skip(f"no {kind.__name__} server can be run here")
    return kind(folder)


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    made = server(S3, tmp_path_factory.mktemp("s3"))
    yield made
    made.stop()


@pytest.fixture
def sftp(tmp_path):
    made = server(Sftp, tmp_path / "sshd")
    yield made
    made.stop()


@pytest.fixture
def rest(tmp_path):
    made = server(Rest, tmp_path / "rest")
    yield made
    made.stop()


@pytest.fixture
def shop(make_project, monkeypatch):
    """A project that runs, with writes and data, and passwords of two repositories."""
    for name in filter(OTHERS.match, list(os.environ)):
        monkeypatch.delenv(name)
    made = make_project()
    made.release("1.0")
    made.upgrade("1.0")
    made.write()
    for name in ("password", "password2"):
        secret(made.folder / name, f"the {name}")
    (made.folder / "data/big").write_bytes(os.urandom(2_000_000))
    return made


def configure(shop, first, second=None):
    """First and second: the lines of a place besides its password."""
    def lines(place, password, indent):
        return "".join(f"{' ' * indent}{line}\n" for line in (*place, f"password: file:{shop.folder}/{password}"))
    shop.write_yaml(extra="repository:\n" + lines(first, "password", 2) +
                    ("  copy_to:\n" + lines(second, "password2", 4) if second else ""))


def done(shop, *arguments, **more):
    ended = shop.belay(*arguments, **more)
    assert ended.returncode == DONE, told(ended)
    return ended


def by_sftp(shop, sftp):
    folder = shop.folder.parent / "far"
    return (f"path: {sftp.location(folder)}", f"options: {{ sftp.args: '{sftp.arguments()}' }}")


def by_s3(shop, s3, path):
    secret(shop.folder / "s3-secret", s3.ENVIRONMENT["AWS_SECRET_ACCESS_KEY"])
    return (f"path: {s3.location(path)}", "options: { s3.region: us-east-1, s3.bucket-lookup: path }",
            f"env: {{ AWS_ACCESS_KEY_ID: '{s3.ENVIRONMENT['AWS_ACCESS_KEY_ID']}', "
            f"AWS_SECRET_ACCESS_KEY: 'file:{shop.folder}/s3-secret' }}")


def test_a_stack_lives_on_its_copy_while_the_first_place_is_gone(shop, sftp, s3):
    configure(shop, by_sftp(shop, sftp), by_s3(shop, s3, "life"))
    # The login of belay.yaml is all of it: nothing of another one is mixed in.
    mixed = {"AWS_SESSION_TOKEN": "of somebody else", "AWS_PROFILE": "nobody"}
    done(shop, "repo", "init")
    done(shop, "repo", "init", "--copy", env=mixed)
    shop.write()
    then = shop.live()
    data = tree(shop.folder / "data")
    ended = done(shop, "--json", "backup", "shop", env=mixed)
    first = json.loads(ended.stdout.splitlines()[-1])
    assert first["repository"].startswith("sftp:") and first["copy"]["repository"].startswith("s3:")
    assert first["copy"] == {**first["copy"], "is_there": True, "points_copied": 1}
    known = [one for one in shop.json("points", "shop") if one["id"] == first["point"]]
    assert known[0]["places"] == ["repository", "copy"] and known[0]["has_copy"], known
    for place in ((), ("--copy",)):
        done(shop, "verify", first["point"], *place)
        assert "no errors" in done(shop, "repo", "check", "--read-data", *place).stdout
    theirs = subprocess.run(
        ["restic", "-r", sftp.location(shop.folder.parent / "far"), *sftp.restic_words(), "-p",
         shop.folder / "password", "--no-cache", "check"], capture_output=True, text=True, timeout=60)
    assert theirs.returncode == 0 and "no errors" in theirs.stdout, theirs
    shop.release("2.0")
    shop.upgrade("2.0")
    shop.write()
    sftp.stop()
    try:
        listed = shop.belay("--json", "points", "shop")
        assert listed.returncode == DONE, told(listed)
        known = [json.loads(line) for line in listed.stdout.splitlines()]
        assert [one["places"] for one in known if one.get("id") == first["point"]] == [["copy"]]
        assert any(one.get("event") == "out_of_reach" for one in known)
        ended = shop.belay("backup", "shop")
        assert ended.returncode == UNCHANGED and "sftp:" in ended.stderr, told(ended)
        assert not left_over(shop)
        done(shop, "verify", "--copy", first["point"])
        done(shop, "restore", "shop", first["point"], "--copy", "--into", "then")
        assert tree(shop.folder / "then/stores/data") == data
        assert rows(shop.folder / "then/stores/db/shop.db") == then
        ended = done(shop, "rollback", "shop", "--to", first["point"], "--level", "full", "--yes")
        assert "brought" in ended.stdout and "second place" in ended.stderr, told(ended)
        assert shop.version() == "1.0" and shop.live() == then
    finally:
        sftp.start()
    second = backup(shop)
    assert second["copy"]["points_copied"] == 1, second
    for place, name in (((), "repository"), (("--copy",), "copy")):
        done(shop, "forget", "--keep-last", "1", "--prune", *place)
        assert points(shop, name) == [second["point"]]
        assert "no errors" in done(shop, "repo", "check", "--read-data", *place).stdout


def test_what_fails_at_each_place_has_its_status_and_is_made_good(shop, rest, s3):
    configure(shop, (f"path: {rest.location('shop', user='')}",
                     "env: { RESTIC_REST_USERNAME: env:SHOP_USER, RESTIC_REST_PASSWORD: env:SHOP_PASSWORD }"),
              (f"path: {s3.location('status')}",))
    # Those of the copy stand in variables of their own, beside others that are not for it.
    env = {"SHOP_USER": "shop", "SHOP_PASSWORD": "secret/1", "AWS_ACCESS_KEY_ID": "wrong",
           "AWS_SECRET_ACCESS_KEY": "wrong", "AWS_SESSION_TOKEN": "wrong",
           **{f"BELAY_COPY_TO_{name}": value for name, value in s3.ENVIRONMENT.items()}}
    for name, value in env.items():
        os.environ[name] = value
    try:
        ended = shop.belay("backup", "shop")
        assert ended.returncode == NO_REPOSITORY and "belay repo init" in ended.stderr, told(ended)
        done(shop, "repo", "init")
        first = backup(shop, status=NEEDS_OPERATOR)
        assert "repo init --copy" in first["copy"]["message"] or not first["copy"]["is_there"], first
        assert shop.belay("verify", "--copy", first["point"]).returncode == NO_REPOSITORY
        known = shop.belay("points", "shop").stdout
        assert re.search(rf"{first['point']}.* repository\n", known), known
        done(shop, "repo", "init", "--copy")
        known = shop.belay("points", "shop").stdout
        assert re.search(rf"{first['point']}.* repository, no copy\n", known), known
        record = next((shop.folder / ".belay").rglob("last-backup.json"))
        assert not json.loads(record.read_text())["has_copy"]
        ended = done(shop, "repo", "copy")
        assert "copied 1 snapshot," in ended.stdout, told(ended)
        assert json.loads(record.read_text())["has_copy"]
        assert points(shop, "copy") == [first["point"]]
        secret(shop.folder / "password", "wrong")
        assert shop.belay("backup", "shop").returncode == WRONG_PASSWORD
        assert shop.belay("repo", "init").returncode == BLOCKED  # there is one
        secret(shop.folder / "password", "the password")
        reading = subprocess.Popen(
            ["restic", "-r", rest.location("shop"), "-p", shop.folder / "password", "--no-cache", "backup", "--stdin"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            wait_until("restic has its lock", lambda: list((rest.data / "shop/locks").glob("*")))
            ended = shop.belay("forget", "--keep-last", "1", "--prune")
            assert ended.returncode == LOCKED and "restic" not in ended.stdout, told(ended)
            second = backup(shop)  # those that only add go side by side
        finally:
            reading.kill()
            reading.communicate(timeout=20)
        done(shop, "repo", "unlock", "--remove-all")
        # The first place burns down: a new one gets what the second has.
        rest.stop()
        shutil.rmtree(rest.data / "shop")
        rest.start()
        assert shop.belay("backup", "shop").returncode == NO_REPOSITORY
        done(shop, "repo", "init")
        ended = done(shop, "repo", "copy", "--back")
        assert "copied 2 snapshots" in ended.stdout, told(ended)
        assert points(shop, "repository") == points(shop, "copy") == [first["point"], second["point"]]
        done(shop, "verify", first["point"])
        third = backup(shop, "--tag", "pinned")
        assert third["copy"]["points_copied"] == 1, third
        # A place that cannot be reached holds up no other, and what is pinned stays.
        (shop.folder / "belay.yaml").write_text((shop.folder / "belay.yaml").read_text() +
                                                "backup: { every: 1d, keep: { last: 1 } }\n")
        fourth, fifth = backup(shop), backup(shop)
        kept = [third["point"], fourth["point"], fifth["point"]]
        rest.stop()
        ended = shop.belay("forget", "--stack")
        assert ended.returncode == NEEDS_OPERATOR, told(ended)
        assert "let go 2 restore points of 's3:" in ended.stdout, told(ended)
        rest.start()
        assert points(shop, "copy") == kept
        assert points(shop, "repository") == [first["point"], second["point"], *kept]
        done(shop, "forget", "--stack")
        assert points(shop, "repository") == kept
        done(shop, "forget", "--keep-last", "1")
        assert points(shop, "repository") == [third["point"], fifth["point"]]
    finally:
        for name in env:
            os.environ.pop(name, None)


def test_a_login_that_cannot_be_read_is_told_before_anything(shop):
    configure(shop, ("path: s3:http://127.0.0.1:9/shop",
                     f"env: {{ AWS_ACCESS_KEY_ID: a, AWS_SECRET_ACCESS_KEY: 'file:{shop.folder}/none' }}"))
    ended = shop.belay("backup", "shop")
    assert ended.returncode == UNCHANGED and "'AWS_SECRET_ACCESS_KEY' of the repository" in ended.stderr, told(ended)
    configure(shop, ("path: s3:http://127.0.0.1:9/shop", "options: { s3.regoin: x }"))
    ended = shop.belay("backup", "shop")
    assert "Did you mean 's3.region'?" in ended.stderr, told(ended)
    secret(shop.folder / "s3-secret", "very secret")
    configure(shop, ("path: s3:http://127.0.0.1:9/shop",
                     f"env: {{ AWS_ACCESS_KEY_ID: a, AWS_SECRET_ACCESS_KEY: 'file:{shop.folder}/s3-secret' }}"))
    shown = done(shop, "config").stdout
    assert "very secret" not in shown and "s3-secret" in shown, shown
