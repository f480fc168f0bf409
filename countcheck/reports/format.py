"""How one estimate is written, wherever people read it: "61 % [52, 69]", "1.4 [1.1, 1.8]", a mark on an axis."""

from __future__ import annotations

from countcheck.metrics.rates import Unit, unit_of
from countcheck.stats.estimate import Estimate


def said(rate: str, estimate: Estimate | None, *, signed: bool = False) -> str:
    """An estimate in words: value and interval, in per cent where the rate is a share; "–" where there is none."""
    if estimate is None:
        return "–"
    unit = unit_of(rate)
    if unit is not Unit.SHARE:
        return _numbers(estimate, whole=unit is Unit.NUMBER, signed=signed)
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
