"""``score``: count and judge pictures that somebody else made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countcheck.cli.main import app
from countcheck.cli.output import say

if TYPE_CHECKING:
    from countcheck.generators.picture_folder import PictureFolder
    from countcheck.suites.suite import Suite


@app.command()
def score(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Pictures: a folder, a manifest, a tar shard.")],
    suite: Annotated[
        list[str] | None, typer.Option("--suite", "-s", metavar="SUITE", help="What was asked, by name or file.")
    ] = None,
    layout: Annotated[
        str, typer.Option(help="auto, geneval, cococount, manifest, webdataset, flat (CompBench too), or of.")
    ] = "auto",
    of: Annotated[str, typer.Option(metavar="NOUN=NUMBER", help="What every picture of a plain folder shows.")] = "",
    counter: Annotated[str, typer.Option("-d", "--counter", metavar="COUNTER", help="Who counts.")] = "tiny",
    name: Annotated[str, typer.Option(metavar="NAME", help="Who drew; the folder's name when left out.")] = "",
    labels: Annotated[
        list[Path] | None, typer.Option(help="Label files instead of pictures: GeckoNum's task_1_MODEL.csv.")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="RUN", help="The run's folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Count and judge pictures that somebody else made. Missing pictures are counted and said."""
    from countcheck.cards import Card
    from countcheck.cli.commands.run import carry_out, default_name, tell, tell_left_out
    from countcheck.engine.config import RunConfig
    from countcheck.errors import BadInput
    from countcheck.generators.folder_layouts import read_picture_folder
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
    tell_left_out(asked)
    _tell_folder(pictures, asked, repeats)
    base = name or folder.resolve().name
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
    order = RunConfig(suite=asked, generators=cards, path=path, repeats=repeats)
    tell(carry_out(order, counter), as_json)


def _tell_folder(pictures: PictureFolder, asked: Suite, repeats: int) -> None:
    """What is there, what is missing, what nobody asked for; aloud, before anything is counted."""
    models = pictures.models
    wanted = len(asked.prompts) * repeats * len(models)
    there = sum(len(pictures.by_repeat(prompt, model)) for prompt in asked.prompts for model in models)
    drawn_by = f" by {len(models)} models" if len(models) > 1 else ""
    say(f"{there} of {wanted} pictures are there{drawn_by} ({pictures.layout}); missing: {wanted - there}")
    for line in pictures.skipped[:20]:
        say(f"left out: {line}")
    unmatched = pictures.unmatched(asked)
    if unmatched:
        say(f"pictures that answer no prompt of {asked.name}: {len(unmatched)}")
    for picture in unmatched[:20]:
        say(f"  {picture.label}")
    if len(unmatched) > 20:
        say(f"  and {len(unmatched) - 20} more")


def _score_labels(prompts: Path, labels: list[Path], out: Path | None, as_json: bool) -> None:
    """A run of labels without pictures: its suite is the prompts file."""
    from countcheck.cli.commands.run import tell
    from countcheck.interop.geckonum_labels import run_of_labels
    from countcheck.suites.catalog import load_suite

    made = run_of_labels(load_suite(str(prompts)), labels, out or Path("runs") / "geckonum", report=say)
    tell(made, as_json)
