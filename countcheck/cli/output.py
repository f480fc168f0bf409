"""What a command prints: results to stdout, progress and remarks to stderr."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import orjson
import typer

from countcheck.reports.safe_text import terminal_text

if TYPE_CHECKING:
    from rich.console import Console

# What a terminal, or a CI service that reads its log, would obey; inside JSON text each has a harmless spelling.
_ACTIVE = re.compile("##|[\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")


def print_json(value: Any) -> None:
    """Print a JSON document, indented, with control and direction marks in text spelt as escapes."""
    document = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()
    sys.stdout.write(_ACTIVE.sub(_escaped, document) + "\n")


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"\\u{ord(c):04x}" for c in match.group()[:1]) + match.group()[1:]


def say(sentence: str) -> None:
    """A remark on stderr."""
    typer.echo(terminal_text(sentence), err=True)


def stdout_console() -> Console:
    """Where tables go. Foreign text stays as it is: no ``[word]`` becomes a colour, no ``:name:`` a picture."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False)


def stderr_console() -> Console:
    """Where progress goes."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False)
