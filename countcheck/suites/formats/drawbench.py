"""DrawBench (Saharia et al. 2022): a table of prompts and categories; targets are read from the prompts."""

from __future__ import annotations

from pathlib import Path

from countcheck.suites.readers import Fit, Preview
from countcheck.suites.rows import ReadOptions, read_table
from countcheck.suites.suite import Suite

NAME = "drawbench"


def accepts(preview: Preview) -> Fit:
    """A table with the columns Prompts and Category."""
    return Fit.EXACT if preview.shape == "table" and preview.has("prompts", "category") else Fit.NONE


def read(path: Path, options: ReadOptions) -> Suite:
    """Read DrawBench's table; its category is a tag.

    Raises:
        BadSuite: When there is no prompt in it, or it is no table.
    """
    description = "DrawBench prompts; counts as read from their text, all else is not checked."
    return read_table(path, description, text="prompts", tags={"category": "category"}, options=options)
