"""How one estimate is written, wherever people read it: "61 % [52, 69]", "1.4 [1.1, 1.8]", a mark on an axis."""

from __future__ import annotations

from countcheck.stats.estimate import Estimate

WORDS = {
    "exact_rate": "exact",
    "exact_rate_given_picture": "exact if drawn",
    "exact_rate_judged": "exact if sure",
    "judged_rate": "sure of the count",
    "over_rate": "too many",
    "under_rate": "too few",
    "missing_rate": "none there",
    "mixed_rate": "mixed",
    "uncertain_rate": "uncertain",
    "refusal_rate": "refused",
    "unclear_refusal_rate": "for no clear reason",
    "refusal_flip_rate": "drawn when asked again",
    "sibling_flip_rate": "drawn in other words",
    "failure_rate": "failed",
    "lost_rate": "lost",
    "mean_abs_error": "off by",
    "weighted_error": "off by, of asked",
    "knower_level": "reliable up to",
    "seconds_per_exact": "s per exact",
    "cost_per_exact": "USD per exact",
    "kept_rate": "kept the count",
    "repaired_rate": "repaired",
    "false_claim_rate": "claimed falsely",
    "sticky_refusal_rate": "refusal stuck",
    "turn_exact_rate": "turns exact",
    "turn_refusal_rate": "turns refused",
    "turn_unclear_refusal_rate": "turns refused for no clear reason",
    "conversation_exact_rate": "whole talk exact",
}
"""A rate in the words of a table's head."""

NOT_SHARES = frozenset({"mean_abs_error", "weighted_error", "knower_level", "seconds_per_exact", "cost_per_exact"})


def words_for(rate: str) -> str:
    """A rate in plain words: "exact if drawn", "repaired within 2"."""
    if rate.startswith("repaired_rate_"):
        return f"repaired within {rate.removeprefix('repaired_rate_')}"
    return WORDS.get(rate, rate.replace("_", " "))


def said(rate: str, estimate: Estimate | None, *, signed: bool = False) -> str:
    """An estimate in words: value and interval, in per cent where the rate is a share; "–" where there is none."""
    if estimate is None:
        return "–"
    if rate in NOT_SHARES:
        return _numbers(estimate, whole=rate == "knower_level", signed=signed)
    return _percent(estimate, signed=signed)


def mark(estimate: Estimate | None, width: int = 20) -> str:
    """The interval as a mark on an axis from 0 to 1, ``width`` characters: "···├──●──┤·····"."""
    if estimate is None or estimate.low is None or estimate.high is None or estimate.value is None:
        return " " * width
    low, at, high = (min(width - 1, max(0, int(x * width))) for x in (estimate.low, estimate.value, estimate.high))
    axis = ["·"] * width
    for i in range(low, high + 1):
        axis[i] = "─"
    axis[low], axis[high] = "├", "┤"
    axis[at] = "●"
    return "".join(axis)


def _percent(estimate: Estimate, *, signed: bool) -> str:
    if estimate.value is None:
        return "–"
    ends = [x for x in (estimate.low, estimate.high) if x is not None]
    fine = max((abs(estimate.value), *map(abs, ends))) < 0.1 and not all(x == 0 for x in ends)
    digits = 1 if fine else 0
    sign = "+" if signed else ""
    value = f"{_unsigned_zero(100 * estimate.value, digits):{sign}.{digits}f} %"
    if len(ends) < 2:
        return value
    low, high = (f"{_unsigned_zero(100 * x, digits):{sign}.{digits}f}" for x in ends)
    return f"{value} [{low}, {high}]"


def _unsigned_zero(number: float, digits: int) -> float:
    rounded = round(number, digits)
    return 0.0 if rounded == 0 else rounded


def _numbers(estimate: Estimate, *, whole: bool, signed: bool) -> str:
    sign = "+" if signed else ""

    def one(x: float) -> str:
        if whole:
            return f"{x:{sign}.0f}"
        return f"{x:{sign}.2f}" if abs(x) < 10 else f"{x:{sign}.0f}" if abs(x) >= 100 else f"{x:{sign}.1f}"

    if estimate.value is None:
        return "–" if estimate.low is None else f"over {one(estimate.low)}"
    value = one(estimate.value)
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} [{one(estimate.low)}, {one(estimate.high)}]"
