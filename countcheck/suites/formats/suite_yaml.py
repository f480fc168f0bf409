"""A suite file of this program."""

from __future__ import annotations

from pathlib import Path

from countcheck.suites.load import read_suite
from countcheck.suites.readers import Fit, Preview
from countcheck.suites.rows import ReadOptions
from countcheck.suites.suite import Suite

NAME = "yaml"


def accepts(preview: Preview) -> Fit:
    """A file that ends in .yaml or .yml."""
    return Fit.EXACT if preview.shape == "yaml" else Fit.NONE


def read(path: Path, options: ReadOptions) -> Suite:
    """Read a suite file; its targets are stated, and no text is read.

    Raises:
        BadSuite: When it is no suite; names file, line and field.
    """
    return read_suite(path)
