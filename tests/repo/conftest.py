"""Fixtures: a place with an empty folder for a repository, for each restic that there is."""
import pathlib

import pytest

from place import RESTICS, Place


@pytest.fixture(params=RESTICS, ids=lambda path: pathlib.Path(path).name)
def place(request, tmp_path):
    return Place(tmp_path, request.param)


@pytest.fixture
def lone(tmp_path):
    """Where it does not matter which restic there is."""
    return Place(tmp_path, RESTICS[0])
