"""``push``: send a run's results, its suite or its pictures to the Hugging Face hub."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from countcheck.cli.main import READ, app
from countcheck.cli.options import OUTPUT, RunArgument
from countcheck.cli.output import note

if TYPE_CHECKING:
    from countcheck.interop.hub import RepositoryKind
    from countcheck.interop.hub_files import HubFiles
    from countcheck.storage.run_folder import RunFolder

_WHAT = "What is sent, one of these"
_Model: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="OWNER/NAME",
        rich_help_panel=_WHAT,
        help="The rates, into this model's .eval_results; with --benchmark, which they are results of.",
    ),
]
_Suite: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="OWNER/NAME", rich_help_panel=_WHAT, help="The suite with an eval.yaml, as this dataset."),
]
_Pictures: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="OWNER/NAME", rich_help_panel=_WHAT, help="Rows and pictures, as this dataset."),
]
_Benchmark: TypeAlias = Annotated[
    str | None, typer.Option(metavar="OWNER/NAME", help="The dataset that holds the suite, for --model.")
]
_Generator: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="Whose rates, when the run has several generators.")
]
_Source: TypeAlias = Annotated[str, typer.Option(metavar="URL", help="Where the results can be checked, for --model.")]
_Commit: TypeAlias = Annotated[
    bool, typer.Option("--commit", help="Commit to the main branch; a model gets a pull request otherwise.")
]
_Public: TypeAlias = Annotated[
    bool, typer.Option("--public", help="Make a new dataset public; it is private otherwise.")
]
_DryRun: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", rich_help_panel=OUTPUT, help="Write the files to FOLDER and send nothing."),
]


@app.command(rich_help_panel=READ)
def push(
    run: RunArgument,
    model: _Model = None,
    suite: _Suite = None,
    pictures: _Pictures = None,
    benchmark: _Benchmark = None,
    generator: _Generator = None,
    source: _Source = "",
    commit: _Commit = False,
    public: _Public = False,
    dry_run: _DryRun = None,
) -> None:
    """Send rates, suite or pictures to the Hugging Face hub. Prints the address of what was sent.

    Raises:
        BadSettings: When not exactly one thing is to be sent, or --model has no --benchmark.

    Examples:
        countcheck push runs/demo --suite farm/three-little-pigs
        countcheck push runs/demo --model farm/painter --benchmark farm/three-little-pigs
        countcheck push runs/demo --pictures farm/demo-pictures --dry-run files/
    """
    from countcheck.errors import BadSettings
    from countcheck.interop.hub_files import check_repository, write_files
    from countcheck.storage.run_folder import RunFolder

    named = [name for name in (model, suite, pictures) if name is not None]
    if len(named) != 1:
        raise BadSettings("name one thing to send: --model, --suite or --pictures, each with OWNER/NAME.")
    if (model is None) != (benchmark is None):
        raise BadSettings("--model and --benchmark go together: the rates, and the dataset whose suite they are of.")
    repository, kind = check_repository(named[0]), _kind(model)
    with ExitStack() as stack:
        opened = stack.enter_context(RunFolder.open(run))
        files = _files(
            opened, stack, suite=suite, pictures=pictures, benchmark=benchmark, generator=generator, source=source
        )
        if dry_run is not None:
            written = write_files(files, dry_run)
            note(f"{written} files written to {dry_run}; nothing was sent")
            return
        from countcheck.interop.hub import push_files

        for name in files:
            note(f"sending {name}")
        message = f"Add results of countcheck: {opened.info.suite}" if model else f"Add {opened.name} of countcheck"
        propose = kind == "model" and not commit
        typer.echo(push_files(files, repository, kind, message=message, propose=propose, private=not public))


def _kind(model: str | None) -> RepositoryKind:
    return "dataset" if model is None else "model"


def _files(
    run: RunFolder,
    stack: ExitStack,
    *,
    suite: str | None,
    pictures: str | None,
    benchmark: str | None,
    generator: str | None,
    source: str,
) -> HubFiles:
    from countcheck.interop.hub_files import benchmark_files, eval_results_files, picture_files

    if suite is not None:
        return benchmark_files(run.suite)
    if pictures is not None:
        return stack.enter_context(picture_files(run))
    return eval_results_files(run, benchmark or "", generator, source_url=source)
