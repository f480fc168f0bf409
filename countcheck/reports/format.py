"""Numbers and estimates as text, one way for every form of a report. Pure; units come from the registry of rates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from countcheck.metrics.rates import Unit, unit_of
from countcheck.stats.estimate import TOO_FEW, Estimate

# An estimate as published: value, low, high, level, n, clusters, method.
EstimateJson = Mapping[str, Any]

NONE = "–"
_NARROW = 0.04  # an interval narrower than this is shown in tenths of a per cent, as are shares below _SMALL
_SMALL = 0.1
_WIDE = 0.2  # a difference whose interval is as wide as this is shown in whole points


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateText:
    """An estimate in the unit of its rate.

    Attributes:
        value: Such as ``61 %`` (the space does not break), ``$0.0071``; "–" where there is no value.
        low, high: Ends of the interval, without the unit; both empty where there is none.
    """

    value: str
    low: str = ""
    high: str = ""

    @property
    def interval(self) -> str:
        """The interval as "52 to 69"; empty where there is none."""
        return f"{self.low} to {self.high}" if self.low else ""

    @property
    def bracketed(self) -> str:
        """Value and interval as "61 % [52, 69]", for a terminal."""
        return f"{self.value} [{self.low}, {self.high}]".replace("\u00a0", " ") if self.low else self._plain

    @property
    def _plain(self) -> str:
        return self.value.replace("\u00a0", " ")

    def __str__(self) -> str:
        """Value and interval as "61 % (52 to 69)"."""
        return f"{self.value} ({self.interval})" if self.low else self.value


def estimate_text(rate: str, estimate: Estimate | EstimateJson | None) -> EstimateText:
    """Write an estimate in the unit of its rate.

    >>> body = {"value": 0.612, "low": 0.523, "high": 0.694}
    >>> estimate_text("exact_rate", body).bracketed
    '61 % [52, 69]'
    """
    if _is_too_few(estimate):
        return EstimateText(value=TOO_FEW)
    value, low, high = _ends(estimate)
    unit = unit_of(rate)
    if value is None:
        return EstimateText(value=NONE if low is None else f"over {_with_unit(low, unit, fine=False)}")
    fine = unit is Unit.SHARE and _is_fine(value, low, high)
    if low is None or high is None:
        return EstimateText(value=_with_unit(value, unit, fine=fine))
    return EstimateText(
        value=_with_unit(value, unit, fine=fine), low=_bare(low, unit, fine=fine), high=_bare(high, unit, fine=fine)
    )


def difference_text(rate: str, difference: Estimate | EstimateJson | None) -> EstimateText:
    """Write a difference of two rates with its sign: shares in percentage points, other rates in their unit.

    >>> difference_text("exact_rate", {"value": -0.12, "low": -0.18, "high": 0.06}).bracketed
    '−12 [−18, +6]'
    """
    if _is_too_few(difference):
        return EstimateText(value=TOO_FEW)
    value, low, high = _ends(difference)
    if value is None:
        return EstimateText(value=NONE)
    unit = unit_of(rate)
    digits = 1 if low is None or high is None or high - low < _WIDE else 0

    def signed(number: float) -> str:
        if unit is Unit.SHARE:
            text = f"{round(100 * number, digits) + 0.0:+.{digits}f}"
        else:
            text = f"{'-' if number < 0 else '+'}{_bare(abs(number), unit, fine=False)}"
        return text.replace("-", "\u2212")

    if low is None or high is None:
        return EstimateText(value=signed(value))
    return EstimateText(value=signed(value), low=signed(low), high=signed(high))


def _is_too_few(estimate: Estimate | EstimateJson | None) -> bool:
    if estimate is None:
        return False
    method = estimate.method if isinstance(estimate, Estimate) else estimate.get("method", "")
    return str(method).startswith(TOO_FEW)


def axis_mark(estimate: Estimate | None, width: int = 20) -> str:
    """Draw the interval on an axis from 0 to 1, ``width`` characters: "···├──●──┤·····"."""
    if estimate is None or estimate.low is None or estimate.high is None or estimate.value is None:
        return " " * width
    low, at, high = (min(width - 1, max(0, int(x * width))) for x in (estimate.low, estimate.value, estimate.high))
    axis = ["·"] * width
    for place in range(low, high + 1):
        axis[place] = "─"
    axis[low], axis[high] = "├", "┤"
    axis[at] = "●"
    return "".join(axis)


def p_value(value: float | None) -> str:
    """Write a p-value: "0.03", "0.004", "<0.001"; "–" where there is none."""
    if value is None:
        return NONE
    return "<0.001" if value < 0.001 else f"{value:.{3 if value < 0.01 else 2}f}"


def percent(value: float, *, fine: bool = False) -> str:
    """Write a share, 0 to 1, as per cent: ``62 %``, or ``62.3 %`` when fine; the space does not break."""
    return f"{_bare(value, Unit.SHARE, fine=fine)}\u00a0%"


def seconds(value: float) -> str:
    """Write a duration: ``0.4 s``, ``1 min 20 s``."""
    if value < 100:
        return f"{_two_figures(value)}\u00a0s"
    return f"{value // 60:.0f}\u00a0min {value % 60:.0f}\u00a0s"


def money(value: float) -> str:
    """Write USD, with two figures below one dollar: ``$0.0071``, ``$1.20``, ``$37``."""
    if 0 < value < 1:
        return f"${_two_figures(value)}"
    return f"${value:.2f}" if value < 10 else f"${value:,.0f}"


def file_size(n: int) -> str:
    """Write a number of bytes in the unit that suits it.

    >>> file_size(6_940_000_000)
    '6.9 GB'
    """
    value = float(n)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def number(n: int) -> str:
    """Write a whole number with thin spaces between thousands."""
    return f"{n:,}".replace(",", "\u202f")


def quantity(n: int, singular: str, plural: str = "") -> str:
    """Write a number of things; ``plural`` is needed where it is not the singular with an s.

    >>> quantity(1, "picture"), quantity(3, "picture"), quantity(2, "try", "tries")
    ('1 picture', '3 pictures', '2 tries')
    """
    return f"{number(n)} {singular if n == 1 else plural or singular + 's'}"


def _ends(estimate: Estimate | EstimateJson | None) -> tuple[float | None, float | None, float | None]:
    if estimate is None:
        return None, None, None
    if isinstance(estimate, Estimate):
        return estimate.value, estimate.low, estimate.high
    return estimate["value"], estimate["low"], estimate["high"]


def _is_fine(value: float, low: float | None, high: float | None) -> bool:
    if low is None or high is None or low == high == 0:
        return False
    return high - low < _NARROW or max(value, high) < _SMALL


def _with_unit(value: float, unit: Unit, *, fine: bool) -> str:
    match unit:
        case Unit.SHARE:
            return percent(value, fine=fine)
        case Unit.USD:
            return money(value)
        case Unit.SECONDS:
            return seconds(value)
    return _bare(value, unit, fine=fine)


def _bare(value: float, unit: Unit, *, fine: bool) -> str:
    match unit:
        case Unit.SHARE:
            return f"{value * 100:.1f}" if fine else f"{value * 100:.0f}"
        case Unit.NUMBER:
            return f"{value:.0f}"
        case Unit.SECONDS | Unit.USD:
            return _two_figures(value)
    return f"{value:.2f}"


def _two_figures(value: float) -> str:
    """Two figures, never in powers of ten."""
    if value == float("inf"):
        return "∞"
    if value <= 0 or value >= 10:
        return f"{value:.0f}"
    return f"{value:.{max(0, 1 - math.floor(math.log10(value)))}f}"
