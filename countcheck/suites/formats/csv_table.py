"""A table with a column of prompts, and perhaps id, targets, group and benign; the other columns are tags."""

from __future__ import annotations

from pathlib import Path

from countcheck.suites.readers import Fit, Preview, PromptCollector, table_rows
from countcheck.suites.rows import ReadOptions, collect_rows
from countcheck.suites.suite import Suite

NAME = "csv"


def accepts(preview: Preview) -> Fit:
    """A CSV or TSV file with a column prompt, prompts or text."""
    return Fit.GENERAL if preview.shape == "table" and preview.has_any("prompt", "text", "prompts") else Fit.NONE


def read(path: Path, options: ReadOptions) -> Suite:
    """Read a table with a head line.

    Raises:
        BadSuite: When there is no prompt in it, or it is no table.
    """
    collector = PromptCollector()
    collect_rows(collector, table_rows(path, collector), options)
    return collector.suite(path, "Prompts from a table.")
