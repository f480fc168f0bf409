"""A gate's reasons in words: "exact at 4: 61 % [52, 69], was 74 %: 13 points worse [6, 20]; the limit is ..."."""

from __future__ import annotations

from collections.abc import Sequence

from countcheck.gate.policy import GateRule
from countcheck.metrics.rates import rate_named
from countcheck.stats.estimate import Estimate


def subject(rule: GateRule) -> str:
    """What a rule is about: "under-counts at 4 in noir"."""
    words = rate_named(rule.rate).subject
    if rule.corrected:
        words += ", corrected by labels"
    return " ".join([words, *(_place(tag, value) for tag, value in rule.where.items())])


def _place(tag: str, value: str) -> str:
    match tag:
        case "number":
            return f"at {value}"
        case "style":
            return f"in {value}"
        case "noun":
            return f"of {value}"
        case "kinds":
            return f"with {value} kind{'' if value == '1' else 's'}"
    return f"where {tag} is {value}"


def limit_said(rule: GateRule, now: Estimate) -> str:
    """A rule with bounds, in one sentence."""
    given = [(w, b) for w, b in (("at least", rule.at_least), ("at most", rule.at_most)) if b is not None]
    bounds = [f"{word} {_bound(rule.rate, bound)}{_sign(rule.rate)}" for word, bound in given]
    value, *ends = _apart(rule.rate, (now.value or 0.0, now.low, now.high), [bound for _, bound in given])
    said = f"{value}{_sign(rule.rate)}{_interval(ends)}"
    return f"{subject(rule)}: {said}; the limit is {' and '.join(bounds)}{_side(rule)}"


def loss_said(rule: GateRule, now: Estimate, then: Estimate, gap: Estimate) -> str:
    """A rule against a baseline, in one sentence."""
    assert gap.value is not None and then.value is not None
    sign = 1 if rate_named(rule.rate).higher_is_better else -1
    better = sign * gap.value
    ends = sorted(-sign * x if better < 0 else sign * x for x in (gap.low or 0.0, gap.high or 0.0))
    word = "worse" if better < 0 else "better"
    unit = " points" if rate_named(rule.rate).is_share else ""
    limit = rule.no_worse_by or 0.0
    size, low, high = _apart(rule.rate, (abs(gap.value), *ends), [limit if better < 0 else -limit])
    change = f"{size}{unit} {word} [{low}, {high}]" if better else f"no change, give or take {high}{unit}"
    was = f"{_plain(rule.rate, then.value)}{_sign(rule.rate)}"
    value, *sides = (None if x is None else _plain(rule.rate, x) for x in (now.value or 0.0, now.low, now.high))
    return (
        f"{subject(rule)}: {value}{_sign(rule.rate)}{_interval(sides)}, was {was}: {change}; the limit is a loss of "
        f"{_bound(rule.rate, limit)}{unit}{_side(rule)}{'' if 'unpaired' not in gap.method else ' (unpaired)'}"
    )


def _side(rule: GateRule) -> str:
    words = {"low": " for the lower end", "high": " for the upper end", "value": " for the estimate itself"}
    return words.get(rule.side or "", "")


def _interval(ends: Sequence[str | None]) -> str:
    return "" if None in ends else f" [{', '.join(map(str, ends))}]"


def _sign(rate: str) -> str:
    return " %" if rate_named(rate).is_share else ""


def _bound(rate: str, bound: float) -> str:
    """A bound as the policy gives it."""
    return f"{100 * bound if rate_named(rate).is_share else bound:.6g}"


def _apart(rate: str, values: Sequence[float | None], bounds: Sequence[float]) -> list[str | None]:
    """The numbers with as many digits as matter, and more where rounding would move one onto or over a bound."""
    scale = 100 if rate_named(rate).is_share else 1

    def kept(value: float, said: str) -> bool:
        return all(_order(float(said), scale * bound) == _order(scale * value, scale * bound) for bound in bounds)

    plain = [None if value is None else _plain(rate, value) for value in values]
    for digits in (1, 2, 3):
        if all(value is None or said is None or kept(value, said) for value, said in zip(values, plain, strict=True)):
            break
        plain = [None if value is None else f"{scale * value:.{digits}f}" for value in values]
    return plain


def _order(a: float, b: float) -> int:
    return 0 if abs(a - b) < 1e-9 else 1 if a > b else -1


def _plain(rate: str, value: float) -> str:
    """Per cent or points without the sign, or a number: as many digits as matter."""
    share = rate_named(rate).is_share
    scaled = 100 * value if share else value
    if abs(scaled) >= 10 or abs(scaled - round(scaled)) < 1e-9:
        return f"{scaled:.0f}" if abs(scaled) < 1e6 else f"{scaled:.3g}"
    return f"{scaled:.1f}" if share else f"{scaled:.2g}"
