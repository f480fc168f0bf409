"""The folders that ship."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from countcheck import resources


@pytest.mark.parametrize(("folder", "file"), [("prompts", "demo.yaml"), ("models", "generators/a1111.yaml")])
def test_what_ships_is_found(folder, file):
    assert (resources.shipped(folder) / file).is_file()


def test_an_installed_wheel_has_its_own_folder(tmp_path, monkeypatch):
    package = tmp_path / "countcheck"
    (package / "_shipped" / "prompts").mkdir(parents=True)
    monkeypatch.setattr(resources, "__file__", str(package / "resources.py"))
    assert resources.shipped("prompts") == package / "_shipped" / "prompts"
    assert resources.shipped("models") == tmp_path / "models"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pigs/three.png", "pigs/three.png"),
        ("schön/猪.png", "schön/猪.png"),
        (os.fsdecode(b"caf\xe9.png"), "caf\\xe9.png"),
        ("half \ud83d", "half \\ud83d"),
    ],
)
def test_a_path_is_printed_whatever_its_bytes(name, text):
    assert resources.printable_path(name) == resources.printable_path(Path(name)) == text
    assert text.encode()
