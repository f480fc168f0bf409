"""Plain prompts: a text file with one a line, a table or JSON lines with a prompt and perhaps targets, a dataset.

A file's own targets come first; where it has none, they are read from the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from countcheck.errors import BadSuite, MissingExtra
from countcheck.suites.compose import Miswritten, read_target, slug
from countcheck.suites.language.read_targets import Article, read_targets
from countcheck.suites.load import full_target
from countcheck.suites.readers import Gathered, json_lines, json_list, table_rows, text_lines
from countcheck.suites.suite import Prompt, Suite, Target

_TEXT = ("prompt", "text", "prompts", "caption")
_OWN = frozenset(("id", "prompt_id", "targets", "benign", "group", "tags"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """How text is read to targets; see `countcheck.suites.language.read_targets.read_targets`."""

    article: Article = "ignore"
    approximate: bool = False

    def targets(self, gathered: Gathered, line: int, text: str) -> tuple[Target, ...]:
        """The targets in a text; what was not understood is noted with the line."""
        reading = read_targets(text, article=self.article, approximate=self.approximate)
        if reading.not_understood:
            pieces = ", ".join(repr(piece) for piece in reading.not_understood)
            gathered.note(line, f"not understood: {pieces}")
        return reading.targets


def read_lines(path: Path, **readings: Any) -> Suite:
    """The suite in a text file, one prompt a line; empty lines and those that begin with # are left out silently."""
    gathered, how = Gathered(), Readings(**readings)
    for line, text in text_lines(path):
        text = text.strip()
        if text and not text.startswith("#"):
            targets = how.targets(gathered, line, text)
            gathered.add(line, Prompt(id=gathered.fresh_id(slug(text)), text=text, targets=targets))
    return gathered.suite(path, "Plain prompts; targets as read from their text.")


def read_table(path: Path, description: str, *, text: str, tags: Mapping[str, str], how: Readings) -> Suite:
    """The suite in a table with these columns for text and tags."""
    gathered = Gathered()
    for line, row in table_rows(path, gathered):
        said = row.get(text, "")
        kept = {name: row[column] for name, column in tags.items() if row.get(column)}
        targets = how.targets(gathered, line, said) if said else ()
        gathered.add(line, Prompt(id=gathered.fresh_id(slug(said)), text=said, targets=targets, tags=kept))
    return gathered.suite(path, description)


def read_csv(path: Path, **readings: Any) -> Suite:
    """The suite in a CSV or TSV file with a column prompt; id, targets, group, benign are known, the rest are tags."""
    gathered = Gathered()
    _take(gathered, table_rows(path, gathered), Readings(**readings))
    return gathered.suite(path, "Prompts from a table.")


def read_jsonl(path: Path, **readings: Any) -> Suite:
    """The suite in JSON lines with a field prompt; id, targets, group, benign, tags are known, the rest are tags."""
    gathered = Gathered()
    _take(gathered, json_lines(path, gathered), Readings(**readings))
    return gathered.suite(path, "Prompts from JSON lines.")


def read_json(path: Path, **readings: Any) -> Suite:
    """The suite in a JSON list of objects with a field prompt; as `read_jsonl`."""
    gathered = Gathered()
    _take(gathered, json_list(path, gathered), Readings(**readings))
    return gathered.suite(path, "Prompts from a JSON list.")


def read_dataset(path: Path, **readings: Any) -> Suite:
    """The suite in a Hugging Face dataset on disk: a saved dataset's folder, or parquet files.

    Raises:
        MissingExtra: When the package `datasets` is not installed.
    """
    try:
        import datasets
    except ImportError as error:
        raise MissingExtra("datasets", feature="reading Hugging Face datasets") from error
    try:
        if (path / "dataset_info.json").is_file() or (path / "dataset_dict.json").is_file():
            loaded = datasets.load_from_disk(str(path))
            tables = list(loaded.values()) if isinstance(loaded, datasets.DatasetDict) else [loaded]
        else:
            files = [path] if path.is_file() else sorted(path.rglob("*.parquet"))
            tables = [datasets.Dataset.from_parquet(str(file), keep_in_memory=True) for file in files]
    except Exception as error:
        raise BadSuite(f"{path}: not a dataset that can be read ({str(error).splitlines()[0]}).") from error
    gathered = Gathered()
    rows: Iterable[Mapping[str, Any]] = (row for table in tables for row in _without_pictures(table))
    _take(gathered, enumerate(rows, start=1), Readings(**readings))
    return gathered.suite(path, "Prompts from a dataset.")


def _without_pictures(table: Any) -> Any:
    """The rows' plain fields: pictures are neither decoded nor kept."""
    plain = [name for name, kind in table.features.items() if type(kind).__name__ in ("Value", "ClassLabel")]
    return table.select_columns(plain)


def _take(gathered: Gathered, rows: Iterable[tuple[int, Mapping[str, Any]]], how: Readings) -> None:
    for line, raw in rows:
        row = {str(name).lower(): value for name, value in raw.items()}
        text = next((str(row[name]).strip() for name in _TEXT if row.get(name)), "")
        if not text:
            gathered.skip(line, f"no prompt (fields: {', '.join(row) or 'none'})")
            continue
        try:
            own = _own_targets(row.get("targets"))
        except Miswritten as error:
            gathered.skip(line, f"{'.'.join(('targets', *map(str, error.at)))}: {error}")
            continue
        except (TypeError, ValueError) as error:
            gathered.skip(line, f"targets: {error}")
            continue
        given = next((row[name] for name in ("id", "prompt_id") if row.get(name) not in (None, "")), "")
        prompt = Prompt(
            id="-".join(str(given).split()) or gathered.fresh_id(slug(text)),
            text=text,
            targets=how.targets(gathered, line, text) if own is None else own,
            tags=_tags(row),
            group=str(row["group"]) if row.get("group") else None,
            benign=str(row.get("benign", "true")).lower() not in ("false", "0", "no"),
        )
        gathered.add(line, prompt)


def _tags(row: Mapping[str, Any]) -> dict[str, str]:
    tags = row.get("tags")
    inner = {str(k): str(v) for k, v in tags.items()} if isinstance(tags, dict) else {}
    plain = {
        name: str(value)
        for name, value in row.items()
        if name not in _OWN and name not in _TEXT and isinstance(value, str | int | float) and str(value)
    }
    return {name: value for name, value in {**plain, **inner}.items() if len(value) <= 80}


def _own_targets(raw: Any) -> tuple[Target, ...] | None:
    """Targets as the file gives them: ``{"pig": 3}``, a list of full targets, or "pig: 3; dog: none"."""
    if raw is None or raw == "":
        return None
    if isinstance(raw, str):
        raw = orjson.loads(raw) if raw.lstrip()[:1] in ("{", "[") else _pairs(raw)
    if isinstance(raw, dict):
        return tuple(read_target(str(noun), number, {}) for noun, number in raw.items())
    if isinstance(raw, list):
        return tuple(full_target(one, {}) for one in raw)
    raise Miswritten(f"{raw!r} is neither a mapping nor a list")


def _pairs(text: str) -> dict[str, str]:
    pairs = {}
    for part in text.replace(",", ";").split(";"):
        noun, sign, number = part.replace("=", ":").partition(":")
        if not sign:
            raise Miswritten(f"{part.strip()!r} is not NOUN: NUMBER")
        pairs[noun.strip()] = number.strip()
    return pairs
