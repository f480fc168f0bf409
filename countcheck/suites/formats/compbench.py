"""T2I-CompBench's numeracy prompts (Huang et al. 2023): one prompt a line, targets read from the text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from countcheck.suites.formats.plain import read_lines
from countcheck.suites.suite import Suite


def read(path: Path, **readings: Any) -> Suite:
    """The suite in a `numeracy.txt`."""
    suite = read_lines(path, **readings)
    return replace(suite, description="T2I-CompBench numeracy prompts; counts as read from their text.")
