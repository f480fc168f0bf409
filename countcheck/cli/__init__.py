"""The command line: thin. A command reads settings, calls one function, hands over to a report, picks the exit code."""

from __future__ import annotations

import sys

import typer

from countcheck.errors import CountcheckError

app = typer.Typer(
    name="countcheck",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _whole() -> None:
    """Check whether image models draw the number of things they were asked for, and whether they refuse for no reason."""


def main() -> None:
    """Run the command line and leave with its exit code: 0 done, 1 gate failed, 2 bad input, 3 cannot decide, 130."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of one command line. Prints; never raises for a failure that a user can meet."""
    try:
        result = app(args=arguments, prog_name="countcheck", standalone_mode=False)
        return int(result or 0)
    except typer.Abort:
        return 130
    except typer.TyperException as error:
        show = getattr(error, "show", None)  # a usage error shows the command's usage too
        typer.echo(str(error), err=True) if show is None else show()
        return 2
    except CountcheckError as error:
        typer.echo(f"error: {error}", err=True)
        return error.exit_code
    except KeyboardInterrupt:
        typer.echo("interrupted. The same command goes on where this one stopped.", err=True)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


# Each command registers itself on import; one line a command, in the order of the help.
from countcheck.cli import count as _count  # noqa: E402, F401
