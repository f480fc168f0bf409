"""T2I-CompBench's numeracy prompts (Huang et al. 2023): one prompt a line, targets read from the text."""

from __future__ import annotations

from pathlib import Path

from countcheck.suites.formats.text import read_lines
from countcheck.suites.readers import Fit, Preview
from countcheck.suites.rows import ReadOptions
from countcheck.suites.suite import Suite

NAME = "compbench"


def accepts(preview: Preview) -> Fit:
    """Any plain text: its ``numeracy.txt`` has no mark of its own."""
    return Fit.READABLE if preview.shape == "text" else Fit.NONE


def read(path: Path, options: ReadOptions) -> Suite:
    """Read a ``numeracy.txt``.

    Raises:
        BadSuite: When there is no prompt in it.
    """
    return read_lines(path, options, "T2I-CompBench numeracy prompts; counts as read from their text.")
