"""Runtime `compose`, with the real docker-compose."""
import pytest
from project import DONE, ROLLED_BACK, told, wait_until
from shop import ComposeShop


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
