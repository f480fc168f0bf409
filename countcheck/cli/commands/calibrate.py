"""``calibrate``: fit a counter's rule to the labels of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from countcheck.cli.main import READ, app
from countcheck.cli.options import OUTPUT, JsonOption, RunArgument
from countcheck.cli.output import note, show_result


@app.command(rich_help_panel=READ)
def calibrate(
    run: RunArgument,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="CARD",
            rich_help_panel=OUTPUT,
            help="The counter card; RUN/counter.yaml when left out.",
        ),
    ] = None,
    overall: Annotated[bool, typer.Option("--overall", help="Fit one threshold for all nouns.")] = False,
    by_probability: Annotated[
        bool,
        typer.Option(
            "--by-probability",
            help="Doubt a count by its fitted probability of being right, not by margin, zeros and large numbers.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fit the counter's rule to people's labels, and write a counter card for `recount`.

    Label pictures first: countcheck review RUN.

    Examples:
        countcheck calibrate runs/demo
        countcheck recount runs/demo -d runs/demo/counter.yaml

    Exit codes:
        0 done · 2 bad usage, settings or input · 3 too few labels · 4 bug
    """
    from countcheck.calibration.card import calibration_to_json, write_card
    from countcheck.calibration.examples import examples_of
    from countcheck.calibration.fit import calibrate as fit
    from countcheck.counting.counter import counter_card
    from countcheck.reports.overlays import rule_of
    from countcheck.reports.terminal.calibration import render_calibration
    from countcheck.storage.rows import IS_REFUSAL
    from countcheck.storage.run_folder import RunFolder

    with RunFolder.open(run) as opened:
        labels = opened.labels()
        examples = examples_of(opened.rows(), opened.detections(), labels)
        unsure = sum(label.count is None and label.noun != IS_REFUSAL for label in labels)
        learned = fit(examples, rule_of(opened), unsure=unsure, per_noun=not overall, by_probability=by_probability)
        card = counter_card(opened.info.counter.name)
        target = write_card(out or run / "counter.yaml", card, learned, run=opened.name)
    show_result(
        lambda: {"schema": "countcheck/calibration/1", "card": str(target), **calibration_to_json(learned)},
        lambda: render_calibration(learned),
        as_json=as_json,
    )
    if not as_json:
        note(f"card: {target}. Apply it with: countcheck recount {run} -d {target}")
