"""Tests of the runtimes and stores that a container engine has, against a real one: see engine.py.

Run by ./dev test; by hand: BELAY_BIN=... /usr/bin/python3 -m pytest tests/docker. They are skipped,
with the reason, where no engine can be started.
"""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from engine import Engine, why_not  # noqa: E402
from shop import Shop  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--every-effect", action="store_true",
                     help="kill belay at every effect of an operation, not at a sample; and run the tests "
                          "that are marked as thorough")


def pytest_configure(config):
    config.addinivalue_line("markers", "thorough: run with --every-effect alone, for its like is always run")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("every_effect"):
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]


@pytest.fixture(scope="session")
def running_engine(tmp_path_factory):
    if reason := why_not():
        pytest.skip(f"no container engine can be started here: {reason}")
    made = Engine(tmp_path_factory.mktemp("engine"))
    try:
        made.start()
        for version in ("1", "2", "3"):
            made.image(f"shop/web:{version}", version)
        for mode in ("sick", "exits", "damages"):
            made.image(f"shop/web:{mode}", mode, mode)
        yield made
    finally:
        made.end()


@pytest.fixture
def engine(running_engine):
    yield running_engine
    running_engine.clear()


@pytest.fixture
def make_shop(engine, tmp_path):
    """Makes shops; nothing runs yet."""
    made = []

    def make(name="web", **yaml):
        made.append(Shop(engine, tmp_path / f"shop{len(made)}", name, **yaml))
        return made[-1]

    return make


@pytest.fixture
def shop(make_shop):
    """One that runs release 1, with some acknowledged writes, and was upgraded to it by belay."""
    made = make_shop()
    made.run("--restart", "unless-stopped", "-e", "GREETING=hello")
    made.upgrade("1")
    made.write()
    return made
