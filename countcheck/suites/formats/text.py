"""Plain text: one prompt a line; targets are read from the text."""

from __future__ import annotations

from pathlib import Path

from countcheck.suites.compose import slug
from countcheck.suites.readers import Fit, Preview, PromptCollector, text_lines
from countcheck.suites.rows import ReadOptions
from countcheck.suites.suite import Prompt, Suite

NAME = "text"


def accepts(preview: Preview) -> Fit:
    """Any text that is no table and no JSON."""
    return Fit.GENERAL if preview.shape == "text" else Fit.NONE


def read(path: Path, options: ReadOptions) -> Suite:
    """Read one prompt a line; empty lines and those that begin with # are left out without a remark.

    Raises:
        BadSuite: When there is no prompt in it.
    """
    return read_lines(path, options, "Plain prompts; targets as read from their text.")


def read_lines(path: Path, options: ReadOptions, description: str) -> Suite:
    """Read one prompt a line under a description of the suite.

    Raises:
        BadSuite: When there is no prompt in it.
    """
    collector = PromptCollector()
    for line, raw in text_lines(path):
        text = raw.strip()
        if text and not text.startswith("#"):
            reading = options.read(text)
            prompt = Prompt(
                id=collector.fresh_id(slug(text)),
                text=text,
                targets=reading.targets,
                not_understood=reading.not_understood,
            )
            collector.add(line, prompt)
    return collector.suite(path, description)
