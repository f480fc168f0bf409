from __future__ import annotations

import shutil

import pytest
from made_up import a_run, a_suite

from countcheck.storage.run_folder import RunFolder


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    path = tmp_path_factory.mktemp("review") / "run"
    a_run(path, suite=a_suite(15, 0), generators=(("alpha", 0.7, 0.0),), size=48).close()
    return path


@pytest.fixture
def run(tmp_path, made_once):
    with RunFolder.open(shutil.copytree(made_once, tmp_path / "run")) as run:
        yield run
