"""The command line. A command reads settings, calls one function, prints a report and sets the exit code."""

from __future__ import annotations

import errno
import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup
from typer.main import get_command
from typer.models import CommandInfo

from countcheck.cli.help import App, Group
from countcheck.cli.logs import set_up_logging
from countcheck.cli.output import discard_stdout, prepare_streams
from countcheck.cli.plain_values import take_plain_values
from countcheck.cli.settings import ENV_PREFIX, defaults_of, has_settings, load_env_file
from countcheck.errors import BadInput, CountcheckError
from countcheck.reports.safe_text import terminal_text
from countcheck.version import __version__

MAKE, READ, SET_UP = "Make and judge", "Read the results", "Suites, models and settings"
"""Topics under which the help lists the commands."""

app = App(
    name="countcheck",
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawing boxes round the help would double the time to start
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": ENV_PREFIX},
)

# Each is a module in commands/ that registers its command; --help keeps this order within a topic.
COMMANDS = (
    "demo",
    "run",
    "score",
    "watch",
    "count",
    "recount",
    "merge",
    "summary",
    "compare",
    "gate",
    "report",
    "view",
    "review",
    "calibrate",
    "power",
    "export",
    "push",
    "runs",
    "init",
    "fetch",
    "suite",
    "list",
    "serve",
    "doctor",
)


# Read by the libraries when they are imported, in worker processes too: stderr holds the run's own progress.
_LIBRARY_OUTPUT = {
    "DIFFUSERS_VERBOSITY": "error",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
}

BUG = 4
"""Exit code of an unexpected exception."""

# What a full disk or a broken device under standard output raises.
_OUTPUT_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF, errno.EFBIG)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"countcheck {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, show_envvar=False, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Check whether image models draw the number of things they are asked for, and whether they refuse without a reason.

    Every option can also be set by a variable COUNTCHECK_COMMAND_OPTION or in countcheck.toml.
    """


_COMPLETION = frozenset({"--install-completion", "--show-completion"})


def main() -> None:
    """Run the command line and exit with its code: 0 done, 1 gate failed, 2 bad input, 3 cannot decide, 4 bug, 130."""
    sys.exit(execute(sys.argv[1:]))


def execute(arguments: list[str]) -> int:
    """Run one command line and return its exit code. Prints; never raises for a failure that a user can meet.

    An unexpected exception ends with exit code 4, which is no verdict of a gate; ``COUNTCHECK_TRACEBACK=1`` shows it
    in full.
    """
    prepare_streams()
    for name, value in _LIBRARY_OUTPUT.items():
        os.environ.setdefault(name, value)
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader closed the pipe, as `| head` does
        discard_stdout()
        return 0
    except OSError as error:
        if error.errno not in _OUTPUT_ERRORS:
            return _bug(error)
        discard_stdout()
        typer.echo(f"error: the output cannot be written ({error.strerror}). Nothing else was lost.", err=True)
        return CountcheckError.exit_code
    except Exception as error:
        return _bug(error)
    return code


def _run(arguments: list[str]) -> int:
    set_up_logging()
    try:
        _require_current_folder()
        load_env_file(Path(".env"))
        _load_commands(arguments)
        command = get_command(app)
        take_plain_values(command.params)  # typer has added those of completion
        settings = defaults_of(command, Path()) if isinstance(command, TyperGroup) else {}
        command(args=arguments, prog_name="countcheck", default_map=settings)
    except SystemExit as ended:
        if ended.code == 130 or isinstance(ended.__context__, typer.Abort):  # typer turns Ctrl-C into either
            return _interrupted()
        if ended.code == 1 and _COMPLETION.intersection(arguments):  # typer's; to us 1 is a gate that failed
            typer.echo(
                "error: completion is there for bash, zsh, fish and PowerShell. Give this in one of them.", err=True
            )
            return CountcheckError.exit_code
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except CountcheckError as error:
        typer.echo(terminal_text(f"error: {error}"), err=True)
        return error.exit_code
    except KeyboardInterrupt:
        return _interrupted()
    return 0


def _load_commands(arguments: list[str]) -> None:
    """Import the command that is given; all of them when it is none, or when a file has settings of others."""
    alone = arguments[:1] if not has_settings(Path()) else []
    for name in alone if alone and alone[0] in COMMANDS else COMMANDS:
        importlib.import_module(f"countcheck.cli.commands.{name}")
    app.registered_commands.sort(key=_place)  # some may have been there before


def _place(info: CommandInfo) -> int:
    module = getattr(info.callback, "__module__", "").rpartition(".")[2]
    return COMMANDS.index(module) if module in COMMANDS else len(COMMANDS)


def _require_current_folder() -> None:
    """Raise `BadInput` when the folder that the command was given in was removed: no path could be read in it."""
    try:
        Path.cwd()
    except OSError as error:
        raise BadInput(f"the current folder cannot be read ({error.strerror}). Change to another one.") from error


def _bug(error: Exception) -> int:
    """Say in one sentence that the program failed, and where; a traceback only when it is asked for."""
    if os.environ.get("COUNTCHECK_TRACEBACK"):
        traceback.print_exception(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    from countcheck.credentials import redact

    what = terminal_text(redact(f"{type(error).__name__}: {error}")[:300])
    typer.echo(
        f"error: unexpected {what}{place}. This is a bug in countcheck, not a result. "
        "COUNTCHECK_TRACEBACK=1 shows where it comes from.",
        err=True,
    )
    return BUG


def _interrupted() -> int:
    typer.echo("interrupted. The same command continues where this one stopped.", err=True)
    return 130
