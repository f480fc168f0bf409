"""What ``doctor`` says is installed is what the package's own metadata wants."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError

from countcheck.cli.commands import doctor
from countcheck.registry import load_generator_class, provider_families


def rows():
    return {row["extra"]: row for row in doctor._extras()}


def test_an_extra_is_installed_when_every_package_of_it_is(monkeypatch):
    def version(package):
        if package == "starlette":
            raise PackageNotFoundError(package)
        return "1.0"

    monkeypatch.setattr("importlib.metadata.version", version)
    found = rows()
    assert not found["review"]["installed"]
    assert found["review"]["install"] == "pip install 'countcheck[review]'"
    assert found["openai"]["installed"] and found["openai"]["install"] == ""


def test_every_extra_of_a_provider_is_listed_with_its_service():
    found = rows()
    for family in provider_families():
        provider = load_generator_class(family)
        if provider.extra:
            assert provider.service in found[provider.extra]["for"]
