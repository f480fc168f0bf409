"""A comparison as tables in a terminal: the difference first, then where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.table import Table
from rich.text import Text

from countcheck.metrics.comparison import Change, Comparison
from countcheck.metrics.rate_pairs import RatePair
from countcheck.metrics.rates import Unit, find_rate, heading_of, unit_of
from countcheck.reports.format import said
from countcheck.reports.safe_text import one_line
from countcheck.stats.estimate import Estimate
from countcheck.suites.natural_order import natural_key

MOST = 8


@dataclass(frozen=True, slots=True)
class _Fitted:
    comparisons: Sequence[Comparison]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        for i, one in enumerate(self.comparisons):
            if i:
                yield ""
            yield from _parts(one, options.max_width)


def render_comparisons(comparisons: Sequence[Comparison]) -> RenderableType:
    """Each comparison: how many pairs, every rate on both sides with its difference, splits, prompts that changed."""
    return _Fitted(comparisons)


def _parts(one: Comparison, width: int) -> Iterator[RenderableType]:
    yield _headline(one)
    yield from (Text(f"! {one_line(sentence, 400)}", "yellow") for sentence in one.warnings)
    yield ""
    yield _rates(one, width)
    if one.corrected:
        yield ""
        yield Group(Text("corrected by labels, not paired", "bold"), _rates(replace(one, rates=one.corrected), width))
    if one.mcnemar is not None:
        yield Text(
            f"exact only on side a: {one.lost:,} pairs; only on side b: {one.won:,}; "
            f"McNemar's exact p over single pairs {_p(one.mcnemar)}",
            "dim",
        )
    for tag in [t for t in ("number", "noun", "style", "number_form", "kinds") if t in one.by] + sorted(
        set(one.by) - {"number", "noun", "style", "number_form", "kinds"}
    ):
        table = _split(one, tag)
        if table is not None:
            yield ""
            yield table
    for title, changes in (("regressed", one.regressed), ("improved", one.improved)):
        if changes:
            yield ""
            yield _changes(title, changes, width)


def _headline(one: Comparison) -> Text:
    line = Text()
    if one.pairs:
        line.append(f"{one.pairs:,} pairs", "bold")
        lost = [f"{n:,} of {side} unpaired" for side, n in one.unpaired.items() if n]
        line.append(f" · {', '.join(lost)}" if lost else " · every scored sample pairs", "yellow" if lost else "dim")
    else:
        line.append("unpaired", "bold yellow")
        line.append(f" · {one.unpaired['a']:,} samples against {one.unpaired['b']:,}")
    for side, who in (("a", one.a), ("b", one.b)):
        line.append(f"\n{side}  {one_line(who['generator'])} in {one_line(who['run'])}", "dim")
    return line


def _rates(one: Comparison, width: int) -> Table:
    table = _table()
    table.add_column("", style="bold", min_width=8)  # a narrow terminal folds, and loses no name
    for name, least in (("a", 5), ("b", 5), ("b − a", None), ("p", 6)):
        table.add_column(name, justify="right", no_wrap=width >= 64, overflow="fold", min_width=least)
    if width >= 110:
        table.add_column("test", style="dim")
    for rate, pair in one.rates.items():
        if rate in ("mixed_rate", "missing_rate", "uncertain_rate", "judged_rate", "exact_rate_judged") and not _moves(
            pair
        ):
            continue
        sides = [pair.a, pair.b] if width >= 96 else [replace(one, low=None, high=None) for one in (pair.a, pair.b)]
        cells = [heading_of(rate), *(said(rate, one) for one in sides)]
        cells += [_gap(rate, pair), _p(pair.p_value if pair.holm is None else pair.holm)]
        table.add_row(*cells, *([pair.test] if width >= 110 else []), style=_colour(rate, pair))
    return table


def _moves(pair: RatePair) -> bool:
    return bool(pair.a.value or pair.b.value) and (pair.difference.value or 0.0) != 0


def _gap(rate: str, pair: RatePair) -> str:
    gap = pair.difference
    if unit_of(rate) is not Unit.SHARE or gap.value is None:
        return said(rate, gap, signed=True)
    scaled = [None if x is None else round(100 * x, 1) + 0.0 for x in (gap.value, gap.low, gap.high)]
    if scaled[1] is None or scaled[2] is None:
        return f"{scaled[0]:+.1f}"
    return f"{scaled[0]:+.1f} [{scaled[1]:+.1f}, {scaled[2]:+.1f}]"


def _colour(rate: str, pair: RatePair) -> str:
    gap: Estimate = pair.difference
    if gap.low is None or gap.high is None or gap.low <= 0 <= gap.high:
        return ""
    known = find_rate(rate)
    if known is None:
        return ""
    return "green" if (gap.low > 0) == known.higher_is_better else "red"


def _split(one: Comparison, tag: str) -> RenderableType | None:
    values = one.by[tag]
    if len(values) < 2:
        return None
    ordered = sorted(values, key=natural_key)
    title = f"exact by {one_line(tag).replace('_', ' ')}"
    if len(ordered) > MOST * 2:
        ordered = sorted(values, key=lambda v: values[v]["exact_rate"].difference.value or 0.0)[:MOST]
        title += f": the {MOST} that lost most of {len(values)}"
    table = _table()
    table.add_column("", style="bold", max_width=20)
    for name in ("a", "b", "b − a", "p (Holm)"):
        table.add_column(name, justify="right")
    for value in ordered:
        pair = values[value]["exact_rate"]
        table.add_row(
            one_line(value, 20),
            said("exact_rate", pair.a),
            said("exact_rate", pair.b),
            _gap("exact_rate", pair),
            _p(pair.holm),
            style=_colour("exact_rate", pair),
        )
    return Group(Text(title, "bold"), table)


def _changes(title: str, changes: Sequence[Change], width: int) -> RenderableType:
    more = f", {MOST} shown" if len(changes) > MOST else ""
    table = _table()
    table.add_column("exact", justify="right", no_wrap=True)
    table.add_column("prompt")
    for change in changes[:MOST]:
        table.add_row(f"{change.a} → {change.b} of {change.n}", one_line(change.text or change.prompt_id, width - 18))
    count = f"1 prompt {title}" if len(changes) == 1 else f"{len(changes):,} prompts {title}"
    return Group(Text(f"{count}{more}", "bold"), table)


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
