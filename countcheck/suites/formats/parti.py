"""PartiPrompts (Yu et al. 2022): a table of prompts, categories and challenges; targets are read from the prompts."""

from __future__ import annotations

from pathlib import Path

from countcheck.suites.readers import Fit, Preview
from countcheck.suites.rows import ReadOptions, read_table
from countcheck.suites.suite import Suite

NAME = "parti"


def accepts(preview: Preview) -> Fit:
    """A table with the columns Prompt, Category and Challenge; one with Prompt alone when asked for."""
    if preview.shape != "table" or not preview.has("prompt"):
        return Fit.NONE
    return Fit.EXACT if preview.has("category", "challenge") else Fit.READABLE


def read(path: Path, options: ReadOptions) -> Suite:
    """Read PartiPrompts' table; category and challenge are tags.

    Raises:
        BadSuite: When there is no prompt in it, or it is no table.
    """
    description = "PartiPrompts; counts as read from their text, all else is not checked."
    tags = {"category": "category", "challenge": "challenge"}
    return read_table(path, description, text="prompt", tags=tags, options=options)
