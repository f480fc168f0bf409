"""The first lines of a report: the result in a sentence, and what was lost."""

from __future__ import annotations

from collections.abc import Sequence

from countcheck.cards import split_settings
from countcheck.metrics.failures import failure_reasons
from countcheck.reports.format import EstimateJson, difference_text, estimate_text, number, quantity
from countcheck.reports.report import Model, Report
from countcheck.reports.safe_text import visible
from countcheck.reports.wording import rewriting_in_words

MAX_NAMED = 4
_LONGEST_NAME = 40
_LONGEST_LIST = 90  # characters of all models named in the headline, which takes two lines at most


def headline(report: Report) -> str:
    """Say in one sentence how often each model was exact, and how sure a difference of two is.

    Two models are told apart by their paired difference; the rates are those of the table of models.
    """
    if not report.models:
        return "This run asked nothing of any model."
    names = short_names([model.label for model in report.models])
    scored = [index for index, model in enumerate(report.models) if _value(model) is not None]
    if not scored:
        return _of_turns(report, names) or "No picture came back that could be scored."
    if len(scored) == 1:
        return _of_one(report.models[scored[0]], names[scored[0]])
    if len(scored) == 2 and report.baseline in scored:
        other = next(index for index in scored if index != report.baseline)
        if report.models[other].label in report.differences:
            return _of_two(report, other, names)
    ranked = sorted(scored, key=lambda index: -(_value(report.models[index]) or 0.0))
    rates = [f"{names[index]} {_rate(report.models[index])}" for index in ranked[:MAX_NAMED]]
    while len(rates) > 1 and sum(map(len, rates)) > _LONGEST_LIST:
        rates.pop()
    more = f", {len(ranked) - len(rates)} more below" if len(ranked) > len(rates) else ""
    best = estimate_text("exact_rate", report.models[ranked[0]].rates["exact_rate"])
    rates[0] += f" (95\u00a0% interval {best.interval})" if best.interval else ""
    return f"Exactly as asked: {', '.join(rates)}{more}."


def _of_one(model: Model, name: str) -> str:
    asked = model.counts["asked"]
    if model.counts["refusals"] == asked:
        every = "the only try" if asked == 1 else f"all {number(asked)} tries"
        return f"{name} refused {every}."
    exact = estimate_text("exact_rate", model.rates["exact_rate"])
    interval = f" (95\u00a0% interval {exact.interval})" if exact.interval else ""
    return f"{name}: {exact.value} of {quantity(asked, 'try', 'tries')} exactly as asked{interval}{_corrected(model)}."


def _of_two(report: Report, other: int, names: Sequence[str]) -> str:
    """One model against the baseline: both rates, the difference, and whether the pairs can tell it from none."""
    comparison = report.differences[report.models[other].label]
    rates = f"{names[other]} {_rate(report.models[other])}, {names[report.baseline]} {_rate(report.models[report.baseline])}"
    pair = comparison["rates"].get("exact_rate")
    if pair is None or pair["difference"]["value"] is None:
        return f"Exactly as asked: {rates}."
    difference = pair["difference"]
    text = difference_text("exact_rate", difference)
    interval = f" [{text.low}, {text.high}]" if text.low else ""
    basis = f" over {quantity(comparison['pairs'], 'pair')}" if comparison["pairs"] else " over tries that do not pair"
    paired_alone = basis if sum(comparison["unpaired"].values()) or not comparison["pairs"] else ""
    return (
        f"Exactly as asked: {rates}. Difference {text.value} points{interval}{paired_alone}: {_sureness(difference)}."
    )


def _sureness(difference: EstimateJson) -> str:
    low, high = difference["low"], difference["high"]
    if low is None or high is None or low <= 0 <= high:
        return "too few prompts to tell"
    return "better" if low > 0 else "worse"


def _of_turns(report: Report, names: Sequence[str]) -> str:
    """The result when there are only conversations; empty when there are none."""
    parts = []
    for model, name in zip(report.models, names, strict=True):
        exact = estimate_text("turn_exact_rate", model.rates.get("turn_exact_rate"))
        if _value(model, "turn_exact_rate") is not None:
            interval = f" (95\u00a0% interval {exact.interval})" if exact.interval else ""
            parts.append(f"{name} {exact.value} of {quantity(model.turns['asked'], 'turn')}{interval}")
    return f"In conversation, exactly as asked: {'; '.join(parts[:MAX_NAMED])}." if parts else ""


def _corrected(model: Model) -> str:
    """The exact rate corrected by labels; empty without labels."""
    corrected = model.corrected.get("exact_rate")
    if corrected is None or corrected["value"] is None:
        return ""
    return f"; corrected by people's labels {estimate_text('exact_rate', corrected)}"


def losses(report: Report) -> list[str]:
    """Say of each model how many samples were lost or are uncertain, and how many different pictures its rates stand on.

    Empty when every sample was scored for sure and no picture came twice.
    """
    names = short_names([model.label for model in report.models])
    sentences = []
    for model, name in zip(report.models, names, strict=True):
        parts = []
        if model.lost:
            failures, missing, planned = (model.total(count) for count in ("failures", "missing", "planned"))
            reasons = [quantity(failures, "failure") + _commonest(model)] if failures else []
            reasons += [f"{number(missing)} not made"] if missing else []
            parts.append(f"scored {number(planned - model.lost)} of {number(planned)} ({', '.join(reasons)})")
        if model.total("uncertain"):
            parts.append(f"{quantity(model.total('uncertain'), 'picture')} uncertain")
        if "distinct" in model.counts:
            distinct, pictures = model.counts["distinct"], model.counts["pictures"]
            parts.append(f"{number(distinct)} different pictures of {number(pictures)}")
        if parts:
            sentences.append(f"{name}: {'; '.join(parts)}.")
    return sentences


def rewritings(report: Report) -> list[str]:
    """Say of each model whose prompts are rewritten how many of the numbers were, and how exact it is with and without."""
    names = short_names([model.label for model in report.models])
    return [
        f"{name}: {rewriting_in_words(model.rewriting)}."
        for model, name in zip(report.models, names, strict=True)
        if model.rewriting
    ]


def _commonest(model: Model) -> str:
    """Return the commonest reason for which samples of a model failed, with how often."""
    reason = failure_reasons(model.rows.table)[0]
    times = "" if reason.n == model.total("failures") else f"{number(reason.n)} × "
    return f": {times}{visible(reason.message or reason.failure, 120)}"


def short_names(labels: Sequence[str]) -> list[str]:
    """Shorten model labels for a sentence: without family and organisation, and with the settings that differ alone.

    >>> short_names(["diffusers:stabilityai/sdxl-turbo?steps=4", "tiny"])
    ['sdxl-turbo', 'tiny']
    >>> short_names(["tiny?steps=4&size=64", "tiny?steps=8&size=64"])
    ['tiny?steps=4', 'tiny?steps=8']
    """
    parts = [_parts(label) for label in labels]
    names = []
    for head, settings, run in parts:
        short = head.rpartition("/")[2].rpartition(":")[2] or head
        alike = [other for other, _, _ in parts if other.endswith(short)]
        base = short if len(set(alike)) == 1 else head
        shared = set.intersection(*(set(others) for other, others, _ in parts if other == head))
        own = ",".join(setting for setting in settings if setting not in shared)
        name = base + (f"?{own}" if own else "") + (f" · {run}" if run else "")
        names.append(name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…")
    return names if len(set(names)) == len(set(labels)) else list(labels)


def _parts(label: str) -> tuple[str, list[str], str]:
    """Split a label into the model, its settings and the run that tells it from one of the same name."""
    name, _, run = label.partition(" · ")
    head, _, settings = name.partition("?")
    return head, split_settings(settings), run


def _value(model: Model, rate: str = "exact_rate") -> float | None:
    estimate = model.rates.get(rate)
    return None if estimate is None else estimate["value"]


def _rate(model: Model) -> str:
    return estimate_text("exact_rate", model.rates["exact_rate"]).value
