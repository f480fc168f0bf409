"""A summary as tables in a terminal: good at 80 columns, better at 120. What a gate or a comparison says is elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.table import Table
from rich.text import Text

from countcheck.metrics.rates import heading_of
from countcheck.metrics.summary import GeneratorSummary, Summary
from countcheck.reports.format import mark, said
from countcheck.reports.safe_text import one_line
from countcheck.stats.estimate import Estimate

SPLITS = ("number", "noun", "style", "number_form", "kinds")
MOST = 12
"""Most values of one tag in a table; the worst are shown and the rest counted."""


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Drawn for whatever width the console has."""

    summary: Summary

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield from _parts(self.summary, options.max_width)


def render_summary(summary: Summary) -> RenderableType:
    """Headline, rates by generator, then splits by number, noun, style and form, and what was counted for what."""
    return _Fitted(summary)


def _parts(summary: Summary, width: int) -> Iterator[RenderableType]:
    yield _headline(summary)
    yield from (Text(f"! {one_line(sentence, 400)}", style="yellow") for sentence in summary.warnings)
    if not any(one.scored for one in summary.generators.values()):
        yield Text("nothing was scored: every sample failed or is still missing.", style="bold red")
        return
    yield ""
    yield _rates(summary, width)
    for table in (*_rest(summary, width), _talks(summary), *_splits(summary, width), *_matrices(summary, width)):
        if table is not None:
            yield ""
            yield table
    yield ""
    yield _foot(summary)


def _headline(summary: Summary) -> Text:
    scored = sum(one.scored for one in summary.generators.values())
    planned = sum(one.planned for one in summary.generators.values())
    line = Text()
    lost = scored < planned
    line.append(
        f"scored {scored:,} of {planned:,}" if lost else f"scored all {planned:,}", "bold yellow" if lost else "bold"
    )
    line.append(_losses(summary))
    line.append("\n")
    line.append(f"suite {one_line(summary.suite)} · run {one_line(summary.run)}", "dim")
    line.append(f" · {_counter(summary)}", "dim")
    return line


def _losses(summary: Summary) -> str:
    words = {"failures": "failed", "missing": "not made yet", "uncertain": "uncertain"}
    total = {
        name: sum(one.counts[name] + one.conversations.get(name, 0) for one in summary.generators.values())
        for name in words
    }
    said_so = [f"{n:,} {words[name]}" for name, n in total.items() if n]
    return f" · {', '.join(said_so)}" if said_so else ""


def _counter(summary: Summary) -> str:
    name = one_line(summary.counter.name or "unknown")
    score = summary.self_test.plain
    if score.total:
        word = "passed" if score.passed else "FAILED"
        return f"counter {name} {word} its controls ({score.right} of {score.total})"
    return f"counter {name}, no controls"


def _rates(summary: Summary, width: int) -> Table:
    wide = width >= 112
    shown = ["exact_rate", "exact_rate_given_picture", "refusal_rate", "unclear_refusal_rate"]
    if wide:
        shown[2:2] = ["over_rate", "under_rate"]
    axis = 20 if width >= 140 else 14 if width >= 90 and not wide else 0
    table = _table()
    table.add_column("", style="bold", overflow="fold", max_width=24)
    for rate in shown:
        table.add_column(heading_of(rate), justify="right", min_width=13 if rate == "exact_rate" else None)
        if rate == "exact_rate" and axis:
            table.add_column("0" + " " * (axis - 4) + "100", style="cyan", no_wrap=True)
    for name, one in summary.generators.items():
        _add(table, one_line(name), one.rates, shown, axis)
        if one.corrected:
            _add(table, "  by labels", one.corrected, shown, axis, style="green")
    return table


def _add(
    table: Table, name: str, rates: Mapping[str, Estimate], shown: Sequence[str], axis: int, style: str = ""
) -> None:
    cells: list[str] = [name]
    for rate in shown:
        cells.append(said(rate, rates.get(rate)))
        if rate == "exact_rate" and axis:
            cells.append(mark(rates.get(rate), axis))
    table.add_row(*cells, style=style)


def _rest(summary: Summary, width: int) -> Iterator[RenderableType]:
    """How it goes wrong, by how much, what a right one costs: three figures a table, six where there is room."""
    wide = width >= 112
    wanted = [] if wide else ["over_rate", "under_rate"]
    wanted += [
        "refusal_flip_rate",
        "sibling_flip_rate",
        "missing_rate",
        "mixed_rate",
        "mean_abs_error",
        "knower_level",
        "seconds_per_exact",
        "cost_per_exact",
    ]
    shown = [rate for rate in wanted if any(_matters(rate, one) for one in summary.generators.values())]
    each = 6 if wide else 3
    for start in range(0, len(shown), each):
        some = shown[start : start + each]
        table = _table()
        table.add_column("", style="bold", overflow="fold", max_width=24)
        for rate in some:
            table.add_column(heading_of(rate), justify="right")
        for name, one in summary.generators.items():
            table.add_row(one_line(name), *[said(rate, one.rates.get(rate)) for rate in some])
        yield table


def _matters(rate: str, one: GeneratorSummary) -> bool:
    """A figure worth a column: there, and for the rarer ways of being wrong, not 0."""
    estimate = one.rates.get(rate)
    return estimate is not None and (rate not in ("missing_rate", "mixed_rate") or bool(estimate.value))


def _talks(summary: Summary) -> RenderableType | None:
    held = {name: one for name, one in summary.generators.items() if one.conversations}
    repairs = sorted({r for one in held.values() for r in one.rates if r.startswith("repaired_rate_")})
    wanted = ["kept_rate", *repairs, "false_claim_rate", "sticky_refusal_rate", "turn_exact_rate", "turn_refusal_rate"]
    shown = [rate for rate in wanted if any(rate in one.rates for one in held.values())]
    if not shown:
        return None
    table = _table()
    table.add_column("", style="bold", overflow="fold", max_width=40)
    for name, one in held.items():
        table.add_column(f"{one_line(name, 30)}, {one.conversations['conversations']} talks", justify="right")
    for rate in shown:
        table.add_row(heading_of(rate), *[said(rate, one.rates.get(rate)) for one in held.values()])
    return _titled("in conversation", table)


def _splits(summary: Summary, width: int) -> Iterator[RenderableType]:
    tags = {tag for one in summary.generators.values() for tag in one.by}
    for tag in [t for t in SPLITS if t in tags] + sorted(tags - set(SPLITS)):
        values = list(dict.fromkeys(v for one in summary.generators.values() for v in one.by.get(tag, {})))
        if 2 <= len(values) <= 400:
            yield from _split(summary, tag, values, width)


def _split(summary: Summary, tag: str, values: list[str], width: int) -> Iterator[RenderableType]:
    shown = values if len(values) <= MOST else _worst(summary, tag, values)
    title = f"exact by {one_line(tag).replace('_', ' ')}"
    if len(shown) < len(values):
        title += f": the worst {len(shown)} of {len(values)}"
    names = list(summary.generators)
    each = max(1, (width - 20) // 18)
    for start in range(0, len(names), each):
        some = names[start : start + each]
        axis = 0 if len(some) > 1 and width < 100 else max(0, min(24, (width - 20) // len(some) - 18))
        axis = axis if axis >= 8 else 0
        table = _table()
        table.add_column("", style="bold", max_width=20, overflow="ellipsis", no_wrap=True)
        for name in some:
            table.add_column(one_line(name, 40), justify="right", overflow="fold")
            if axis:
                table.add_column("", style="cyan", no_wrap=True)
        for value in shown:
            table.add_row(one_line(value, 20), *_cells(summary, some, tag, value, axis))
        yield _titled(title, table)


def _cells(summary: Summary, names: Sequence[str], tag: str, value: str, axis: int) -> Iterator[str]:
    for name in names:
        one = summary.generators[name]
        estimate = one.by.get(tag, {}).get(value, {}).get("exact_rate")
        withheld = one.withheld.get(tag, {}).get(value)
        yield "withheld" if withheld else said("exact_rate", estimate)
        if axis:
            yield mark(estimate, axis)


def _worst(summary: Summary, tag: str, values: list[str]) -> list[str]:
    def value_of(value: str) -> float:
        rates = [one.by.get(tag, {}).get(value, {}).get("exact_rate") for one in summary.generators.values()]
        known = [rate.value for rate in rates if rate is not None and rate.value is not None]
        return sum(known) / len(known) if known else 2.0

    return sorted(values, key=value_of)[:MOST]


def _matrices(summary: Summary, width: int) -> Iterator[RenderableType]:
    if len(summary.generators) > 3:
        return
    for name, one in summary.generators.items():
        if one.matrix:
            yield _titled(f"{one_line(name)}: asked (down) × counted (across)", _matrix(one, width))


def _matrix(one: GeneratorSummary, width: int) -> Table:
    counted = sorted({int(n) for row in one.matrix.values() for n in row})
    room = max(4, (width - 12) // 6)
    last = counted[: room - 1] if len(counted) > room else counted
    over = counted[len(last) :]
    table = _table()
    table.add_column("", style="bold", justify="right")
    for n in last:
        table.add_column(str(n), justify="right")
    if over:
        table.add_column("more", justify="right")
    for asked in sorted(one.matrix, key=int):
        row = one.matrix[asked]
        cells = [_cell(row.get(str(n), 0), hit=str(n) == asked) for n in last]
        if over:
            cells.append(_cell(sum(row.get(str(n), 0) for n in over), hit=False))
        table.add_row(asked, *cells)
    return table


def _cell(n: int, *, hit: bool) -> Text:
    if n == 0:
        return Text("·", "dim")
    return Text(str(n), "bold green" if hit else "red")


def _foot(summary: Summary) -> Text:
    level = f"{100 * summary.level:g} %"
    words = f"[a, b] is the {level} interval over prompts; refused pictures count as not exact, failed ones not at all."
    lines = [words]
    for name, one in summary.generators.items():
        for values in one.withheld.values():
            lines += [f"{one_line(name)}: {one_line(why, 200)}" for why in values.values()]
    return Text("\n".join(lines), "dim")


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")


def _titled(title: str, table: Table) -> RenderableType:
    return Group(Text(title, "bold"), table)
