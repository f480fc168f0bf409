"""Notes and logs: the logger ``countcheck`` on stderr, quieter, more detailed, or also in a file, as the options say."""

from __future__ import annotations

import functools
import inspect
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from countcheck.errors import BadSettings
from countcheck.reports.safe_text import terminal_text

NOTE = 25
"""Level of what a person is told in any case: above INFO, below WARNING."""

# What torchao makes torch and diffusers say whenever they are imported concerns their authors alone.
_OF_AUTHORS = ("torch.utils._pytree", "diffusers.quantizers.torchao")

logger = logging.getLogger("countcheck")
logging.addLevelName(NOTE, "NOTE")


class _Safe(logging.Formatter):
    """Formats without secrets, control characters and CI commands."""

    def format(self, record: logging.LogRecord) -> str:
        from countcheck.credentials import redact

        return terminal_text(redact(super().format(record)))


class _OnStderr(logging.Handler):
    """Writes to whatever ``sys.stderr`` is at the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if record.levelno >= logging.WARNING and not text.startswith("warning"):
            text = f"warning: {text}"
        typer.echo(text, err=True)


def set_up_logging(*, quiet: bool = False, verbose: bool = False, log_file: Path | None = None) -> None:
    """Show notes and warnings on stderr: errors alone when quiet, everything when verbose; everything in the file.

    Raises:
        BadSettings: When the file cannot be written, or both ``quiet`` and ``verbose`` are asked for.
    """
    if quiet and verbose:
        raise BadSettings("--quiet and --verbose exclude each other. Give one of them.")
    for old in [*logger.handlers]:
        logger.removeHandler(old)
        old.close()
    level = logging.ERROR if quiet else logging.DEBUG if verbose else NOTE
    on_stderr = _OnStderr(level)
    on_stderr.setFormatter(_Safe("%(message)s"))
    logger.addHandler(on_stderr)
    logger.propagate = False
    logger.setLevel(min(level, logging.DEBUG if log_file else level))
    for name in _OF_AUTHORS:
        logging.getLogger(name).setLevel(logging.NOTSET if verbose else logging.ERROR)
    if log_file is not None:
        try:
            in_file = logging.FileHandler(log_file, encoding="utf-8", errors="replace")
        except OSError as error:
            raise BadSettings(
                f"--log-file {log_file} cannot be written ({error.strerror}). Name another file."
            ) from error
        in_file.setFormatter(_Safe("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(in_file)


def is_quiet() -> bool:
    """Return whether notes and progress are unwanted."""
    return bool(logger.handlers) and min(handler.level for handler in logger.handlers) > NOTE


def with_general_options(function: Callable[..., Any], *, panel: str) -> Callable[..., Any]:
    """Return the command with ``--quiet``, ``--verbose`` and ``--log-file``, which set up logging before it runs."""
    options: dict[str, tuple[Any, Any]] = {
        "quiet": (
            Annotated[
                bool, typer.Option("-q", "--quiet", rich_help_panel=panel, help="Print results and errors alone.")
            ],
            False,
        ),
        "verbose": (
            Annotated[bool, typer.Option("-v", "--verbose", rich_help_panel=panel, help="Print the log to stderr.")],
            False,
        ),
        "log_file": (
            Annotated[
                Path | None,
                typer.Option(metavar="FILE", rich_help_panel=panel, help="Add the whole log to FILE."),
            ],
            None,
        ),
    }
    signature = inspect.signature(function, eval_str=True)

    @functools.wraps(function)
    def command(*args: Any, quiet: bool, verbose: bool, log_file: Path | None, **kwargs: Any) -> Any:
        set_up_logging(quiet=quiet, verbose=verbose, log_file=log_file)
        logger.debug("countcheck %s", " ".join(sys.argv[1:]))
        return function(*args, **kwargs)

    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
        if name not in signature.parameters
    ]
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in signature.parameters.values()]
    command.__signature__ = signature.replace(parameters=[*parameters, *added])  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in (*parameters, *added)} | {"return": None}
    return command
