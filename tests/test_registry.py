"""Names find classes; providers are found by their files alone."""

from __future__ import annotations

import pytest

from countcheck import registry
from countcheck.errors import BadSettings, UnknownName


@pytest.mark.parametrize("family", registry.provider_families())
def test_a_providers_class_carries_its_family_service_extra_and_key(family):
    provider = registry.load_generator_class(family)
    assert provider.family == family
    assert provider.service
    assert not provider.extra or provider.extra in registry.extras()
    assert all(name == name.upper() for name in provider.key)


def test_an_unknown_family_names_near_ones():
    with pytest.raises(UnknownName, match="Did you mean 'openai'"):
        registry.load_generator_class("opneai")


def test_a_class_in_a_file_is_imported_once(tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text("class Mine:\n    pass\n")
    first = registry.load_generator_class(f"{plugin}:Mine")
    assert first is registry.load_generator_class(f"{plugin}:Mine")
    assert first.__name__ == "Mine"


def test_a_file_without_the_class_is_refused_with_its_name(tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text("class Mine:\n    pass\n")
    with pytest.raises(BadSettings, match="no class 'Yours'"):
        registry.load_generator_class(f"{plugin}:Yours")


def test_extras_name_their_packages():
    assert {"starlette", "uvicorn"} <= set(registry.extras()["review"])
