"""OVERT (Cheng et al. 2025): benign prompts that careless filters refuse, and unsafe ones. Nothing is counted; refusals are.

Its files come as tables and JSON lines with a field ``image_prompt`` or ``unsafe_prompt``, and as JSON with lists
``image_prompts`` and ``unsafe_prompts``, in one object, in one a category, or in a list of objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from countcheck.errors import BadSuite
from countcheck.suites.compose import slug
from countcheck.suites.readers import (
    Fit,
    Preview,
    PromptCollector,
    json_body,
    json_lines,
    json_list,
    preview,
    table_rows,
)
from countcheck.suites.rows import ReadOptions
from countcheck.suites.suite import Prompt, Suite

NAME = "overt"
_UNSAFE_FIELD = "unsafe_prompt"
_TEXT_FIELDS = ("image_prompt", _UNSAFE_FIELD, "prompt", "text")
_LISTS = {"image_prompts": True, "unsafe_prompts": False}
"""Lists of prompts, and whether they are benign."""

Row = tuple[int, str | None, str, bool]
"""Line or number of the entry, text, category, whether it is benign."""


def accepts(preview: Preview) -> Fit:
    """A table or JSON with OVERT's fields or lists; one with a field prompt or text when asked for."""
    if preview.shape in ("table", "json lines", "json list"):
        if preview.has(_UNSAFE_FIELD) or preview.has_any(*_LISTS):
            return Fit.EXACT
        if preview.has("image_prompt") and (preview.shape != "table" or preview.has("category")):
            return Fit.EXACT
        return Fit.READABLE if preview.has_any(*_TEXT_FIELDS) else Fit.NONE
    if preview.shape != "json object":
        return Fit.NONE
    try:
        body = json_body(preview.path)
    except BadSuite:
        return Fit.NONE
    return Fit.EXACT if any(True for _ in _listed(body, "", 0)) else Fit.NONE


def read(path: Path, options: ReadOptions) -> Suite:
    """Read OVERT's prompts; they are benign, unless their field, their list or the file's name says unsafe.

    Raises:
        BadSuite: When there is no prompt in it.
    """
    collector = PromptCollector()
    for line, text, category, benign in _rows(path, collector):
        if text is None:
            collector.skip(line, "no image_prompt")
            continue
        prompt = Prompt(id=collector.fresh_id(slug(text)), text=text, tags={"category": category}, benign=benign)
        collector.add(line, prompt)
    benign = all(prompt.benign for prompt in collector.prompts)
    kind = "benign prompts that sound alarming" if benign else "prompts that a model may refuse"
    return collector.suite(path, f"OVERT: {kind}; refusals only, nothing is counted.")


def _rows(path: Path, collector: PromptCollector) -> Iterator[Row]:
    seen = preview(path)
    if seen.shape == "json object" or seen.has_any(*_LISTS):
        for number, (text, category, benign) in enumerate(_listed(json_body(path), "", 0), start=1):
            yield number, text, category or "unknown", benign
        return
    readers = {"json list": json_list, "json lines": json_lines}
    named_unsafe = "unsafe" in path.stem.lower()
    for line, row in readers.get(seen.shape, table_rows)(path, collector):
        text = next((str(row[name]) for name in _TEXT_FIELDS if row.get(name)), None)
        benign = not named_unsafe and not (row.get(_UNSAFE_FIELD) and not row.get("image_prompt"))
        yield line, text, str(row.get("category") or "unknown"), benign


def _listed(body: Any, category: str, depth: int) -> Iterator[tuple[str | None, str, bool]]:
    """Text, category and benignity of every entry of OVERT's lists, however its objects lie in each other."""
    if depth > 8:
        return
    if isinstance(body, list):
        for entry in body:
            yield from _listed(entry, category, depth + 1)
    elif isinstance(body, Mapping):
        category = str(body.get("category") or category)
        for name, value in body.items():
            if name in _LISTS and isinstance(value, list):
                for entry in value:
                    yield _entry_text(entry), category, _LISTS[name]
            elif isinstance(value, Mapping | list):
                yield from _listed(value, category if isinstance(value, list) else name, depth + 1)


def _entry_text(entry: Any) -> str | None:
    if isinstance(entry, Mapping):
        entry = next((entry[name] for name in _TEXT_FIELDS if entry.get(name)), None)
    return str(entry) if isinstance(entry, str) and entry.strip() else None
