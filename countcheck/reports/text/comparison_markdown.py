"""A comparison of two runs in Markdown, for a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from countcheck.metrics.comparison import Comparison
from countcheck.metrics.rates import find_rate
from countcheck.reports.format import difference_text, estimate_text, p_value, quantity
from countcheck.reports.safe_text import markdown_text

MAX_CHANGED = 10


def comparison_markdown(comparisons: Sequence[Comparison]) -> str:
    """Return a section a comparison: the pairs, a table of rates with differences, the prompts that changed most."""
    return "\n".join(line for comparison in comparisons for line in _section(comparison)).rstrip() + "\n"


def _section(comparison: Comparison) -> list[str]:
    a, b = (
        f"{markdown_text(side['generator'])} in {markdown_text(side['run'])}" for side in (comparison.a, comparison.b)
    )
    unpaired = sum(comparison.unpaired.values())
    pairs = f"{quantity(comparison.pairs, 'pair')}" + (f", {unpaired} unpaired" if unpaired else "")
    lines = [f"### {b} against {a}", "", f"{pairs}."]
    lines += [f"\n> {markdown_text(warning, 500)}" for warning in comparison.warnings]
    lines += ["", "| rate | before | after | difference | p |", "| --- | --- | --- | --- | --- |"]
    for name, pair in comparison.rates.items():
        rate = find_rate(name)
        title = f"{rate.title} `{name}`" if rate else f"`{name}`"
        p = p_value(pair.p_value if pair.holm is None else pair.holm)
        cells = (estimate_text(name, pair.a), estimate_text(name, pair.b), difference_text(name, pair.difference))
        lines.append(f"| {title} | {' | '.join(map(str, cells))} | {p} |")
    for title, changes in (("Regressed", comparison.regressed), ("Improved", comparison.improved)):
        if changes:
            lines += ["", f"**{title}**: {quantity(len(changes), 'prompt')}", ""]
            lines += [
                f"- {change.a} → {change.b} of {change.n} exact: “{markdown_text(change.text or change.prompt_id)}”"
                for change in changes[:MAX_CHANGED]
            ]
    return [*lines, ""]
