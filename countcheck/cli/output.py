"""What a command prints: results to stdout, progress and remarks to stderr."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import orjson
import typer

if TYPE_CHECKING:
    from rich.console import Console

# Control characters, among them the escape that starts terminal commands, and marks that turn text around.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f]")


def plain(text: str) -> str:
    """Text from a model or a suite, made safe for a terminal."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def print_json(value: Any) -> None:
    """A JSON document on stdout, indented, ending in a line break."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode() + "\n")


def say(sentence: str) -> None:
    """A remark on stderr."""
    typer.echo(plain(sentence), err=True)


def stdout_console() -> Console:
    """Where tables go. Foreign text stays as it is: no ``[word]`` becomes a colour, no ``:name:`` a picture."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False)


def stderr_console() -> Console:
    """Where progress goes."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False)
