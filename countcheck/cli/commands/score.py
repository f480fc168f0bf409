"""``score``: count and judge pictures that exist already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from countcheck.cli.main import MAKE, app
from countcheck.cli.options import CounterOption, JsonOption, RunFolderOption
from countcheck.cli.output import note
from countcheck.cli.running import default_name, make_run, note_left_out, show_finished

if TYPE_CHECKING:
    from countcheck.generators.picture_folder import PictureFolder
    from countcheck.suites.suite import Suite

_PICTURES = "What the pictures are"
MAX_LISTED = 20


_Folder: TypeAlias = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Pictures: a folder, a manifest (.csv, .jsonl) or a tar shard.")
]
_Suite: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--suite", "-s", metavar="SUITE", help="What was asked: suites, by name or file."),
]
_Layout: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="LAYOUT",
        rich_help_panel=_PICTURES,
        help="auto, geneval, cococount, manifest, webdataset, flat (T2I-CompBench too), or of.",
    ),
]
_Of: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="NOUN=NUMBER", rich_help_panel=_PICTURES, help="What every picture of a plain folder should show."
    ),
]
_Name: TypeAlias = Annotated[
    str,
    typer.Option(metavar="NAME", rich_help_panel=_PICTURES, help="Name of the model; the folder's when left out."),
]
_Labels: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        rich_help_panel=_PICTURES,
        help="Read people's counts instead of pictures: GeckoNum's task_1_MODEL.csv. FOLDER is its prompts.csv.",
    ),
]


@app.command(rich_help_panel=MAKE)
def score(
    folder: _Folder,
    suite: _Suite = None,
    counter: CounterOption = "auto",
    layout: _Layout = "auto",
    of: _Of = "",
    name: _Name = "",
    labels: _Labels = None,
    out: RunFolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count and judge pictures that exist already. Missing pictures are reported.

    Raises:
        BadInput: When nothing says what was asked, or no picture answers a prompt.

    Examples:
        countcheck score pictures/ --suite three-little-pigs
        countcheck score geneval_outputs/ -d owlv2
        countcheck score pigs/ --of pig=3
    """
    from countcheck.cards import Card
    from countcheck.engine.config import RunConfig
    from countcheck.errors import BadInput
    from countcheck.generators.folder_layouts import read_picture_folder
    from countcheck.resources import printable_path
    from countcheck.suites.merge import load_suites

    if labels:
        _score_labels(folder, labels, out, as_json)
        return
    pictures = read_picture_folder(folder, layout, of)
    asked = load_suites(suite) if suite else pictures.suite
    if asked is None:
        raise BadInput(
            f"{folder}: its pictures do not say what was asked (layout {pictures.layout}). Name it with --suite."
        )
    repeats = pictures.repeats(asked)
    if not repeats:
        raise BadInput(
            f"{folder}: none of its {len(pictures.pictures)} pictures answers a prompt of {asked.name} "
            f"(layout {pictures.layout}; the first is {pictures.pictures[0].label}). Choose the suite or the layout."
        )
    note_left_out(asked)
    _note_coverage(pictures, asked, repeats)
    base = name or printable_path(folder.resolve().name)
    cards = [
        Card(
            name=model or base,
            family="folder",
            source=str(folder),
            settings={"layout": pictures.layout, "of": of, "model": model},
        )
        for model in pictures.models
    ]
    path = out or Path("runs") / default_name([asked.name, base])
    config = RunConfig(suite=asked, generators=cards, path=path, repeats=repeats)
    show_finished(make_run(config, counter), as_json=as_json)


def _note_coverage(pictures: PictureFolder, asked: Suite, repeats: int) -> None:
    """Say how many pictures there are, how many are missing, and which answer no prompt."""
    models = pictures.models
    wanted = len(asked.prompts) * repeats * len(models)
    present = sum(len(pictures.by_repeat(prompt, model)) for prompt in asked.prompts for model in models)
    by_models = f" by {len(models)} models" if len(models) > 1 else ""
    note(f"{present} of {wanted} pictures are there{by_models} ({pictures.layout}); missing: {wanted - present}")
    if pictures.numbering.note:
        note(pictures.numbering.note)
    for line in pictures.skipped[:MAX_LISTED]:
        note(f"left out: {line}")
    unmatched = pictures.unmatched(asked)
    if unmatched:
        note(f"pictures that answer no prompt of {asked.name}: {len(unmatched)}")
    for picture in unmatched[:MAX_LISTED]:
        note(f"  {picture.label}")
    if len(unmatched) > MAX_LISTED:
        note(f"  and {len(unmatched) - MAX_LISTED} more")


def _score_labels(prompts: Path, labels: list[Path], out: Path | None, as_json: bool) -> None:
    """Make a run of labels without pictures: its suite is the prompts file."""
    from countcheck.interop.geckonum_labels import run_of_labels
    from countcheck.suites.catalog import load_suite

    made = run_of_labels(load_suite(str(prompts)), labels, out or Path("runs") / "geckonum", report=note)
    show_finished(made, as_json=as_json)
