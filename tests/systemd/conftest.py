"""Tests of runtime `systemd` against a real systemd, booted in namespaces: see machine.py.

Run by ./dev test; by hand: BELAY_BIN=... /usr/bin/python3 -m pytest tests/systemd. They are skipped,
with the reason, where the machine does not let us.
"""
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from machine import Machine, why_not  # noqa: E402
from project import BELAY  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--every-effect", action="store_true",
                     help="kill belay at every effect of an operation, not at a sample")


@pytest.fixture(scope="session")
def machine(tmp_path_factory):
    if reason := why_not():
        pytest.skip(f"no systemd can be booted here: {reason}")
    made = None
    try:
        made = Machine(tmp_path_factory.mktemp("machine"))
        shutil.copy(BELAY, made.root / "srv/belay")
        yield made
    finally:
        if made:
            made.cut_off()
