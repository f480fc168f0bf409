"""A gate's reasons in words: "exact at 4: 61 % [52, 69], was 74 %: 13 points worse [6, 20]; the limit is ..."."""

from __future__ import annotations

from collections.abc import Sequence

from countcheck.gate.policy import GateRule
from countcheck.metrics.rates import Rate
from countcheck.stats.estimate import Estimate

_PLACES = {"number": "at {}", "style": "in {}", "noun": "of {}"}
_SIDES = {"low": " for the lower end", "high": " for the upper end", "value": " for the estimate itself"}


def subject(rule: GateRule) -> str:
    """Return what a rule is about: "under-counts at 4 in noir"."""
    words = rule.definition.subject
    if rule.corrected:
        words += ", corrected by labels"
    return " ".join([words, *(_place(tag, value) for tag, value in rule.where.items())])


def limit_sentence(rule: GateRule, now: Estimate) -> str:
    """Put a rule with bounds into one sentence."""
    rate = rule.definition
    given = [
        (word, bound) for word, bound in (("at least", rule.at_least), ("at most", rule.at_most)) if bound is not None
    ]
    limits = " and ".join(f"{word} {_bound(rate, bound)}{_unit(rate)}" for word, bound in given)
    value, *ends = _digits(rate, (now.value or 0.0, now.low, now.high), [bound for _, bound in given])
    return f"{subject(rule)}: {value}{_unit(rate)}{_interval(ends)}; the limit is {limits}{_SIDES.get(rule.side or '', '')}"


def loss_sentence(rule: GateRule, now: Estimate, then: Estimate, difference: Estimate) -> str:
    """Put a rule against a baseline into one sentence; the difference is candidate less baseline."""
    rate = rule.definition
    sign = 1 if rate.higher_is_better else -1
    better = sign * (difference.value or 0.0)
    ends = sorted(-sign * x if better < 0 else sign * x for x in (difference.low or 0.0, difference.high or 0.0))
    points = " points" if rate.is_share else ""
    limit = rule.no_worse_by or 0.0
    size, low, high = _digits(rate, (abs(better), *ends), [limit if better < 0 else -limit])
    change = f"{size}{points} {'worse' if better < 0 else 'better'} [{low}, {high}]"
    if not better:
        change = f"no change, give or take {high}{points}"
    value, *sides = (None if x is None else _plain(rate, x) for x in (now.value or 0.0, now.low, now.high))
    unpaired = " (unpaired)" if "unpaired" in difference.method else ""
    return (
        f"{subject(rule)}: {value}{_unit(rate)}{_interval(sides)}, was {_plain(rate, then.value or 0.0)}{_unit(rate)}: "
        f"{change}; the limit is a loss of {_bound(rate, limit)}{points}{_SIDES.get(rule.side or '', '')}{unpaired}"
    )


def _place(tag: str, value: str) -> str:
    if tag == "kinds":
        return f"with {value} kind{'' if value == '1' else 's'}"
    return _PLACES.get(tag, f"where {tag} is {{}}").format(value)


def _interval(ends: Sequence[str | None]) -> str:
    return "" if None in ends else f" [{', '.join(map(str, ends))}]"


def _unit(rate: Rate) -> str:
    return " %" if rate.is_share else ""


def _scale(rate: Rate) -> int:
    return 100 if rate.is_share else 1


def _bound(rate: Rate, bound: float) -> str:
    """Write a bound as the policy gives it."""
    return f"{_scale(rate) * bound:.6g}"


def _digits(rate: Rate, values: Sequence[float | None], bounds: Sequence[float]) -> list[str | None]:
    """Write numbers with as many digits as matter, and more where rounding would move one onto or over a bound."""
    scale = _scale(rate)

    def unmoved(value: float, text: str) -> bool:
        return all(_order(float(text), scale * bound) == _order(scale * value, scale * bound) for bound in bounds)

    texts = [None if value is None else _plain(rate, value) for value in values]
    for digits in (1, 2, 3):
        if all(v is None or text is None or unmoved(v, text) for v, text in zip(values, texts, strict=True)):
            break
        texts = [None if value is None else f"{scale * value:.{digits}f}" for value in values]
    return texts


def _order(a: float, b: float) -> int:
    return 0 if abs(a - b) < 1e-9 else 1 if a > b else -1


def _plain(rate: Rate, value: float) -> str:
    """Write per cent or points without the sign, or a number: as many digits as matter."""
    scaled = _scale(rate) * value
    if abs(scaled) >= 10 or abs(scaled - round(scaled)) < 1e-9:
        return f"{scaled:.0f}" if abs(scaled) < 1e6 else f"{scaled:.3g}"
    return f"{scaled:.1f}" if rate.is_share else f"{scaled:.2g}"
