"""The version is the same wherever it stands."""

from __future__ import annotations

import tomllib
from pathlib import Path

import countcheck
from countcheck.version import __version__


def test_the_project_file_and_the_package_agree():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert countcheck.__version__ == __version__ == project["project"]["version"]
