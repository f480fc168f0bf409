"""``calibrate``: learn a counter's rule from the labels of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countcheck.cli.main import app
from countcheck.cli.output import print_json, say, stdout_console

if TYPE_CHECKING:
    from rich.table import Table

    from countcheck.calibration.fit import Calibration


@app.command()
def calibrate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder; label its pictures with `review`.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="CARD", help="The counter card; RUN/counter.yaml when left out."),
    ] = None,
    overall: Annotated[bool, typer.Option("--overall", help="One threshold for all nouns.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was learnt as JSON.")] = False,
) -> None:
    """Learn from labels the rule that agrees with people best. Writes a counter card for `recount`."""
    from countcheck.calibration.card import calibration_to_json, write_card
    from countcheck.calibration.examples import examples_of
    from countcheck.calibration.fit import calibrate as learn
    from countcheck.counting.counter import counter_card
    from countcheck.reports.overlays import rule_of
    from countcheck.storage.run_folder import RunFolder

    with RunFolder.open(run) as opened:
        labels = opened.labels()
        examples = examples_of(opened.rows(), opened.detections(), labels)
        unsure = sum(label.count is None for label in labels)
        learnt = learn(examples, rule_of(opened), unsure=unsure, per_noun=not overall)
        card = counter_card(opened.info.counter.name)
        target = write_card(out or run / "counter.yaml", card, learnt, run=opened.name)
    if as_json:
        print_json({"schema": "countcheck/calibration/1", "card": str(target), **calibration_to_json(learnt)})
        return
    stdout_console().print(_table(learnt))
    stdout_console().print(_stops(learnt))
    say(f"card: {target}. Apply it with: countcheck recount {run} -d {target}")


def _table(learnt: Calibration) -> Table:
    from rich.table import Table

    from countcheck.reports.format import estimate_text, quantity
    from countcheck.reports.safe_text import visible

    heading = f"{quantity(learnt.labelled, 'labelled count')} in {quantity(learnt.pictures, 'picture')}"
    table = Table(title=heading, title_justify="left", caption_justify="left", box=None, pad_edge=False)
    for title in ("", "n", "right", "too many", "too few", "bias"):
        table.add_column(title, justify="left" if not title else "right")

    def share(name: str, estimate: Any) -> None:
        table.add_row(name, str(estimate.n), str(estimate_text("exact_rate", estimate)), "", "", "")

    share("agreement, rule in use", learnt.before)
    share("agreement, learnt rule", learnt.agreement)
    share("… where it is certain", learnt.certain)
    table.add_section()
    for generator, styles in learnt.errors.items():
        for style, e in styles.items():
            name = visible(f"{generator}{' · ' if style else ''}{style}", 60)
            table.add_row(name, str(e.n), str(e.exact), str(e.over), str(e.under), f"{e.bias:+.2f}")
    rule = learnt.rule
    own = ", ".join(
        f"{visible(name, 40)} {value:g}" for name, value in (*rule.thresholds.items(), *rule.by_style.items())
    )
    parts = [f"threshold {rule.threshold:g}{f' ({own})' if own else ''}", f"merging at {rule.merge_iou:g}"]
    if rule.relative_threshold > 0:
        parts.append(f"nothing under {rule.relative_threshold:g} of the best score")
    if rule.distractor_score_ratio > 1:
        parts.append(f"other nouns need {rule.distractor_score_ratio:g} times the score")
    parts.append(f"margin {rule.margin:g}")
    if rule.zero_doubt_score < 1:
        parts.append(f"0 is uncertain where {rule.zero_doubt_score:g} is seen")
    if rule.max_certain_count is not None:
        parts.append(f"numbers above {rule.max_certain_count} are uncertain")
    table.caption = f"{', '.join(parts)}; agreement is on pictures the rule was not fitted to"
    return table


def _stops(learnt: Calibration) -> Table:
    """How right the counts are against how many of them are judged, margin by margin."""
    from rich.table import Table

    table = Table(title="\nwhere to stop judging", title_justify="left", box=None, pad_edge=False)
    for title in ("margin", "judged", "right of these"):
        table.add_column(title, justify="right")
    for stop in learnt.stops:
        table.add_row(f"{stop.margin:g}", f"{stop.certain:.1%}", f"{stop.right:.1%}")
    return table
