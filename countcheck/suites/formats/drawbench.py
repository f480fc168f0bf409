"""DrawBench (Saharia et al. 2022): a table of prompts and categories; targets are read from the prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from countcheck.suites.formats.plain import Readings, read_table
from countcheck.suites.suite import Suite


def read(path: Path, **readings: Any) -> Suite:
    """The suite in a DrawBench CSV with the columns Prompts and Category."""
    return read_table(
        path,
        "DrawBench prompts; counts as read from their text, all else is not checked.",
        text="prompts",
        tags={"category": "category"},
        how=Readings(**readings),
    )
