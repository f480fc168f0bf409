"""What a command prints: results to stdout, progress and notes to stderr."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import orjson
import typer

from countcheck.reports.safe_text import terminal_text

if TYPE_CHECKING:
    from rich.console import Console

    from countcheck.storage.rows import ResultRow
    from countcheck.storage.run_folder import RunFolder

# What a terminal, or a CI service that reads its log, would obey; inside JSON text each has a harmless spelling.
_ACTIVE = re.compile("##|[\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")


# Signs of our own tables in letters that every encoding has.
_PLAIN_SIGNS = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "●": "*",
        "·": ".",
        "…": "...",
        "–": "-",
        "−": "-",
        "×": "x",
        "→": "->",
        "├": "|",
        "┤": "|",
        "─": "-",
    }
)
_ENCODING_ERRORS = "countcheck.plain_signs"


def prepare_streams() -> None:
    """Make standard output and error take any text: signs that their encoding lacks become plain letters or ``?``.

    A stream that is closed is replaced by one that discards what is written.
    """
    codecs.register_error(_ENCODING_ERRORS, _plain_signs)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - open as long as the process
        elif isinstance(stream, io.TextIOWrapper) and stream.errors in (
            "strict",
            "surrogateescape",
            "backslashreplace",
        ):
            stream.reconfigure(errors=_ENCODING_ERRORS)


def _plain_signs(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end].translate(_PLAIN_SIGNS)
    return "".join(sign if sign.isascii() else "?" for sign in signs), error.end


def discard_stdout() -> None:
    """Send what is still to be written to standard output nowhere, so that the interpreter's last flush cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def closed_pipe_ignored() -> Iterator[None]:
    """Let a command keep its exit code when whoever reads its output has gone."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()


def print_json(value: Any) -> None:
    """Print a JSON document, indented, with control and direction marks in text spelt as escapes."""
    document = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()
    sys.stdout.write(_ACTIVE.sub(_escaped, document) + "\n")


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"\\u{ord(c):04x}" for c in match.group()[:1]) + match.group()[1:]


def say(sentence: str) -> None:
    """Print a note on stderr."""
    typer.echo(terminal_text(sentence), err=True)


def say_problems_of_pictures(run: RunFolder, rows: Iterable[ResultRow]) -> None:
    """Note on stderr when picture files of a run are gone or changed: its numbers are those of the pictures that were
    made."""
    problems = str(run.pictures.problems(rows))
    if problems:
        say(
            f"{run.path}: {problems}; the numbers are those of the pictures that were made. See: countcheck doctor {run.path}"
        )


def stdout_console() -> Console:
    """Return the console for tables. Text stays as it is: no ``[word]`` becomes a colour, no ``:name:`` an emoji."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False)


def stderr_console() -> Console:
    """Return the console for progress."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False)
