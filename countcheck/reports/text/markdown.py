"""The report in Markdown, as a pull request shows it: the headline, the tables, the matrices, the refusals."""

from __future__ import annotations

from typing import Any

from countcheck.metrics.rates import RATES
from countcheck.reports.format import NONE, difference_text, estimate_text, number, p_value, quantity
from countcheck.reports.headline import headline, losses, rewritings
from countcheck.reports.report import Model, Report
from countcheck.reports.safe_text import markdown_text
from countcheck.reports.sections import matrices, refusals, worst_prompts
from countcheck.reports.wording import REASONS

COLUMNS = (
    "exact_rate",
    "exact_rate_given_picture",
    "refusal_rate",
    "unclear_refusal_rate",
    "seconds_per_exact",
    "cost_per_exact",
)


def render_markdown(report: Report) -> str:
    """Return the report as Markdown."""
    parts = [
        f"## {markdown_text(headline(report), 600)}",
        *(f"- {markdown_text(sentence, 300)}" for sentence in (*losses(report), *rewritings(report))),
        "",
    ]
    columns = [rate for rate in COLUMNS if any(_known(model, rate) for model in report.models)]
    parts += _table(["Model", *map(_heading, columns), "Scored"], [_row(m, columns) for m in report.models])
    if report.differences:
        parts += ["", f"### Against {markdown_text(report.models[report.baseline].label)}", "", *_differences(report)]
    for matrix in matrices(report):
        parts += [
            "",
            "<details><summary>Asked and counted: " + markdown_text(report.models[matrix.model].label) + "</summary>",
            "",
        ]
        body = [[f"**{a}**", *(str(cell.n or "") for cell in cells)] for a, _, cells in matrix.rows]
        parts += [*_table(["asked \\ counted", *map(str, matrix.numbers)], body), "", "</details>"]
    worst = worst_prompts(report, most=5)
    if worst:
        parts += ["", "### Prompts that are wrong most often", ""]
        parts += [f"- “{markdown_text(prompt.text)}”: wrong in {prompt.wrong} of {prompt.asked}" for prompt in worst]
    groups = refusals(report, most=3)
    if groups:
        parts += ["", "### Refusals", ""]
    for group in groups:
        parts.append(f"- {REASONS[group.reason]}, {quantity(group.n, 'time')}:")
        parts += [f"  - “{markdown_text(wording.words) or 'no text'}” × {wording.n}" for wording in group.wordings]
    return "\n".join(parts).rstrip() + "\n"


def _known(model: Model, rate: str) -> bool:
    estimate = model.rates.get(rate)
    return estimate is not None and estimate["value"] is not None


def _row(model: Model, columns: list[str]) -> list[str]:
    cells = [str(estimate_text(rate, model.rates.get(rate))) for rate in columns]
    scored = f"{number(model.total('planned') - model.lost)} of {number(model.total('planned'))}"
    return [f"**{markdown_text(model.label)}**", *cells, scored]


def _differences(report: Report) -> list[str]:
    compared = report.differences
    rates = [rate for rate in COLUMNS if RATES[rate].is_share and any(rate in c["rates"] for c in compared.values())]
    body = [
        [
            f"**{markdown_text(label)}**",
            *(_difference(rate, comparison["rates"].get(rate)) for rate in rates),
            number(comparison["pairs"]),
        ]
        for label, comparison in compared.items()
    ]
    return _table(["Model", *(f"{_heading(rate)}, points" for rate in rates), "Pairs"], body)


def _difference(rate: str, pair: dict[str, Any] | None) -> str:
    if pair is None:
        return NONE
    text = difference_text(rate, pair["difference"])
    p = f", p {p_value(pair['p_value'])}" if pair.get("p_value") is not None else ""
    return f"{text.value} ({text.interval}{p})" if text.low else text.value


def _heading(rate: str) -> str:
    return f"{RATES[rate].title} `{rate}`"


def _table(head: list[str], body: list[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *body]
    return [f"| {' | '.join(cells)} |" for cells in lines]
