"""A JSON list of texts, or of objects with a field prompt and perhaps id, targets, group, benign and tags."""

from __future__ import annotations

from pathlib import Path

from countcheck.suites import readers
from countcheck.suites.readers import Fit, Preview, PromptCollector
from countcheck.suites.rows import ReadOptions, collect_rows
from countcheck.suites.suite import Suite

NAME = "json"


def accepts(preview: Preview) -> Fit:
    """A JSON list whose first entry is a text, or an object with a field prompt or text."""
    return Fit.GENERAL if preview.shape == "json list" and preview.has_any("prompt", "text") else Fit.NONE


def read(path: Path, options: ReadOptions) -> Suite:
    """Read a list of texts or objects.

    Raises:
        BadSuite: When the file is no JSON list, or there is no prompt in it.
    """
    collector = PromptCollector()
    collect_rows(collector, readers.json_list(path, collector), options)
    return collector.suite(path, "Prompts from a JSON list.")
