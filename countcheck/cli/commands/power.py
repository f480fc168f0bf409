"""``countcheck power``: how many pictures a question needs, or what a number of pictures can see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countcheck.cli.main import app
from countcheck.cli.output import print_json, stdout_console
from countcheck.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from countcheck.metrics.outcome_codes import SampleCodes

ASSUMED = 0.7


@app.command()
def power(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="An earlier run to plan from.")] = None,
    loss: Annotated[float, typer.Option(help="The loss to see, as a share: 0.03 is three points.")] = 0.03,
    chance: Annotated[float, typer.Option("--power", help="With what chance it is to be seen.")] = 0.8,
    level: Annotated[float, typer.Option(help="Confidence level of the comparison.")] = 0.95,
    prompts: Annotated[int | None, typer.Option(min=1, help="The reverse: what would so many prompts see?")] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Pictures a prompt; 1, 2, 4 and 8 when not given.")] = None,
    rate: Annotated[str, typer.Option(help="Which rate of the run.")] = "exact_rate",
    generator: Annotated[str | None, typer.Option(help="Which generator of the run.")] = None,
    from_rate: Annotated[
        float | None, typer.Option(help="The rate before the loss; 0.7 is assumed without a run.")
    ] = None,
    icc: Annotated[
        float | None, typer.Option(help="How alike repeats of a prompt are, 0 to 1; 0.5 without a run with repeats.")
    ] = None,
    paired: Annotated[bool, typer.Option(help="Both sides get the same prompts and repeats.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Plan how many prompts and repeats a comparison needs. Or tells which loss so many prompts can see."""
    from dataclasses import replace

    from countcheck.metrics.power import ICC, Design, design_of, detectable_loss, sample_sizes
    from countcheck.metrics.rates import Family, of_family, rate_named

    higher = rate_named(rate, kind="rate to plan for", known=of_family(Family.OUTCOMES)).higher_is_better
    if run is not None:
        design = design_of(_samples(run, generator), rate, paired=paired, higher=higher)
        design = replace(design, rate=from_rate if from_rate is not None else design.rate)
        design = replace(design, icc=icc if icc is not None else design.icc)
    else:
        before = ASSUMED if from_rate is None else from_rate
        design = Design(rate=before, icc=ICC if icc is None else icc, paired=paired, higher=higher)
    each = (repeats,) if repeats is not None else (1, 2, 4, 8)
    if prompts is None:
        needs = sample_sizes(design, loss, chance, level, each)
    else:
        needs = [detectable_loss(design, prompts, n, chance, level) for n in each]
    if as_json:
        print_json(
            {
                "schema": "countcheck/power/1",
                "rate": rate,
                "before": design.rate,
                "icc": design.icc,
                "paired": paired,
                "level": level,
                "needs": [need.to_json() for need in needs],
            }
        )
        return
    from countcheck.reports.terminal.power import render_needs

    stdout_console().print(render_needs(rate, design, needs, level, reverse=prompts is not None))


def _samples(run: Path, generator: str | None) -> SampleCodes:
    from countcheck.cli.commands.gate import read_evidence

    sides = read_evidence(run, 0.95).sides
    if generator is not None and generator not in sides:
        raise UnknownName("generator", generator, sides)
    if generator is None and len(sides) != 1:
        raise BadInput(f"{run} has {', '.join(sides) or 'no generator with prompts'}. Say which with --generator.")
    return sides[generator or next(iter(sides))].samples
