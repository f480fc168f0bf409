"""OVERT (Cheng et al. 2025): benign prompts that careless filters refuse. Nothing is counted; refusals are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from countcheck.suites.compose import slug
from countcheck.suites.readers import Gathered, json_lines, json_list, read_text, table_rows
from countcheck.suites.suite import Prompt, Suite


def read(path: Path, **_: Any) -> Suite:
    """The suite in an OVERT CSV, JSON or JSON lines file; every prompt is benign, unless the file is the one called unsafe."""
    gathered = Gathered()
    benign = "unsafe" not in path.stem.lower()
    begins = read_text(path).lstrip()[:1]
    rows = {"[": json_list, "{": json_lines}.get(begins, table_rows)(path, gathered)
    for line, row in rows:
        text = _text(row)
        if text is None:
            gathered.skip(line, "no image_prompt")
            continue
        tags = {"category": str(row.get("category") or "unknown")}
        gathered.add(line, Prompt(id=gathered.fresh_id(slug(text)), text=text, tags=tags, benign=benign))
    kind = "benign prompts that sound alarming" if benign else "prompts that a model may refuse"
    return gathered.suite(path, f"OVERT: {kind}; refusals only, nothing is counted.")


def _text(row: Mapping[str, Any]) -> str | None:
    for name in ("image_prompt", "prompt", "text"):
        if row.get(name):
            return str(row[name])
    return None
