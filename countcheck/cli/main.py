"""The command line: thin. A command reads settings, calls one function, hands over to a report, picks the exit code."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated

import typer

from countcheck import __version__
from countcheck.errors import CountcheckError

app = typer.Typer(
    name="countcheck",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: half the time to start is what its boxes would cost
    context_settings={"help_option_names": ["-h", "--help"]},
)

# Each is a module beside this one that registers its command, or a few that belong together; --help keeps this order.
COMMANDS = (
    "demo",
    "run",
    "score",
    "count",
    "recount",
    "summary",
    "compare",
    "gate",
    "power",
    "report",
    "review",
    "calibrate",
    "export",
    "suite",
    "list",
    "doctor",
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"countcheck {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Check whether image models draw the number of things they were asked for, and whether they refuse for no reason."""


def main() -> None:
    """Run the command line and leave with its exit code: 0 done, 1 gate failed, 2 bad input, 3 cannot decide, 130."""
    sys.exit(execute(sys.argv[1:]))


def execute(arguments: list[str]) -> int:
    """The exit code of one command line. Prints; never raises for a failure that a user can meet."""
    for name in COMMANDS:
        importlib.import_module(f"countcheck.cli.commands.{name}")
    try:
        app(args=arguments, prog_name="countcheck")
    except SystemExit as ended:
        if ended.code == 130 or isinstance(ended.__context__, typer.Abort):  # typer turns Ctrl-C into either
            return _interrupted()
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except CountcheckError as error:
        typer.echo(f"error: {error}", err=True)
        return error.exit_code
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:  # somebody closed the pipe, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _interrupted() -> int:
    typer.echo("interrupted. The same command goes on where this one stopped.", err=True)
    return 130
