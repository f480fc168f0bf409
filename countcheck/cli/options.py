"""Arguments and options that several commands share, so that each is worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

OUTPUT = "Output"
"""Help group of the options that say what is printed or written where."""

RunArgument: TypeAlias = Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")]
SuitesArgument: TypeAlias = Annotated[list[str], typer.Argument(metavar="SUITE", help="Suites, by name or file.")]
CounterOption: TypeAlias = Annotated[
    str,
    typer.Option("-d", "--counter", metavar="COUNTER", help="Counter: a card's name, a card's file or a spec."),
]
RunFolderOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="RUN", rich_help_panel=OUTPUT, help="Folder of the run. [default: runs/...]"),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", rich_help_panel=OUTPUT, help="Print JSON instead of a table.")
]
OutputOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        rich_help_panel=OUTPUT,
        help="Write to FILE, whole or not at all, instead of printing; JSON when it ends in .json.",
    ),
]
CountingOption: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Show the recount of this name instead of the counting shown by default."),
]
LevelOption: TypeAlias = Annotated[float, typer.Option(metavar="SHARE", help="Confidence level of the intervals.")]
