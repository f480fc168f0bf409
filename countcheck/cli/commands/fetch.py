"""``fetch``: download models ahead of a run."""

from __future__ import annotations

from typing import Annotated

import typer

from countcheck.cli.main import SET_UP, app
from countcheck.cli.options import JsonOption
from countcheck.cli.output import note, print_json
from countcheck.errors import BadSettings
from countcheck.reports.safe_text import one_line


@app.command(rich_help_panel=SET_UP)
def fetch(
    generators: Annotated[
        list[str] | None, typer.Option("-g", "--generator", metavar="SPEC", help="A generator; may be repeated.")
    ] = None,
    counters: Annotated[
        list[str] | None, typer.Option("-d", "--counter", metavar="SPEC", help="A counter; may be repeated.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be downloaded.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Download the weights of generators and counters, so that a run needs no network for them.

    Says first how much there is to download. What is in the caches already is not downloaded again.

    Raises:
        BadSettings: When nothing is named.

    Examples:
        countcheck fetch -g sdxl-turbo -d owlv2
        countcheck fetch -d mask2former-swin-s --dry-run
    """
    from countcheck.cli.commands.run import read_generators
    from countcheck.engine.fetch import counter_cards_of, plan_downloads
    from countcheck.engine.fetch import fetch as fetch_card
    from countcheck.reports.format import file_size, quantity

    cards = read_generators(generators or ())
    for spec in dict.fromkeys(counters or ()):
        cards += counter_cards_of(spec)
    if not cards:
        raise BadSettings("nothing is named. Name what a run will use: -g GENERATOR, -d COUNTER.")
    downloads = plan_downloads(cards)
    for download in downloads:
        name, source = one_line(download.name, 80), one_line(download.source, 200)
        if not download.source:
            note(f"{name}: nothing to download; it {download.note}.")
        elif download.size is None or download.missing is None:
            note(f"{name}: {source}; {download.note}.")
        elif download.missing == 0:
            note(
                f"{name}: {source}, {file_size(download.size)} in {quantity(download.files, 'file')}, all here already."
            )
        else:
            whole = "" if download.missing == download.size else f" of {file_size(download.size)}"
            note(f"{name}: {source}, {file_size(download.missing)}{whole} to download.")
    if as_json:
        print_json([download.to_json() for download in downloads])
    if dry_run:
        return
    wanted = {download.name for download in downloads if download.source and download.missing != 0}
    for card in cards:
        if card.name in wanted:
            fetch_card(card)
            note(f"{one_line(card.name, 80)}: fetched.")
