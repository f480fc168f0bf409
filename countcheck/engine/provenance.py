"""Record what a run was made with before its first sample, and refuse to go on with anything else."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath

from countcheck.counting.counter import Counter
from countcheck.engine.config import RunConfig
from countcheck.engine.content import generator_content
from countcheck.engine.context import GeneratorPlan
from countcheck.engine.model_remarks import rewriting_of_card
from countcheck.errors import BadInput, RunMismatch
from countcheck.generators.price import price_of
from countcheck.images.encode import PNG
from countcheck.resources import printable_path
from countcheck.storage.picture_files import open_files
from countcheck.storage.picture_store import IMAGE_FORMAT, PICTURES_URL, PictureWriter
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import CounterInfo, DetectorInfo, GeneratorInfo, RunInfo
from countcheck.storage.stored_json import as_stored
from countcheck.storage.truncated import JUDGE, TRUNCATED
from countcheck.suites.serialize import suite_to_json
from countcheck.version import __version__


def open_or_create(config: RunConfig, plans: Sequence[GeneratorPlan], counter: Counter) -> RunFolder:
    """Create a run folder with a record of its settings, or open the one that was begun with the same settings.

    Args:
        config: What to make.
        plans: The generators.
        counter: Counts.

    Raises:
        RunMismatch: When the folder was begun with another suite, counter or setting; names the first that differs.
        BadInput: When something else stands there, its ledger cannot be read, or the URL of its pictures is another run's.
        BadSettings: For a URL that no driver is installed for.
        UnknownName: For an image format that there is not.
        DiskFull: When there is no room.
    """
    suite = config.selected_suite()
    info = RunInfo(
        name=printable_path(config.path.resolve().name),
        suite=suite.name,
        suite_digest=suite.digest,
        suite_body=suite_to_json(suite),
        generators={plan.card.name: describe_generator(plan) for plan in plans},
        repeats=config.repeats,
        limit=config.limit,
        only=dict(config.only or {}),
        versions=_versions(),
        device=_device(),
        extra=_choices(config),
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )
    if not RunFolder.exists(config.path):
        PictureWriter(config.pictures_url or config.path, config.image_format)  # before anything is written
        if config.pictures_url:
            _refuse_used_url(config.pictures_url, plans)
        return RunFolder.create(config.path, info)
    folder = RunFolder.open(config.path)
    try:
        folder.show_own_counting()  # a recount beside it, even as the default, is not what the run goes on with
        _refuse_changes(folder, info, describe_counter(counter))
        folder.record_generators(info.generators)
        if folder.info.repeats is not None and config.repeats > folder.info.repeats:
            folder.record_repeats(config.repeats)
        if folder.judges_truncated != (config.truncated == "judge"):
            folder.record_truncated(judge=config.truncated == "judge")
    except BaseException:
        folder.close()
        raise
    return folder


def _choices(config: RunConfig) -> dict[str, str]:
    """Choices that are recorded where they are not the usual ones."""
    choices = {} if config.shard is None else {"shard": str(config.shard)}
    choices |= {} if config.image_format == PNG else {IMAGE_FORMAT: config.image_format}
    choices |= {PICTURES_URL: config.pictures_url} if config.pictures_url else {}
    return choices | ({TRUNCATED: JUDGE} if config.truncated == "judge" else {})


def _refuse_used_url(url: str, plans: Sequence[GeneratorPlan]) -> None:
    """Raise `BadInput` where pictures of a new run's samples lie already: another run would lose them."""
    keys = {sample.key for plan in plans for sample in plan.samples}
    for name in open_files(url).sizes("images"):
        if PurePosixPath(name).stem.partition("-")[0] in keys:
            raise BadInput(
                f"{url} holds a picture of this run's samples already ({name}), and the run is new. "
                "Name another URL, or the folder of the run that it belongs to with -o."
            )


def describe_counter(counter: Counter) -> CounterInfo:
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


def describe_generator(plan: GeneratorPlan) -> GeneratorInfo:
    """Describe a generator for the record: its recipe, what it is loaded from, its price.

    Raises:
        BadInput: If a file that it is loaded from cannot be read.
    """
    card, recipe = plan.card, plan.generator.recipe
    price = price_of(card, recipe.settings)
    return GeneratorInfo(
        revision=recipe.revision,
        settings=dict(recipe.settings),
        content=generator_content(card, plan.generator),
        family=card.family,
        source=printable_path(card.source),
        licence=card.licence,
        price=price.flat,
        priced=price.priced,
        price_formula=price.formula(),
        price_source=price.source,
        traits=asdict(plan.generator.traits),
        skipped_conversations=plan.skipped,
        rewrites=str(rewriting_of_card(card)),
    )


def with_begun_version(counter: Counter, path: Path) -> Counter:
    """Return the counter under the version of the counting rule that a run was begun with; the same for a new run.

    All other parameters of the rule must be equal; `open_or_create` checks that.

    Raises:
        BadInput: When something else stands at ``path``, or its ledger cannot be read.
    """
    if not RunFolder.exists(path):
        return counter
    with RunFolder.open(path) as folder:
        folder.show_own_counting()
        begun = folder.info.counter.rule.get("version") if folder.info.counting else None
    return counter.with_rule(replace(counter.rule, version=begun)) if isinstance(begun, int) else counter


def _refuse_changes(folder: RunFolder, now: RunInfo, counter: CounterInfo) -> None:
    begun = folder.info
    # More repeats add samples, and keep those that are there; with a limit, other samples would come under it.
    if begun.limit is not None or (now.repeats or 0) < (begun.repeats or 0):
        _refuse(folder, "number of repeats", begun.repeats, now.repeats)
    _refuse(folder, "limit", begun.limit, now.limit)
    _refuse(folder, "choice of tags", begun.only, now.only)
    _refuse(folder, "shard", begun.extra.get("shard"), now.extra.get("shard"))
    _refuse(folder, "image format", begun.extra.get(IMAGE_FORMAT, PNG), now.extra.get(IMAGE_FORMAT, PNG))
    _refuse(folder, "place of its pictures", begun.extra.get(PICTURES_URL, ""), now.extra.get(PICTURES_URL, ""))
    _refuse(folder, "suite", begun.suite, now.suite)
    _refuse(folder, "version of the suite", begun.suite_digest, now.suite_digest)
    for name in begun.generators.keys() & now.generators.keys():
        old, new = begun.generators[name], now.generators[name]
        _refuse(folder, f"revision of {name}", old.revision, new.revision)
        for setting in sorted({*old.settings, *new.settings}):
            _refuse(folder, f"{setting} of {name}", old.settings.get(setting), new.settings.get(setting))
        # Runs of older versions have no digests: they go on, and the digests of now are recorded.
        for place in sorted(old.content.keys() & new.content.keys()):
            _refuse(folder, f"content of {place}", old.content[place], new.content[place])
    before = begun.counter
    if begun.counting:
        _refuse(folder, "counter", before.name, counter.name)
        old_parts = {**before.detector.to_json(), **before.rule}
        new_parts = {**counter.detector.to_json(), **counter.rule}
        for part in sorted(old_parts):
            _refuse(folder, f"{part} of the counter", old_parts[part], new_parts.get(part))


def _refuse(folder: RunFolder, what: str, before: object, now: object) -> None:
    now = as_stored(now)
    if before != now:
        raise RunMismatch(
            f"{folder.path} was begun with another {what} ({_brief(before)}, now {_brief(now)}). "
            "Name another folder with -o, or give the command it was begun with."
        )


def _brief(value: object) -> str:
    text = str(value)
    if text.startswith("sha256:"):
        return text[:23]
    return text if len(text) <= 60 else f"{text[:57]}..."


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    versions = {"countcheck": __version__}
    for package in ("torch", "diffusers", "transformers", "ultralytics", "numpy", "pillow"):
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions


def _device() -> str:
    import platform

    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name(0))
    return f"{platform.machine()} CPU"
