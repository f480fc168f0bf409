"""Numbers and foreign text as a reader sees them. Pure; the same words in every form of the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from countcheck.metrics.rates import Unit, unit_of
from countcheck.reports.safe_text import visible

if TYPE_CHECKING:
    from countcheck.suites.suite import Target

# An estimate as published: value, low, high, level, n, clusters, method.
EstimateJson = Mapping[str, Any]

_NARROW = 0.04

VERDICTS = {
    "exact": "every number is as asked",
    "over": "more than asked",
    "under": "fewer than asked",
    "missing": "none of something that was asked for",
    "mixed": "too many of one thing and too few of another",
    "refused": "the model would not draw it",
    "uncertain": "the counter cannot tell for sure; not counted as exact, and worth a person's look",
    "failed": "the service or the machine broke; counts neither for nor against the model",
}
"""What each verdict says, for a reader who meets the words for the first time."""

REASONS = {
    "stated": "Named what it objects to",
    "capability": "Said it cannot draw this",
    "unexplained": "Declined and named nothing",
    "deflected": "Answered with words or a question instead",
    "silent": "Gave a blank, black or withheld picture",
}


def percent(value: float, *, fine: bool = False) -> str:
    """A share as percent: ``62 %``, or ``62.3 %`` when fine; the space does not break."""
    return f"{_bare(value, fine)}\u00a0%"


def estimate_words(rate: str, estimate: EstimateJson | None) -> tuple[str, str]:
    """The value and the interval in the unit of the rate; the interval is empty where there is none."""
    if estimate is None or estimate["value"] is None:
        return "–", ""
    low, high, value = estimate["low"], estimate["high"], estimate["value"]
    unit = unit_of(rate)
    if unit is Unit.USD:
        return money(value), "" if low is None or high is None else f"{_short(low)} to {_short(high)}"
    if unit is Unit.SECONDS:
        return seconds(value), "" if low is None or high is None else f"{_short(low)} to {_short(high)}"
    if unit is Unit.NUMBER:
        return f"{value:.0f}", "" if low is None or high is None else f"{low:.0f} to {high:.0f}"
    if unit is not Unit.SHARE:
        return f"{value:.2f}", "" if low is None or high is None else f"{low:.2f} to {high:.2f}"
    fine = low is not None and high is not None and high - low < _NARROW
    interval = "" if low is None or high is None else f"{_bare(low, fine)} to {_bare(high, fine)}"
    return percent(value, fine=fine), interval


def points(difference: EstimateJson) -> tuple[str, str]:
    """A difference of two shares in percentage points with its sign, and its interval."""
    value, low, high = difference["value"], difference["low"], difference["high"]
    if value is None:
        return "–", ""
    interval = "" if low is None or high is None else f"{_signed(low)} to {_signed(high)}"
    return _signed(value), interval


def p_words(value: float) -> str:
    """A p-value as it is read: ``p = 0.03``, ``p < 0.001``."""
    return "p\u00a0<\u00a00.001" if value < 0.001 else f"p\u00a0=\u00a0{value:.{3 if value < 0.01 else 2}f}"


def seconds(value: float) -> str:
    """A duration: ``0.4 s``, ``1 min 20 s``."""
    if value < 100:
        return f"{_short(value)}\u00a0s"
    return f"{value // 60:.0f}\u00a0min {value % 60:.0f}\u00a0s"


def money(value: float) -> str:
    """USD to two figures below ten dollars: ``$0.0071``, ``$1.20``, ``$37``."""
    if 0 < value < 1:
        return f"${_short(value)}"
    return f"${value:.2f}" if value < 10 else f"${value:,.0f}"


def number(n: int) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{n:,}".replace(",", "\u202f")


def several(n: int, one: str, many: str = "") -> str:
    """``1 picture``, ``3 pictures``."""
    return f"{number(n)} {one if n == 1 else many or one + 's'}"


def things(n: int, noun: str) -> str:
    """``1 pig``, ``3 pigs``, with a space that does not break; the noun made visible."""
    from countcheck.suites.language.nouns import plural_of

    return f"{n}\u00a0{visible(noun if n == 1 else plural_of(noun), 60)}"


def wish(target: Target) -> str:
    """What a target demands: ``exactly 3 pigs``, ``no dogs``, ``more cats than dogs``."""
    from countcheck.suites.language.nouns import plural_of

    return target.sentence(things=things, many=lambda noun: visible(plural_of(noun), 60))


def tag_title(tag: str) -> str:
    """A tag as the head of a chart or a list of choices."""
    return "number of kinds" if tag == "kinds" else visible(tag, 60).replace("_", " ")


def sentence(text: str) -> str:
    """Text with its first letter large."""
    return text[:1].upper() + text[1:]


def uncapitalized(text: str) -> str:
    """Text with its first letter small."""
    return text[:1].lower() + text[1:]


def _bare(value: float, fine: bool) -> str:
    return f"{value * 100:.1f}" if fine else f"{value * 100:.0f}"


def _short(value: float) -> str:
    """Two figures, never in powers of ten."""
    if value == float("inf"):
        return "∞"
    if value <= 0 or value >= 10:
        return f"{value:.0f}"
    return f"{value:.{max(0, 1 - math.floor(math.log10(value)))}f}"


def _signed(value: float) -> str:
    text = f"{value * 100:+.1f}"
    return text.replace("-", "\u2212")
