"""What ``doctor`` says is installed is what the package's own metadata wants."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError

from countcheck.cli.commands import doctor
from countcheck.cli.main import execute
from countcheck.generators.availability import HUB, Finding, Standing
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


def test_models_that_end_are_named(monkeypatch):
    monkeypatch.setenv("COUNTCHECK_TODAY", "2026-11-28")
    says = {row["card"]: row["says"] for row in doctor._ending()}
    assert says["gpt-image-1-mini"] == "ends 2026-12-01, in 3 days; use gpt-image-2.6-flare"
    assert says["imagen-4"] == "ended 2026-08-17; use gemini-nano-banana-2.1"


def test_online_compares_the_cards_with_services_and_the_hub(monkeypatch, capsys):
    findings = [
        Finding(card="a", asked="openai", standing=Standing.DIFFERS, says="the service does not list it"),
        Finding(card="b", asked=HUB, standing=Standing.AGREES),
        Finding(card="c", asked="google", standing=Standing.UNASKED, says="no key"),
        Finding(card="d", asked="google", standing=Standing.UNASKED, says="no key"),
    ]
    monkeypatch.setattr("countcheck.generators.availability.check_availability", lambda cards, day: findings)
    monkeypatch.setattr(doctor, "_models", list)
    assert execute(["doctor", "--online"]) == 0
    out = capsys.readouterr().out
    assert "! a: the service does not list it" in out
    assert "google: 2 cards not compared: no key" in out
    assert "1 cards agree" not in out and "1 card agrees with what services and the hub say" in out
    assert execute(["doctor", "--online", "--json"]) == 0
    assert [row["standing"] for row in json.loads(capsys.readouterr().out)["online"]] == [
        "differs",
        "agrees",
        "unasked",
        "unasked",
    ]


def test_online_asks_nothing_about_a_run(capsys, tmp_path):
    assert execute(["doctor", str(tmp_path), "--online"]) == 2
    assert "--online asks about models" in capsys.readouterr().err
