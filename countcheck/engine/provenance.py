"""What a run was made with: the facts written before the first sample, and the refusal to go on with others."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict

from countcheck import __version__
from countcheck.cards import Card
from countcheck.counting.counter import Counter
from countcheck.engine.config import RunConfig
from countcheck.errors import RunMismatch
from countcheck.generators.base import Generator
from countcheck.storage.records import as_stored
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import CounterInfo, DetectorInfo, GeneratorInfo, RunInfo
from countcheck.suites.serialize import suite_to_json
from countcheck.suites.suite import Suite


def begin(order: RunConfig, suite: Suite, generators: Mapping[str, GeneratorInfo], counter: Counter) -> RunFolder:
    """The run in that folder: a new one, or the one that was begun there with the very same settings.

    Raises:
        RunMismatch: When it was begun with another suite, counter or setting, naming the first that differs.
    """
    info = RunInfo(
        name=order.path.resolve().name,
        suite=suite.name,
        suite_digest=suite.digest,
        suite_body=suite_to_json(suite),
        generators=generators,
        repeats=order.repeats,
        limit=order.limit,
        only=dict(order.only or {}),
        versions=_versions(),
        device=_device(),
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )
    if not RunFolder.exists(order.path):
        return RunFolder.create(order.path, info)
    run = RunFolder.open(order.path)
    try:
        _refuse_changes(run, info, describe(counter))
        run.record_generators(generators)
    except BaseException:
        run.close()
        raise
    return run


def describe(counter: Counter) -> CounterInfo:
    """Describe a counter for the record: its name, what identifies its detector, its rule, its vocabulary."""
    vocabulary = counter.vocabulary
    return CounterInfo(
        name=counter.name,
        detector=DetectorInfo(
            family=counter.card.family,
            source=counter.card.source,
            revision=counter.card.revision,
            settings=dict(counter.card.settings),
        ),
        rule=asdict(counter.rule),
        licence=counter.card.licence,
        measured=dict(counter.card.measured),
        vocabulary=None if vocabulary is None else tuple(sorted(vocabulary)),
    )


def describe_generator(card: Card, generator: Generator, skipped_conversations: int = 0) -> GeneratorInfo:
    """Describe a generator for the record: its recipe, what it is, its price."""
    recipe = generator.recipe
    return GeneratorInfo(
        revision=recipe.revision,
        settings=dict(recipe.settings),
        family=card.family,
        source=card.source,
        licence=card.licence,
        price=card.price,
        priced=card.priced,
        traits=asdict(generator.traits),
        skipped_conversations=skipped_conversations,
    )


def _refuse_changes(run: RunFolder, now: RunInfo, counter: CounterInfo) -> None:
    begun = run.info
    _refuse(run, "number of repeats", begun.repeats, now.repeats)
    _refuse(run, "limit", begun.limit, now.limit)
    _refuse(run, "choice of tags", begun.only, now.only)
    _refuse(run, "suite", begun.suite, now.suite)
    _refuse(run, "version of the suite", begun.suite_digest, now.suite_digest)
    for name in begun.generators.keys() & now.generators.keys():
        old, new = begun.generators[name], now.generators[name]
        _refuse(run, f"revision of {name}", old.revision, new.revision)
        for setting in sorted({*old.settings, *new.settings}):
            _refuse(run, f"{setting} of {name}", old.settings.get(setting), new.settings.get(setting))
    before = begun.counter
    if begun.counting:
        _refuse(run, "counter", before.name, counter.name)
        old_parts = {**before.detector.to_json(), **before.rule}
        new_parts = {**counter.detector.to_json(), **counter.rule}
        for part in sorted(old_parts):
            _refuse(run, f"{part} of the counter", old_parts[part], new_parts.get(part))


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
