"""Join the parts of a run, made with ``--shard I/N``, into one run that is like one made in one piece."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from countcheck.engine.counter_check import compare_with_tested
from countcheck.engine.shard import Shard
from countcheck.errors import BadInput, RunMismatch
from countcheck.files import disk_errors_as_sentences, exclusive_lock, sync_folder
from countcheck.images.encode import PNG
from countcheck.storage.countings import Counting, same_counting
from countcheck.storage.merge import copy_files, copy_rows
from countcheck.storage.picture_store import IMAGE_FORMAT, PICTURES_URL
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import RunInfo

SPENT = "spent_on_failed"  # what the record holds of USD paid for outcomes that were forgotten


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One part as it lies on the disk.

    Attributes:
        counting: The part's own counting; ``None`` when nothing was counted.
        others: Names of its recounts, which are not merged.
    """

    path: Path
    info: RunInfo
    shard: Shard
    counting: Counting | None
    others: tuple[str, ...]


def merge(paths: Sequence[Path], target: Path, *, message: Callable[[str], None] = lambda sentence: None) -> RunFolder:
    """Join all parts of a run into a new run folder; all of it or nothing.

    Args:
        paths: Folders of the parts, in any order.
        target: The new run folder.
        message: Receives sentences for the user.

    Returns:
        The new run, open.

    Raises:
        BadInput: When a folder is no part of a run, a part is missing, or something stands at ``target``.
        RunMismatch: When the parts were made with different suites, settings, counters or versions, or hold the same
            sample.
        DiskFull: When there is no room.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BadInput(f"{target} is there already. Name a new folder with -o.")
    with contextlib.ExitStack() as stack:
        for path in paths:
            if not path.is_dir():
                raise BadInput(f"{path} is no run folder.")
            stack.enter_context(exclusive_lock(path))
        suite_body, parts = _read_parts(paths)
        _refuse_incomplete(parts)
        first = parts[0]
        for part in parts[1:]:
            _refuse_different(first, part)
        for part in parts:
            if part.others:
                message(f"{part.path}: its recounts ({', '.join(part.others)}) are left out; recount the merged run")
        building = target.with_name(f".{target.name}.merging")
        shutil.rmtree(building, ignore_errors=True)
        try:
            _build(building, parts, suite_body, target.resolve().name)
            with RunFolder.open(building) as folder:
                compare_with_tested(folder, folder.info.counter.name, message)
            with disk_errors_as_sentences(target):
                if target.exists():
                    target.rmdir()
                building.rename(target)
                sync_folder(target.parent)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
    return RunFolder.open(target)


def _read_parts(paths: Sequence[Path]) -> tuple[Mapping[str, Any], list[_Part]]:
    """The suite of the first part, and all parts without theirs: many copies of a large suite need not be kept."""
    suite_body: Mapping[str, Any] = {}
    parts: list[_Part] = []
    for path in paths:
        part = _read_part(path)
        suite_body = suite_body or part.info.suite_body
        parts.append(replace(part, info=replace(part.info, suite_body={})))
    return suite_body, parts


def _read_part(path: Path) -> _Part:
    with RunFolder.open(path, check_suite=False) as folder:
        folder.show_own_counting()
        countings = folder.countings()
        info = folder.info
    recorded = info.extra.get("shard")
    if not isinstance(recorded, str):
        raise BadInput(f"{path} is a whole run, not a part of one. Merge what `run --shard I/N` made.")
    return _Part(
        path=path,
        info=info,
        shard=Shard.parse(recorded),
        counting=countings[0] if countings else None,
        others=tuple(counting.name for counting in countings[1:]),
    )


def _refuse_incomplete(parts: Sequence[_Part]) -> None:
    """Raise unless every part of one run is there once."""
    count = parts[0].shard.count
    for part in parts:
        if part.shard.count != count:
            raise RunMismatch(f"{part.path} is part {part.shard}, and {parts[0].path} is part {parts[0].shard}.")
    given: dict[int, Path] = {}
    for part in parts:
        if part.shard.index in given:
            raise BadInput(
                f"{given[part.shard.index]} and {part.path} are both part {part.shard}. Give every part once."
            )
        given[part.shard.index] = part.path
    missing = [f"{index}/{count}" for index in range(1, count + 1) if index not in given]
    if missing:
        raise BadInput(
            f"of {count} parts {', '.join(missing[:10])} {'is' if len(missing) == 1 else 'are'} not among the runs given. "
            "Give all parts."
        )


def _refuse_different(first: _Part, part: _Part) -> None:
    """Raise when two parts were made with anything that can change a rate."""

    def refuse(what: str, one: object, other: object) -> None:
        if one != other:
            raise RunMismatch(
                f"{part.path} was made with another {what} than {first.path} ({str(other)[:60]} and {str(one)[:60]}). "
                "Make all parts with one command."
            )

    a, b = first.info, part.info
    refuse("suite", a.suite, b.suite)
    refuse("number of repeats", a.repeats, b.repeats)
    refuse("limit", a.limit, b.limit)
    refuse("choice of tags", dict(a.only), dict(b.only))
    refuse("version of the suite", a.suite_digest, b.suite_digest)
    refuse("image format", a.extra.get(IMAGE_FORMAT, PNG), b.extra.get(IMAGE_FORMAT, PNG))
    refuse("place of its pictures", a.extra.get(PICTURES_URL, ""), b.extra.get(PICTURES_URL, ""))
    _refuse_mappings(refuse, "version of {}", a.versions, b.versions)
    refuse("choice of generators", list(a.generators), list(b.generators))
    for name in a.generators:
        one, other = a.generators[name], b.generators[name]
        refuse(f"revision of {name}", one.revision, other.revision)
        _refuse_mappings(refuse, f"{{}} of {name}", one.settings, other.settings)
    if first.counting is not None and part.counting is not None:
        one_counter, other_counter = first.counting.counter, part.counting.counter
        refuse("counter", one_counter.name, other_counter.name)
        if not same_counting(one_counter, other_counter):
            parts_of = ({**c.detector.to_json(), **c.rule} for c in (one_counter, other_counter))
            _refuse_mappings(refuse, "{} of the counter", *parts_of)


def _refuse_mappings(
    refuse: Callable[[str, object, object], None], what: str, one: Mapping[str, Any], other: Mapping[str, Any]
) -> None:
    for name in sorted({*one, *other}):
        refuse(what.format(name), one.get(name), other.get(name))


def _build(path: Path, parts: Sequence[_Part], suite_body: Mapping[str, Any], name: str) -> None:
    """Write the merged run; the parts come in the order of their numbers, whatever the order they were given in."""
    parts = sorted(parts, key=lambda part: part.shard.index)
    info = parts[0].info
    extra = {key: value for key, value in info.extra.items() if key not in ("shard", SPENT)}
    spent = sum(float(part.info.extra.get(SPENT) or 0.0) for part in parts)
    merged = replace(
        info,
        name=name,
        suite_body=suite_body,
        created=min(part.info.created for part in parts),
        extra={**extra, SPENT: spent} if spent else extra,
    )
    countings = [part.counting for part in parts if part.counting is not None]
    with RunFolder.create(path, merged) as folder:
        # As many rows of the one counting as any part has, so that what is copied keeps the numbers it refers to.
        for number in range(max((max(counting.ids) for counting in countings), default=0)):
            described = next((c for c in countings if number + 1 in c.ids), countings[0])
            folder.add_counting(described.counter, described.self_test)
        prompts = [asked.id for asked in folder.suite.asked]
    copy_rows(
        path,
        [(part.path, part.counting.ids if part.counting is not None else ()) for part in parts],
        list(merged.generators),
        prompts,
    )
    for part in parts:
        copy_files(path, part.path)
