"""JSON lines with a field prompt, and perhaps id, targets, group, benign and tags; the other fields are tags."""

from __future__ import annotations

from pathlib import Path

from countcheck.suites import readers
from countcheck.suites.readers import Fit, Preview, PromptCollector
from countcheck.suites.rows import ReadOptions, collect_rows
from countcheck.suites.suite import Suite

NAME = "jsonl"


def accepts(preview: Preview) -> Fit:
    """JSON lines with a field prompt or text."""
    return Fit.GENERAL if preview.shape == "json lines" and preview.has_any("prompt", "text") else Fit.NONE


def read(path: Path, options: ReadOptions) -> Suite:
    """Read one object a line.

    Raises:
        BadSuite: When there is no prompt in it.
    """
    collector = PromptCollector()
    collect_rows(collector, readers.json_lines(path, collector), options)
    return collector.suite(path, "Prompts from JSON lines.")
