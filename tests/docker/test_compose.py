"""Runtime `compose`, with the real docker-compose."""
import contextlib
import os
import re

import pytest
from project import BLOCKED, DONE, ROLLED_BACK, UNCHANGED, told, wait_until
from shop import ComposeShop

TOP = "compose: { files: [docker-compose.yml], project: store }\n"


@pytest.fixture
def make_store(engine, tmp_path):
    def make(**yaml):
        return ComposeShop(engine, tmp_path / "store", **yaml)

    return make


@pytest.fixture
def store(make_store):
    """One that compose has brought up, and belay has taken over."""
    made = make_store()
    made.up()
    made.upgrade("1")
    made.write()
    return made


def said(ended):
    return ended.stdout + ended.stderr


def files_of(store):
    return {path.name: path.read_text() for path in store.folder.iterdir() if path.is_file()
            and path.name != "expected"}


def policy(store):
    return store.live()["HostConfig"]["RestartPolicy"]["Name"]


def test_upgrade_and_rollback(store):
    before, helper = files_of(store), store.engine.inspect("store_helper_1")["Id"]
    store.upgrade("2")
    assert store.version() == "2" and store.health()["greeting"] == "hello 5$"
    assert policy(store) == "unless-stopped"
    live = store.live()["Config"]["Labels"]
    assert live["com.docker.compose.project"] == "store" and live["belay.service"] == "web"
    assert store.engine.names() == ["store_helper_1", "store_web_1"]
    # What the owner says afterwards does not matter for the way back.
    (store.folder / ".env").write_text("TAG=9\nGREETING=later\n")
    store.engine.docker("rmi", "shop/web:1")
    ended = store.belay("rollback", "shop", "--yes")
    assert ended.returncode == DONE, told(ended)
    assert store.version() == "1" and store.health()["greeting"] == "hello 5$"
    assert policy(store) == "unless-stopped"
    store.engine.image("shop/web:1", "1")
    assert files_of(store) == before
    assert store.engine.inspect("store_helper_1")["Id"] == helper


def test_a_way_back_brings_the_volume(store):
    ended = store.upgrade("damages", status=ROLLED_BACK)
    assert "smoke test 'writes' is bad" in ended.stdout
    assert store.version() == "1" and policy(store) == "unless-stopped"
    assert len((store.data / "writes").read_text().split()) == store.count


def test_a_change_of_the_files_alone_is_an_upgrade(store):
    ended = store.upgrade("1", status=UNCHANGED)
    assert "nothing would change" in said(ended)
    (store.folder / ".env").write_text("TAG=1\nGREETING=moin\n")
    store.upgrade("1")
    assert store.health()["greeting"] == "moin 5$"


def test_the_first_upgrade_fails_and_what_ran_before_runs_again(make_store):
    store = make_store(within="2s")
    store.up()
    before = store.live()
    store.upgrade("sick", status=ROLLED_BACK)
    wait_until("it answers", store.answers)
    after = store.live()
    assert store.version() == "1" and policy(store) == "unless-stopped"
    assert store.engine.names() == ["store_helper_1", "store_web_1"]
    label = "com.docker.compose.config-hash"
    assert after["Config"]["Labels"][label] == before["Config"]["Labels"][label]
    store.up()  # compose finds its own again, and has nothing to do
    assert store.live()["Id"] == after["Id"]


def test_several_files_profiles_and_an_env_file(make_store):
    store = make_store(top="compose: { files: [docker-compose.yml, more.yml], project: store, "
                           "profiles: [blue], env_file: prod.env }\n")
    (store.folder / ".env").unlink()
    (store.folder / "prod.env").write_text("TAG=1\n")
    store.write_compose(web="    profiles: [blue]\n")
    (store.folder / "more.yml").write_text('version: "3.7"\nservices: { web: { environment: '
                                           '{ GREETING: "from more" } } }\n')
    options = ["--env-file", "prod.env", "--profile", "blue", "-f", "docker-compose.yml", "-f", "more.yml"]
    store.compose(*options, "up", "-d")
    store.upgrade("2")
    assert store.version() == "2" and store.health()["greeting"] == "from more"


def test_a_watchdog_in_a_container_is_held_and_given_back(store):
    store.engine.docker("run", "-d", "--name", "guardian", "--restart", "always", "--stop-signal", "KILL",
                        "-v", f"{store.engine.socket}:/run/docker.sock", "shop/web:3")
    store.write_yaml(top=f"{TOP}preflight: {{ hold_containers: [guardian] }}\n")
    found = said(store.belay("check", "shop"))
    assert "container 'guardian' is held during the upgrade" in found and "has the engine's socket" not in found
    began = store.engine.inspect("guardian")["State"]["StartedAt"].rstrip("Z")
    store.upgrade("2")
    guardian, web = (store.engine.inspect(name) for name in ("guardian", "store_web_1"))
    assert guardian["State"]["Running"] and guardian["HostConfig"]["RestartPolicy"]["Name"] == "always"
    ended, again = (guardian["State"][name].rstrip("Z") for name in ("FinishedAt", "StartedAt"))
    assert began < ended < web["State"]["StartedAt"].rstrip("Z") < again
    assert not (store.folder / ".belay/run/held-containers").exists()
    store.write_yaml(top=f"{TOP}preflight: {{ hold_containers: [guardien] }}\n")
    found = said(store.upgrade("3", status=BLOCKED))
    assert "container 'guardien' cannot be held, for there is none of that name" in found, found
    assert store.engine.inspect("guardian")["State"]["StartedAt"].rstrip("Z") == again


def test_a_release_that_does_not_see_its_volumes_goes_back(make_store):
    store = make_store(watch="1s", top=TOP + """\
checks:
  - { name: storage, mounted: { service: web, volumes: ["store_data:/data", "./keys:/keys"] } }
triggers:
  - { name: storage-lost, probe: storage, failing_for: 300ms }
""")
    compose, keys = store.folder / "docker-compose.yml", store.folder / "keys"
    keys.mkdir()
    (keys / "key").write_text("1")
    good = compose.read_text().replace('"data:/data"', '"data:/data", "./keys:/keys"')
    compose.write_text(good)
    store.up()
    store.upgrade("1")
    store.write_yaml(watch="10s")
    compose.write_text(good.replace("data:/data", "data:/date"))
    ended = store.upgrade("2", status=ROLLED_BACK)
    assert "check 'storage' is bad: nothing is mounted at '/data', wanted 'store_data'" in ended.stdout, told(ended)
    assert store.version() == "1" and compose.read_text() == good
    # Another folder takes the place of one during the watch.
    process = store.begin("upgrade", "shop", "--to", "2", "--yes")
    seen = next(line for line in process.stdout if re.search(r"smoke +ok", line))
    keys.rename(store.folder / "keys.old")
    keys.mkdir()
    (keys / "key").write_text("2")
    out = seen + process.communicate(timeout=120)[0]
    assert process.returncode == ROLLED_BACK and "trigger 'storage-lost' fired" in out, out
    assert "what is seen at '/keys' is not what" in out and store.version() == "1", out


def test_what_speaks_against_it_is_found(store):
    store.write_compose(web="    build: .\n", more="  extra:\n    image: shop/web:3\n")
    store.up()
    store.write_compose(web="    build: .\n")
    found = said(store.belay("plan", "shop", "--to", "2"))
    assert "service 'extra' of project 'store' has containers" in found, found
    assert "service 'web' is built here" in found
    store.write_yaml(top="compose: { files: [docker-compose.yml], project: storm }\n")
    found = said(store.belay("plan", "shop", "--to", "2"))
    assert "what runs from this folder is project 'store', belay.yaml says 'storm'" in found, found
    assert "volume 'storm_data' does not exist yet" in found
    assert store.engine.say("volume", "ls", "-q") == "store_data"


def test_two_projects_of_one_name(store, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "docker-compose.yml").write_text('version: "3.7"\nservices: { web2: { image: "shop/web:3" } }\n')
    store.engine.compose(other, "-p", "store", "up", "-d")
    assert f"project 'store' is also run from '{other}'" in said(store.upgrade("2", status=BLOCKED))


def test_files_that_are_not_valid(store):
    good = files_of(store)["docker-compose.yml"]
    (store.folder / "docker-compose.yml").write_text(good + "  bad\n")
    found = said(store.upgrade("2", status=BLOCKED))
    assert "compose says:" in found and re.search(r"docker-compose.yml\", line \d+", found), found
    (store.folder / "docker-compose.yml").write_text(good)
    (store.folder / ".env").write_text("")
    assert "say which" in said(store.upgrade("2", status=BLOCKED))
    (store.folder / ".env").write_text("TAG=1\n")
    store.write_yaml(kind="compose: webb")
    assert "Was it renamed to 'web'?" in said(store.upgrade("2", status=BLOCKED))


def test_kill_9_around_what_compose_does(store):
    log = store.folder / "effects"
    store.upgrade("2", env={"BELAY_EFFECTS_LOG": str(log)})
    effects = log.read_text().splitlines()
    up = [number for number, line in enumerate(effects, 1) if " run " in line or " http." in line
          or "container.json" in line]
    for at in up[-9::4]:
        back = store.belay("rollback", "shop", "--yes")
        assert back.returncode == DONE and store.version() == "1", told(back)
        process = store.begin("upgrade", "shop", "--to", "2", "--yes", env={"BELAY_PAUSE_AT": f"{at}:before"})
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process.pid, os.WUNTRACED)
        process.kill()
        process.communicate()
        ended = store.belay("resume")
        assert ended.returncode in (DONE, ROLLED_BACK), told(ended)
        wait_until("it answers", store.answers)
        assert store.version() == ("2" if ended.returncode == DONE else "1")
        assert policy(store) == "unless-stopped"
        assert store.engine.names() == ["store_helper_1", "store_web_1"]
        assert len((store.data / "writes").read_text().split()) == store.count
        if store.version() == "1":
            store.upgrade("2")
