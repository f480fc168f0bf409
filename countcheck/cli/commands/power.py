"""``power``: how many pictures a comparison needs, or which loss a number of pictures can detect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from countcheck.cli.evidence import read_evidence
from countcheck.cli.main import READ, app
from countcheck.cli.options import JsonOption, OutputOption
from countcheck.cli.output import show_result
from countcheck.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from countcheck.metrics.outcome_codes import SampleCodes

ASSUMED_RATE = 0.7
_ASSUMPTIONS = "Assumptions"


_Run: TypeAlias = Annotated[Path | None, typer.Argument(metavar="RUN", help="An earlier run to plan from.")]
_Loss: TypeAlias = Annotated[float, typer.Option(metavar="X", help="The loss to detect: 0.03 is three points.")]
_Chance: TypeAlias = Annotated[float, typer.Option("--power", metavar="SHARE", help="Chance of detecting the loss.")]
_Level: TypeAlias = Annotated[float, typer.Option(metavar="SHARE", help="Confidence level of the comparison.")]
_Prompts: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Say instead which loss N prompts can detect.")
]
_Repeats: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Pictures of each prompt; 1, 2, 4 and 8 when left out.")
]
_Rate: TypeAlias = Annotated[str, typer.Option(metavar="RATE", help="The rate to plan for.")]
_Generator: TypeAlias = Annotated[str | None, typer.Option(metavar="NAME", help="Which generator of the run.")]
_FromRate: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        rich_help_panel=_ASSUMPTIONS,
        help="The rate before the loss; the run's, or 0.7 without one.",
    ),
]
_Icc: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        rich_help_panel=_ASSUMPTIONS,
        help="Correlation of the repeats of a prompt, 0 to 1; the run's, or 0.5 without repeats.",
    ),
]
_Paired: TypeAlias = Annotated[
    bool, typer.Option(rich_help_panel=_ASSUMPTIONS, help="Both sides get the same prompts and repeats.")
]


@app.command(rich_help_panel=READ)
def power(
    run: _Run = None,
    loss: _Loss = 0.03,
    chance: _Chance = 0.8,
    level: _Level = 0.95,
    prompts: _Prompts = None,
    repeats: _Repeats = None,
    rate: _Rate = "exact_rate",
    generator: _Generator = None,
    from_rate: _FromRate = None,
    icc: _Icc = None,
    paired: _Paired = True,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Plan how many prompts and repeats a comparison needs, or which loss a number of prompts can detect.

    Raises:
        UnknownName: When there is no such rate or generator.

    Examples:
        countcheck power runs/demo --loss 0.05
        countcheck power --prompts 100 --repeats 4 --from-rate 0.6
    """
    from dataclasses import replace

    from countcheck.metrics.power import ICC, Design, design_of, detectable_loss, sample_sizes
    from countcheck.metrics.rates import Family, of_family, rate_named
    from countcheck.reports.terminal.power import render_needs

    higher = rate_named(rate, kind="rate to plan for", known=of_family(Family.OUTCOMES)).higher_is_better
    if run is not None:
        design = design_of(_samples(run, generator), rate, paired=paired, higher=higher)
        design = replace(design, rate=from_rate if from_rate is not None else design.rate)
        design = replace(design, icc=icc if icc is not None else design.icc)
    else:
        before = ASSUMED_RATE if from_rate is None else from_rate
        design = Design(rate=before, icc=ICC if icc is None else icc, paired=paired, higher=higher)
    each = (repeats,) if repeats is not None else (1, 2, 4, 8)
    if prompts is None:
        needs = sample_sizes(design, loss, chance, level, each)
    else:
        needs = [detectable_loss(design, prompts, n, chance, level) for n in each]
    show_result(
        lambda: {
            "schema": "countcheck/power/1",
            "rate": rate,
            "before": design.rate,
            "icc": design.icc,
            "paired": paired,
            "level": level,
            "needs": [need.to_json() for need in needs],
        },
        lambda: render_needs(rate, design, needs, level, reverse=prompts is not None),
        as_json=as_json,
        output=output,
    )


def _samples(run: Path, generator: str | None) -> SampleCodes:
    sides = read_evidence(run, 0.95).sides
    if generator is not None and generator not in sides:
        raise UnknownName("generator", generator, sides)
    if generator is None and len(sides) != 1:
        raise BadInput(f"{run} has {', '.join(sides) or 'no generator with prompts'}. Choose one with --generator.")
    return sides[generator or next(iter(sides))].samples
