"""OVERT (Cheng et al. 2025): benign prompts that careless filters refuse. Nothing is counted; refusals are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from countcheck.suites.compose import slug
from countcheck.suites.readers import Fit, Preview, PromptCollector, json_lines, json_list, read_text, table_rows
from countcheck.suites.rows import ReadOptions
from countcheck.suites.suite import Prompt, Suite

NAME = "overt"
_TEXT_FIELDS = ("image_prompt", "prompt", "text")


def accepts(preview: Preview) -> Fit:
    """A table or JSON with a field image_prompt; one with a field prompt or text when asked for."""
    if preview.shape not in ("table", "json lines", "json list"):
        return Fit.NONE
    if preview.has("image_prompt") and (preview.shape != "table" or preview.has("category")):
        return Fit.EXACT
    return Fit.READABLE if preview.has_any(*_TEXT_FIELDS) else Fit.NONE


def read(path: Path, options: ReadOptions) -> Suite:
    """Read a CSV, JSON or JSON lines file; every prompt is benign, unless the file's name says unsafe.

    Raises:
        BadSuite: When there is no prompt in it.
    """
    collector = PromptCollector()
    benign = "unsafe" not in path.stem.lower()
    begins = read_text(path).lstrip()[:1]
    rows = {"[": json_list, "{": json_lines}.get(begins, table_rows)(path, collector)
    for line, row in rows:
        text = _text(row)
        if text is None:
            collector.skip(line, "no image_prompt")
            continue
        tags = {"category": str(row.get("category") or "unknown")}
        collector.add(line, Prompt(id=collector.fresh_id(slug(text)), text=text, tags=tags, benign=benign))
    kind = "benign prompts that sound alarming" if benign else "prompts that a model may refuse"
    return collector.suite(path, f"OVERT: {kind}; refusals only, nothing is counted.")


def _text(row: Mapping[str, Any]) -> str | None:
    return next((str(row[name]) for name in _TEXT_FIELDS if row.get(name)), None)
