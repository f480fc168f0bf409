"""PartiPrompts (Yu et al. 2022): a table of prompts, categories and challenges; targets are read from the prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from countcheck.suites.formats.plain import Readings, read_table
from countcheck.suites.suite import Suite


def read(path: Path, **readings: Any) -> Suite:
    """The suite in a PartiPrompts TSV or CSV with the columns Prompt, Category and Challenge."""
    return read_table(
        path,
        "PartiPrompts; counts as read from their text, all else is not checked.",
        text="prompt",
        tags={"category": "category", "challenge": "challenge"},
        how=Readings(**readings),
    )
