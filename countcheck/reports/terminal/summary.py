"""A summary in a terminal: a few lines with the result, and all rates, splits and matrices on demand."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from countcheck.metrics.rates import RATES
from countcheck.metrics.summary import GeneratorSummary, Summary
from countcheck.reports.format import axis_mark, estimate_text, quantity
from countcheck.reports.safe_text import one_line
from countcheck.reports.terminal.tables import plain_table, rate_cell, rate_title, titled
from countcheck.reports.wording import label_advice, refusal_review_in_words, rewriting_in_words
from countcheck.stats.estimate import Estimate
from countcheck.storage.run_info import SelfTestInfo

KNOWN_TAGS = ("number", "noun", "style", "number_form", "kinds")
MAX_VALUES = 12
"""Most values of one tag in a table; the worst are shown and the rest counted."""
MAX_FAILURES = 3
"""Most reasons of failures that are shown of one generator."""
_MAX_SPLIT = 400
_WRONG = ("over_rate", "under_rate", "missing_rate", "mixed_rate")
_RARE = ("missing_rate", "mixed_rate", "uncertain_rate")
_TURN_RATES = (
    "turn_exact_rate",
    "kept_rate",
    "repaired_rate",
    "false_claim_rate",
    "turn_refusal_rate",
    "repair_refusal_rate",
    "sticky_refusal_rate",
)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Rendered for the width that the console has."""

    summary: Summary
    full: bool
    by: tuple[str, ...] | None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield from _parts(self.summary, options.max_width, self.full, self.by)


def render_summary(
    summary: Summary, *, name: str = "", full: bool = False, by: Sequence[str] | None = None
) -> RenderableType:
    """Return the result in a few lines.

    Args:
        name: The run's, for a run that records none.
        full: Also every rate, every split and the asked × counted matrices.
        by: Also the exact rate split by these tags.
    """
    return _Fitted(replace(summary, run=summary.run or name), full, None if by is None else tuple(by))


def _parts(summary: Summary, width: int, full: bool, by: tuple[str, ...] | None) -> Iterator[RenderableType]:
    yield _coverage(summary)
    yield from _failures(summary)
    yield from (Text(f"! {one_line(warning, 400)}", style="yellow") for warning in summary.warnings)
    if not any(generator.scored for generator in summary.generators.values()):
        yield Text("nothing was scored: every sample failed or is still missing.", style="bold red")
        return
    yield ""
    yield from _results(summary)
    sections: list[RenderableType] = []
    if full:
        sections += _all_rates(summary, width)
    if full or by:
        sections += _splits(summary, width, by)
    if full:
        sections += _matrices(summary, width)
    for section in sections:
        yield ""
        yield section
    yield ""
    yield _notes(summary, full or by is not None)


def _coverage(summary: Summary) -> Text:
    scored = sum(generator.scored for generator in summary.generators.values())
    planned = sum(generator.planned for generator in summary.generators.values())
    lost = scored < planned
    line = Text()
    line.append(
        f"scored {scored:,} of {planned:,}" if lost else f"scored all {planned:,}", "bold yellow" if lost else "bold"
    )
    line.append(_losses(summary))
    line.append(_rewriters(summary), "yellow")
    line.append(f"\nsuite {one_line(summary.suite)} · run {one_line(summary.run)} · {_counter(summary)}", "dim")
    return line


def _losses(summary: Summary) -> str:
    words = {"failures": "failed", "missing": "not made yet", "uncertain": "uncertain"}
    totals = {
        name: sum(
            generator.counts[name] + generator.conversations.get(name, 0) for generator in summary.generators.values()
        )
        for name in words
    }
    parts = [f"{n:,} {words[name]}" for name, n in totals.items() if n]
    return f" · {', '.join(parts)}" if parts else ""


def _rewriters(summary: Summary) -> str:
    """Name the generators whose prompts are rewritten: what is counted may not be what was asked."""
    names = [one_line(name, 40) for name, own in summary.generators.items() if own.rewriting]
    verb = "rewrites" if len(names) == 1 else "rewrite"
    return f" · {', '.join(names)} {verb} prompts" if names else ""


def _failures(summary: Summary) -> Iterator[Text]:
    """One line for each of the commonest reasons for which samples of a generator failed."""
    for name, generator in summary.generators.items():
        whose = f"{one_line(name, 40)}: " if len(summary.generators) > 1 else ""
        for reason in generator.failures[:MAX_FAILURES]:
            said = one_line(reason.message, 160) or "no reason given"
            yield Text(f"{whose}failed {reason.n:,} × {said} ({one_line(reason.failure)})", "yellow")


def _counter(summary: Summary) -> str:
    name = one_line(summary.counter.name or "unknown")
    if rule := summary.counter.rule.get("name"):
        name = f"{name} ({one_line(str(rule))} rule)"
    score = summary.self_test.plain
    if score.total:
        passed = "passed" if score.passed else "FAILED"
        return f"counter {name} {passed} its self-test ({score.right} of {score.total}){_untested(summary.self_test)}"
    return f"counter {name}, without a self-test{_untested(summary.self_test)}"


def _untested(self_test: SelfTestInfo) -> str:
    parts = []
    if self_test.untested_styles:
        parts.append(f"untested in {', '.join(map(one_line, self_test.untested_styles))}")
    if self_test.unlike:
        parts.append(f"{self_test.unlike} of {self_test.compared} pictures look unlike those of its test")
    if self_test.pasted:
        parts.append(f"{self_test.pasted_right} of {self_test.pasted} with things pasted in counted right")
    return "".join(f", {part}" for part in parts)


def _results(summary: Summary) -> Iterator[RenderableType]:
    """One line a generator: how often it is exact, and what goes wrong; one more for its conversations."""
    for name, generator in summary.generators.items():
        if generator.counts["asked"]:
            yield _result(name, generator)
        if generator.rewriting and generator.rewriting.rewritten:
            yield Text(f"{one_line(name)}: {rewriting_in_words(generator.rewriting.to_json())}", "yellow")
        if generator.conversations:
            yield _conversation_result(name, generator)
        if generator.refusal_review is not None:
            yield Text(f"{one_line(name)}: {refusal_review_in_words(generator.refusal_review.to_json())}", "green")


def _result(name: str, generator: GeneratorSummary) -> Text:
    exact = generator.rates.get("exact_rate")
    line = Text()
    line.append(one_line(name), "bold")
    line.append(": ")
    line.append(_in_words(exact, "exact_rate"), "bold" if exact else "dim")
    line.append(f" of {quantity(generator.counts['asked'], 'try', 'tries')}".replace("\u202f", ","))
    if "distinct" in generator.counts:
        pictures, distinct = generator.counts["pictures"], generator.counts["distinct"]
        line.append(f" · {distinct:,} different pictures of {pictures:,}", "yellow")
    corrected = generator.corrected.get("exact_rate")
    if corrected is not None:
        line.append(f" · corrected by labels {estimate_text('exact_rate', corrected).bracketed}", "green")
    for rate in (*_WRONG, "refusal_rate", "unclear_refusal_rate"):
        estimate = generator.rates.get(rate)
        if estimate is not None and estimate.value:
            line.append(f" · {rate_title(rate).lower()} {_value(rate, estimate)}")
    return line


def _conversation_result(name: str, generator: GeneratorSummary) -> Text:
    line = Text()
    line.append(one_line(name), "bold")
    line.append(f", {quantity(generator.conversations['conversations'], 'conversation')}: ")
    parts = [
        f"{rate_title(rate).lower()} {_value(rate, generator.rates[rate])}"
        for rate in _TURN_RATES
        if rate in generator.rates and generator.rates[rate].value is not None
    ]
    line.append(" · ".join(parts) or "no turn was scored")
    return line


def _in_words(estimate: Estimate | None, rate: str) -> str:
    text = estimate_text(rate, estimate)
    interval = f" [{text.low}, {text.high}]" if text.low else ""
    return f"{text.value.replace(chr(0xA0), ' ')} {rate_title(rate).lower()}{interval}"


def _value(rate: str, estimate: Estimate) -> str:
    return estimate_text(rate, estimate).value.replace("\u00a0", " ")


def _all_rates(summary: Summary, width: int) -> Iterator[RenderableType]:
    """Every rate with its name in policies, its interval and its denominator; as many generators a table as fit."""
    names = list(summary.generators)
    each = max(1, (width - 32) // 30)
    for start in range(0, len(names), each):
        part = names[start : start + each]
        table = plain_table()
        table.add_column("rate", overflow="fold", max_width=32)
        for name in part:
            table.add_column(one_line(name, 40), justify="right", overflow="fold")
            table.add_column("of", justify="right", style="dim")
        for rate in _shown_rates(summary, part):
            _add_rate(table, rate, [summary.generators[name].rates.get(rate) for name in part])
            corrected = [summary.generators[name].corrected.get(rate) for name in part]
            if any(corrected):
                _add_rate(table, rate, corrected, corrected=True)
        yield titled("rates", table)


def _shown_rates(summary: Summary, names: Sequence[str]) -> list[str]:
    known = dict.fromkeys(rate for name in names for rate in summary.generators[name].rates)
    ordered = [rate for rate in RATES if rate in known] + [rate for rate in known if rate not in RATES]
    return [
        rate
        for rate in ordered
        if rate not in _RARE or any(_is_positive(summary.generators[name].rates.get(rate)) for name in names)
    ]


def _is_positive(estimate: Estimate | None) -> bool:
    return estimate is not None and bool(estimate.value)


def _add_rate(table: Table, rate: str, estimates: Sequence[Estimate | None], *, corrected: bool = False) -> None:
    cells = []
    for estimate in estimates:
        cells += [estimate_text(rate, estimate).bracketed, "" if estimate is None else f"{estimate.n:,}"]
    if corrected:
        table.add_row("  corrected by labels", *cells, style="green")
    else:
        table.add_row(rate_cell(rate), *cells)


def _splits(summary: Summary, width: int, by: tuple[str, ...] | None) -> Iterator[RenderableType]:
    tags = {tag for generator in summary.generators.values() for tag in generator.by}
    ordered = [tag for tag in KNOWN_TAGS if tag in tags] + sorted(tags - set(KNOWN_TAGS))
    for tag in ordered:
        values = list(dict.fromkeys(value for one in summary.generators.values() for value in one.by.get(tag, {})))
        if (by is None and 2 <= len(values) <= _MAX_SPLIT) or (by is not None and tag in by):
            yield from _split(summary, tag, values, width)


def _split(summary: Summary, tag: str, values: list[str], width: int) -> Iterator[RenderableType]:
    shown = values if len(values) <= MAX_VALUES else _worst(summary, tag, values)
    title = f"exactly as asked by {one_line(tag).replace('_', ' ')}"
    if len(shown) < len(values):
        title += f": the worst {len(shown)} of {len(values)}"
    names = list(summary.generators)
    each = max(1, (width - 20) // 18)
    for start in range(0, len(names), each):
        part = names[start : start + each]
        axis = 0 if len(part) > 1 and width < 100 else max(0, min(24, (width - 20) // len(part) - 18))
        axis = axis if axis >= 8 else 0
        table = plain_table()
        table.add_column("", style="bold", max_width=20, overflow="ellipsis", no_wrap=True)
        for name in part:
            table.add_column(one_line(name, 40), justify="right", overflow="fold")
            if axis:
                table.add_column("", style="cyan", no_wrap=True)
        for value in shown:
            table.add_row(one_line(value, 20), *_split_cells(summary, part, tag, value, axis))
        yield titled(title, table)


def _split_cells(summary: Summary, names: Sequence[str], tag: str, value: str, axis: int) -> Iterator[str]:
    for name in names:
        generator = summary.generators[name]
        estimate = generator.by.get(tag, {}).get(value, {}).get("exact_rate")
        withheld = generator.withheld.get(tag, {}).get(value)
        yield "withheld" if withheld else estimate_text("exact_rate", estimate).bracketed
        if axis:
            yield axis_mark(estimate, axis)


def _worst(summary: Summary, tag: str, values: list[str]) -> list[str]:
    def mean(value: str) -> float:
        rates = [
            generator.by.get(tag, {}).get(value, {}).get("exact_rate") for generator in summary.generators.values()
        ]
        known = [rate.value for rate in rates if rate is not None and rate.value is not None]
        return sum(known) / len(known) if known else 2.0

    return sorted(values, key=mean)[:MAX_VALUES]


def _matrices(summary: Summary, width: int) -> Iterator[RenderableType]:
    for name, generator in summary.generators.items():
        if generator.matrix:
            yield titled(f"{one_line(name)}: asked (down) × counted (across)", _matrix(generator.matrix, width))


def _matrix(matrix: Mapping[str, Mapping[str, int]], width: int) -> Table:
    counted = sorted({int(n) for row in matrix.values() for n in row})
    room = max(4, (width - 12) // 6)
    shown = counted[: room - 1] if len(counted) > room else counted
    larger = counted[len(shown) :]
    table = plain_table()
    table.add_column("", style="bold", justify="right")
    for n in shown:
        table.add_column(str(n), justify="right")
    if larger:
        table.add_column("more", justify="right")
    for asked in sorted(matrix, key=int):
        row = matrix[asked]
        cells = [_matrix_cell(row.get(str(n), 0), exact=str(n) == asked) for n in shown]
        if larger:
            cells.append(_matrix_cell(sum(row.get(str(n), 0) for n in larger), exact=False))
        table.add_row(asked, *cells)
    return table


def _matrix_cell(n: int, *, exact: bool) -> Text:
    if n == 0:
        return Text("·", "dim")
    return Text(str(n), "bold green" if exact else "red")


def _notes(summary: Summary, all_shown: bool) -> Text:
    level = f"{100 * summary.level:g} %"
    lines = [f"[a, b] is the {level} interval over prompts. A refusal counts as not exact; a failure does not count."]
    if not all_shown:
        command = f"countcheck summary {shlex.quote(one_line(summary.path or summary.run, 200))}"
        lines.append(f"every rate: {command} --full (by number, noun or style: --by number)")
    for name, generator in summary.generators.items():
        for reasons in generator.withheld.values():
            lines += [f"{one_line(name)}: {one_line(reason, 200)}" for reason in reasons.values()]
    if summary.next_labels is not None:
        plan = summary.next_labels.to_json(summary.path or summary.run)
        lines.append(one_line(label_advice(plan), 400))
    return Text("\n".join(lines), "dim")
