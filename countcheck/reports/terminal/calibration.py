"""A calibration in a terminal: how well the rules agree with people, and what was learned."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from countcheck.calibration.fit import Calibration
from countcheck.counting.rule import CountingRule
from countcheck.reports.format import estimate_text, quantity
from countcheck.reports.safe_text import one_line
from countcheck.reports.terminal.tables import plain_table, titled

COVERAGES = (0.5, 0.7, 0.8, 0.9, 1.0)
"""Shares of counts that the table of risk and coverage shows."""


def render_calibration(learned: Calibration) -> RenderableType:
    """Return agreement before and after, errors by generator and style, the rule, and the margins to choose from."""
    heading = f"{quantity(learned.labelled, 'labelled count')} in {quantity(learned.pictures, 'picture')}"
    table = plain_table()
    for title in ("", "n", "right", "too many", "too few", "bias"):
        table.add_column(title, justify="right" if title else "left")
    for name, estimate in (
        ("agreement, rule in use", learned.before),
        ("agreement, learned rule", learned.agreement),
        ("... where it is certain", learned.certain),
    ):
        table.add_row(name, f"{estimate.n:,}", estimate_text("exact_rate", estimate).bracketed, "", "", "")
    table.add_section()
    for generator, styles in learned.errors.items():
        for style, errors in styles.items():
            name = one_line(f"{generator} · {style}" if style else generator)
            counts = (str(errors.n), str(errors.exact), str(errors.over), str(errors.under))
            table.add_row(name, *counts, f"{errors.bias:+.2f}")
    margins = plain_table()
    for title in ("margin", "judged", "right of these"):
        margins.add_column(title, justify="right")
    for stop in learned.stops:
        margins.add_row(f"{stop.margin:g}", f"{stop.certain:.1%}", f"{stop.right:.1%}")
    return Group(
        titled(heading, table),
        Text(f"{_rule(learned.rule)}; agreement is on pictures the rule was not fitted to", "dim"),
        "",
        titled("a wider margin judges fewer pictures, and is right more often", margins),
        "",
        titled("judging the surest counts by their probability of being right", _kept(learned)),
    )


def _kept(learned: Calibration) -> RenderableType:
    """Return how many of the surest counts are wrong, by how many of them are kept."""
    table = plain_table()
    for title in ("judged", "wrong of these", "probability at least"):
        table.add_column(title, justify="right")
    for coverage in COVERAGES:
        point = next((point for point in learned.confidence.curve if point.coverage >= coverage - 1e-12), None)
        if point is not None:
            table.add_row(f"{point.coverage:.0%}", f"{point.risk:.1%}", f"{point.confidence:.2f}")
    return table


def _rule(rule: CountingRule) -> str:
    own = ", ".join(
        f"{one_line(name, 40)} {value:g}" for name, value in (*rule.thresholds.items(), *rule.by_style.items())
    )
    parts = [f"threshold {rule.threshold:g}{f' ({own})' if own else ''}", f"merging at {rule.merge_iou:g}"]
    if rule.relative_threshold > 0:
        parts.append(f"nothing under {rule.relative_threshold:g} of the best score")
    if rule.distractor_score_ratio > 1:
        parts.append(f"other nouns need {rule.distractor_score_ratio:g} times the score")
    parts.append(f"margin {rule.margin:g}")
    if rule.zero_doubt_score < 1:
        parts.append(f"a count of 0 is uncertain where a score reaches {rule.zero_doubt_score:g}")
    if rule.max_certain_count is not None:
        parts.append(f"counts above {rule.max_certain_count} are uncertain")
    if rule.min_probability > 0:
        parts.append(f"counts less than {rule.min_probability:.2f} likely to be right are uncertain")
    elif rule.probability_weights:
        parts.append("no count is uncertain by its probability, as no labelled one is wrong under this rule")
    return ", ".join(parts)
