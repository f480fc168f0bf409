"""Rows of a table, a JSON file or a dataset as prompts: their own targets first, those read from the text otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from countcheck.suites.compose import InvalidField, read_target, slug
from countcheck.suites.language.read_targets import Article, Reading, read_targets
from countcheck.suites.load import full_target
from countcheck.suites.readers import PromptCollector, table_rows
from countcheck.suites.suite import Prompt, Suite, Target

TEXT_FIELDS = ("prompt", "text", "prompts", "caption")
"""Fields that hold a prompt's text, the first that is there."""

_KNOWN = frozenset(("id", "prompt_id", "targets", "benign", "group", "tags"))
_LONGEST_TAG = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How text is read to targets; see `countcheck.suites.language.read_targets.read_targets`."""

    article: Article = "ignore"
    approximate: bool = False

    def read(self, text: str) -> Reading:
        """Read the targets in a text, and what of it is not understood."""
        return read_targets(text, article=self.article, approximate=self.approximate)


def read_table(path: Path, description: str, *, text: str, tags: Mapping[str, str], options: ReadOptions) -> Suite:
    """Read a table in which named columns hold the text and the tags.

    Args:
        path: A CSV or TSV file with a head line.
        description: Of the suite.
        text: The column with the prompts, in lower case.
        tags: Tag to column.
        options: How the text is read.

    Raises:
        BadSuite: When there is no prompt in it, or it is no table.
    """
    collector = PromptCollector()
    for line, row in table_rows(path, collector):
        prompt_text = row.get(text, "")
        reading = options.read(prompt_text)
        prompt = Prompt(
            id=collector.fresh_id(slug(prompt_text)),
            text=prompt_text,
            targets=reading.targets,
            not_understood=reading.not_understood,
            tags={name: row[column] for name, column in tags.items() if row.get(column)},
        )
        collector.add(line, prompt)
    return collector.suite(path, description)


def collect_rows(
    collector: PromptCollector, rows: Iterable[tuple[int, Mapping[str, Any]]], options: ReadOptions
) -> None:
    """Add a prompt for every row with a text: id, targets, group, benign and tags are known fields, the rest are tags."""
    for line, raw in rows:
        row = {str(name).lower(): value for name, value in raw.items()}
        text = next((str(row[name]).strip() for name in TEXT_FIELDS if row.get(name)), "")
        if not text:
            collector.skip(line, f"no prompt (fields: {', '.join(row) or 'none'})")
            continue
        try:
            stated = _stated_targets(row.get("targets"))
        except InvalidField as error:
            collector.skip(line, f"{'.'.join(('targets', *map(str, error.at)))}: {error}")
            continue
        except (TypeError, ValueError) as error:
            collector.skip(line, f"targets: {error}")
            continue
        given_id = next((row[name] for name in ("id", "prompt_id") if row.get(name) not in (None, "")), "")
        reading = options.read(text) if stated is None else Reading(targets=stated)
        prompt = Prompt(
            id="-".join(str(given_id).split()) or collector.fresh_id(slug(text)),
            text=text,
            targets=reading.targets,
            not_understood=reading.not_understood,
            tags=_tags(row),
            group=str(row["group"]) if row.get("group") else None,
            benign=str(row.get("benign", "true")).lower() not in ("false", "0", "no"),
        )
        collector.add(line, prompt)


def _tags(row: Mapping[str, Any]) -> dict[str, str]:
    tags = row.get("tags")
    stated = {str(k): str(v) for k, v in tags.items()} if isinstance(tags, dict) else {}
    plain = {
        name: str(value)
        for name, value in row.items()
        if name not in _KNOWN and name not in TEXT_FIELDS and isinstance(value, str | int | float) and str(value)
    }
    return {name: value for name, value in {**plain, **stated}.items() if len(value) <= _LONGEST_TAG}


def _stated_targets(raw: Any) -> tuple[Target, ...] | None:
    """Targets as the file gives them: ``{"pig": 3}``, a list of full targets, or "pig: 3; dog: none"."""
    if raw is None or raw == "":
        return None
    if isinstance(raw, str):
        raw = orjson.loads(raw) if raw.lstrip()[:1] in ("{", "[") else _pairs(raw)
    if isinstance(raw, dict):
        return tuple(read_target(str(noun), number, {}) for noun, number in raw.items())
    if isinstance(raw, list):
        return tuple(full_target(item, {}) for item in raw)
    raise InvalidField(f"{raw!r} is neither a mapping nor a list")


def _pairs(text: str) -> dict[str, str]:
    pairs = {}
    for part in text.replace(",", ";").split(";"):
        noun, sign, number = part.replace("=", ":").partition(":")
        if not sign:
            raise InvalidField(f"{part.strip()!r} is not NOUN: NUMBER")
        pairs[noun.strip()] = number.strip()
    return pairs
