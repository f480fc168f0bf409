"""What a run was made with: the facts written before the first sample, and the refusal to go on with others."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from countcheck import __version__
from countcheck.cards import Card
from countcheck.counting.counter import Counter
from countcheck.errors import RunMismatch
from countcheck.generators.base import Generator
from countcheck.storage.records import as_stored
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.serialize import suite_to_json
from countcheck.suites.suite import Suite


def begin(
    path: Path, settings: Mapping[str, Any], suite: Suite, generators: Mapping[str, Mapping[str, Any]], counter: Counter
) -> RunFolder:
    """The run in that folder: a new one, or the one that was begun there with the very same settings.

    Raises:
        RunMismatch: When it was begun with another suite, counter or setting, naming the first that differs.
    """
    settings = {**settings, "suite": suite.name, "suite_digest": suite.digest}
    if not RunFolder.exists(path):
        facts = {
            **settings,
            "generators": generators,
            "suite_body": suite_to_json(suite),
            "versions": _versions(),
            "name": path.resolve().name,
            "device": _device(),
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        return RunFolder.create(path, facts)
    run = RunFolder.open(path)
    try:
        _refuse_changes(run, settings, generators, describe(counter))
        run.set_facts({"generators": {**run.facts["generators"], **generators}})
    except BaseException:
        run.close()
        raise
    return run


def describe(counter: Counter) -> dict[str, Any]:
    """A counter as the ledger keeps it: its name, what identifies its detector, its rule, its vocabulary."""
    vocabulary = counter.vocabulary
    return {
        "name": counter.name,
        "detector": {
            "family": counter.card.family,
            "source": counter.card.source,
            "revision": counter.card.revision,
            "settings": dict(counter.card.settings),
        },
        "rule": asdict(counter.rule),
        "licence": counter.card.licence,
        "measured": dict(counter.card.measured),
        "vocabulary": None if vocabulary is None else sorted(vocabulary),
    }


def describe_generator(card: Card, generator: Generator) -> dict[str, Any]:
    """A generator as the ledger keeps it: its recipe, what it is, its price."""
    recipe = generator.recipe
    return {
        "recipe": {"revision": recipe.revision, "settings": dict(recipe.settings)},
        "family": card.family,
        "source": card.source,
        "licence": card.licence,
        "price": card.price,
        "priced": card.priced,
        "traits": asdict(generator.traits),
    }


_WORDS = {
    "suite_digest": "version of the suite",
    "only": "choice of tags",
    "limit": "limit",
    "repeats": "number of repeats",
}


def _refuse_changes(
    run: RunFolder, settings: Mapping[str, Any], generators: Mapping[str, Mapping[str, Any]], counter: Mapping[str, Any]
) -> None:
    for name, now in settings.items():
        _refuse(run, _WORDS.get(name, name), run.facts.get(name), now)
    begun: Mapping[str, Any] = run.facts["generators"]
    for name in begun.keys() & generators.keys():
        old, new = begun[name]["recipe"], generators[name]["recipe"]
        _refuse(run, f"revision of {name}", old["revision"], new["revision"])
        for setting in sorted({*old["settings"], *new["settings"]}):
            _refuse(run, f"{setting} of {name}", old["settings"].get(setting), new["settings"].get(setting))
    before = run.facts.get("counter")
    if before is not None:
        _refuse(run, "counter", before["name"], counter["name"])
        for part in sorted({*before["detector"], *before["rule"]}):
            old = {**before["detector"], **before["rule"]}.get(part)
            _refuse(run, f"{part} of the counter", old, {**counter["detector"], **counter["rule"]}.get(part))


def _refuse(run: RunFolder, what: str, before: object, now: object) -> None:
    now = as_stored(now)
    if before != now:
        raise RunMismatch(
            f"{run.path} was begun with another {what} ({_brief(before)}, now {_brief(now)}). "
            "Name another folder with -o, or give the command it was begun with."
        )


def _brief(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {"countcheck": __version__}
    for package in ("torch", "diffusers", "transformers", "ultralytics", "numpy", "pillow"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _device() -> str:
    import platform

    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name(0))
    return f"{platform.machine()} CPU"
