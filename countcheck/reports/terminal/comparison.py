"""A comparison as tables in a terminal: the differences of all rates, then splits and the prompts that changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from countcheck.metrics.comparison import Change, Comparison
from countcheck.metrics.rate_pairs import RatePair
from countcheck.metrics.rates import find_rate
from countcheck.reports.format import difference_text, estimate_text, p_value
from countcheck.reports.safe_text import one_line
from countcheck.reports.terminal.tables import plain_table, rate_cell, titled
from countcheck.suites.natural_order import natural_key

MAX_SHOWN = 8


@dataclass(frozen=True, slots=True)
class _Fitted:
    comparisons: Sequence[Comparison]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        for index, comparison in enumerate(self.comparisons):
            if index:
                yield ""
            yield from _parts(comparison, options.max_width)


def render_comparisons(comparisons: Sequence[Comparison]) -> RenderableType:
    """Return of each comparison the pairs, every rate on both sides with its difference, splits, changed prompts."""
    return _Fitted(comparisons)


def _parts(comparison: Comparison, width: int) -> Iterator[RenderableType]:
    yield _headline(comparison)
    yield from (Text(f"! {one_line(sentence, 400)}", "yellow") for sentence in comparison.warnings)
    yield ""
    yield _rates(comparison, width)
    if comparison.corrected:
        yield ""
        yield titled("corrected by labels, not paired", _rates(replace(comparison, rates=comparison.corrected), width))
    if comparison.mcnemar is not None:
        yield Text(
            f"exact only on side a: {comparison.lost:,} pairs; only on side b: {comparison.won:,}; "
            f"McNemar's exact p over single pairs {p_value(comparison.mcnemar)}",
            "dim",
        )
    for tag in [t for t in ("number", "noun", "style", "number_form", "kinds") if t in comparison.by] + sorted(
        set(comparison.by) - {"number", "noun", "style", "number_form", "kinds"}
    ):
        table = _split(comparison, tag)
        if table is not None:
            yield ""
            yield table
    for title, changes in (("regressed", comparison.regressed), ("improved", comparison.improved)):
        if changes:
            yield ""
            yield _changes(title, changes, width)


def _headline(comparison: Comparison) -> Text:
    line = Text()
    if comparison.pairs:
        line.append(f"{comparison.pairs:,} pairs", "bold")
        lost = [f"{n:,} of {side} unpaired" for side, n in comparison.unpaired.items() if n]
        line.append(f" · {', '.join(lost)}" if lost else " · every scored sample pairs", "yellow" if lost else "dim")
    else:
        line.append("unpaired", "bold yellow")
        line.append(f" · {comparison.unpaired['a']:,} samples against {comparison.unpaired['b']:,}")
    for side, model in (("a", comparison.a), ("b", comparison.b)):
        line.append(f"\n{side}  {one_line(model['generator'])} in {one_line(model['run'])}", "dim")
    return line


def _rates(comparison: Comparison, width: int) -> Table:
    table = plain_table()
    # A narrow terminal loses no name; a wide one breaks none.
    table.add_column("", style="bold", min_width=8, overflow="fold", no_wrap=width >= 116)
    for name, least in (("a", 5), ("b", 5), ("b − a", None), ("p", 6)):
        table.add_column(name, justify="right", no_wrap=width >= 64, overflow="fold", min_width=least)
    if width >= 116:
        table.add_column("test", style="dim")
    for rate, pair in comparison.rates.items():
        if rate in ("mixed_rate", "missing_rate", "uncertain_rate", "judged_rate", "exact_rate_judged") and not _moves(
            pair
        ):
            continue
        sides = [pair.a, pair.b] if width >= 96 else [replace(side, low=None, high=None) for side in (pair.a, pair.b)]
        cells: list[Text | str] = [rate_cell(rate), *(estimate_text(rate, side).bracketed for side in sides)]
        cells += [
            difference_text(rate, pair.difference).bracketed,
            p_value(pair.p_value if pair.holm is None else pair.holm),
        ]
        table.add_row(*cells, *([pair.test] if width >= 116 else []), style=_colour(rate, pair))
    return table


def _moves(pair: RatePair) -> bool:
    return bool(pair.a.value or pair.b.value) and (pair.difference.value or 0.0) != 0


def _colour(rate: str, pair: RatePair) -> str:
    gap = pair.difference
    if gap.low is None or gap.high is None or gap.low <= 0 <= gap.high:
        return ""
    known = find_rate(rate)
    if known is None:
        return ""
    return "green" if (gap.low > 0) == known.higher_is_better else "red"


def _split(comparison: Comparison, tag: str) -> RenderableType | None:
    values = comparison.by[tag]
    if len(values) < 2:
        return None
    ordered = sorted(values, key=natural_key)
    title = f"exactly as asked by {one_line(tag).replace('_', ' ')}"
    if len(ordered) > MAX_SHOWN * 2:
        ordered = sorted(values, key=lambda v: values[v]["exact_rate"].difference.value or 0.0)[:MAX_SHOWN]
        title += f": the {MAX_SHOWN} that lost most of {len(values)}"
    table = plain_table()
    table.add_column("", style="bold", max_width=20)
    for name in ("a", "b", "b − a", "p (Holm)"):
        table.add_column(name, justify="right")
    for value in ordered:
        pair = values[value]["exact_rate"]
        table.add_row(
            one_line(value, 20),
            estimate_text("exact_rate", pair.a).bracketed,
            estimate_text("exact_rate", pair.b).bracketed,
            difference_text("exact_rate", pair.difference).bracketed,
            p_value(pair.holm),
            style=_colour("exact_rate", pair),
        )
    return titled(title, table)


def _changes(title: str, changes: Sequence[Change], width: int) -> RenderableType:
    more = f", {MAX_SHOWN} shown" if len(changes) > MAX_SHOWN else ""
    table = plain_table()
    table.add_column("exact", justify="right", no_wrap=True)
    table.add_column("prompt")
    for change in changes[:MAX_SHOWN]:
        table.add_row(f"{change.a} → {change.b} of {change.n}", one_line(change.text or change.prompt_id, width - 18))
    count = f"1 prompt {title}" if len(changes) == 1 else f"{len(changes):,} prompts {title}"
    return titled(f"{count}{more}", table)
