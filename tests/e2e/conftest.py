"""End-to-end tests: the real binary, real processes, real files.

Run by ./dev test [FILTER]; by hand: BELAY_BIN=... /usr/bin/python3 -m pytest tests/e2e [-k WORD].
--every-effect kills belay at every effect instead of at a sample. The tests need no
fixed port, and the network only once, for npm to install what test_schema.py asks; each has a
project folder of its own, and ends whatever it started.
"""
import pathlib
import subprocess

import pytest

from project import BELAY, Project


def pytest_addoption(parser):
    parser.addoption("--every-effect", action="store_true",
                     help="kill belay at every effect of an operation, not at a sample")


def pytest_sessionstart(session):
    if not pathlib.Path(BELAY).exists():
        raise pytest.UsageError(f"there is no belay at '{BELAY}': build it, or set BELAY_BIN")


@pytest.fixture
def make_project(tmp_path):
    """Makes projects; ends all that was started for them after the test."""
    made = []

    def make(name="project", folder=None, **options):
        made.append(Project((folder or tmp_path) / name, **options))
        return made[-1]

    yield make
    for project in made:
        project.end()


@pytest.fixture
def project(make_project):
    """A project that runs release 1.0, with some acknowledged writes."""
    made = make_project()
    made.release("1.0")
    made.upgrade("1.0")
    made.write()
    return made


@pytest.fixture
def small_disk(tmp_path):
    """A function that mounts a tmpfs of so many MiB and returns its folder. Needs root."""
    mounted = []

    def mount(mebibytes):
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0755", "tmpfs",
                        folder], check=True)
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=True)
