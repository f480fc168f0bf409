"""The folders that ship."""

from __future__ import annotations

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
