"""What a command prints: results to stdout, progress and notes to stderr."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from countcheck.cli.logs import NOTE, logger
from countcheck.reports import safe_text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from countcheck.storage.run_folder import RunFolder

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


def show_result(
    body: Callable[[], Any], table: Callable[[], RenderableType | str], *, as_json: bool, output: Path | None = None
) -> None:
    """Print a result, or write it to a file whole: as JSON when asked for or when the file's name says so, else a table.

    Args:
        body: Makes the JSON document.
        table: Makes the table; text is printed as it stands, whatever the terminal's width.

    Raises:
        BadInput: When the file cannot be written.
    """
    as_json = as_json or (output is not None and output.suffix.lower() == ".json")
    if output is None:
        if as_json:
            print_json(body())
        else:
            _print(table())
        return
    from countcheck.files import write_text

    write_text(json_text(body()) if as_json else _plain_text(table()), output)
    note(f"written to {output}")


def _print(table: RenderableType | str) -> None:
    if isinstance(table, str):
        sys.stdout.write(f"{table}\n")
    else:
        stdout_console().print(table)


def _plain_text(table: RenderableType | str) -> str:
    """Render a table for a file: without colours, as wide as a terminal's."""
    if isinstance(table, str):
        return f"{table}\n"
    from rich.console import Console

    text = io.StringIO()
    console = Console(file=text, width=120, highlight=False, emoji=False, markup=False, color_system=None)
    console.print(table)
    return "".join(line.rstrip() + "\n" for line in text.getvalue().splitlines())


def print_json(body: Any) -> None:
    """Print a JSON document, indented, with control and direction marks in text spelt as escapes."""
    sys.stdout.write(json_text(body))


def json_text(body: Any) -> str:
    """Return a JSON document as text, indented, with control and direction marks spelt as escapes."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
    try:
        document = orjson.dumps(body, option=options).decode()
    except TypeError:  # text with halves of characters: a file name that is not UTF-8
        from countcheck.credentials import sound

        document = orjson.dumps(sound(body), option=options).decode()
    return safe_text.json_text(document) + "\n"


def note(sentence: str) -> None:
    """Tell the user something on stderr, unless ``--quiet`` is given; it is in the log too."""
    logger.log(NOTE, "%s", sentence)


def note_problems_of_pictures(run: RunFolder) -> None:
    """Say on stderr when picture files of a run are missing or changed: the rates are those of the original pictures."""
    problems = str(run.picture_problems())
    if problems:
        note(
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
