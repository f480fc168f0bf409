"""The report in Markdown, as a pull request shows it: the sentence, the table, the matrix, what was refused."""

from __future__ import annotations

import re

from countcheck.metrics.rates import RATES
from countcheck.reports.report import Model, Report, headline, losses
from countcheck.reports.safe_text import visible
from countcheck.reports.sections import matrices, refusals, worst_prompts
from countcheck.reports.wording import REASONS, estimate_words, number, p_words, points, several

COLUMNS = (
    "exact_rate",
    "exact_rate_given_picture",
    "refusal_rate",
    "unclear_refusal_rate",
    "seconds_per_exact",
    "cost_per_exact",
)
# Everything that Markdown or the HTML inside it could take for more than a letter.
_MARKS = re.compile(r"([\\`*_{}\[\]<>()#!|~@&$])")


def quote(text: str, limit: int = 200) -> str:
    """Foreign text on one line in which no character means anything to Markdown."""
    return _MARKS.sub(lambda found: f"&#{ord(found.group())};", " ".join(visible(text, limit).split()))


def render_markdown(report: Report) -> str:
    """The report as text."""
    parts = [f"## {quote(headline(report), 600)}", *(f"- {quote(sentence, 300)}" for sentence in losses(report)), ""]
    columns = [rate for rate in COLUMNS if any(_known(model, rate) for model in report.models)]
    parts += _table(
        ["Model", *(RATES[rate].title for rate in columns), "Scored"], [_row(m, columns) for m in report.models]
    )
    if report.differences:
        parts += ["", f"### Against {quote(report.models[report.baseline].label)}", "", *_differences(report)]
    for matrix in matrices(report):
        parts += [
            "",
            "<details><summary>Asked and counted: " + quote(report.models[matrix.model].label) + "</summary>",
            "",
        ]
        body = [[f"**{a}**", *(str(cell.n or "") for cell in cells)] for a, _, cells in matrix.rows]
        parts += [*_table(["asked \\ counted", *map(str, matrix.numbers)], body), "", "</details>"]
    worst = worst_prompts(report, most=5)
    if worst:
        parts += ["", "### Prompts that went wrong most often", ""]
        parts += [f"- “{quote(one.text)}”: wrong in {one.wrong} of {one.asked}" for one in worst]
    found = refusals(report, most=3)
    if found:
        parts += ["", "### Refusals", ""]
    for group in found:
        parts.append(f"- {REASONS[group.reason]}, {several(group.n, 'time')}:")
        parts += [f"  - “{quote(one.words) or 'no words'}” × {one.n}" for one in group.sayings]
    return "\n".join(parts).rstrip() + "\n"


def _known(model: Model, rate: str) -> bool:
    estimate = model.rates.get(rate)
    return estimate is not None and estimate["value"] is not None


def _row(model: Model, columns: list[str]) -> list[str]:
    cells = []
    for rate in columns:
        value, interval = estimate_words(rate, model.rates.get(rate))
        cells.append(f"{value} ({interval})" if interval else value)
    scored = f"{number(model.total('planned') - model.lost)} of {number(model.total('planned'))}"
    return [f"**{quote(model.label)}**", *cells, scored]


def _differences(report: Report) -> list[str]:
    shares = [rate for rate in COLUMNS if RATES[rate].is_share]
    rates = [rate for rate in shares if any(rate in one["rates"] for one in report.differences.values())]
    body = []
    for label, one in report.differences.items():
        cells = []
        for rate in rates:
            found = one["rates"].get(rate)
            value, interval = points(found["difference"]) if found else ("–", "")
            p = f", {p_words(found['p_value'])}" if found and found.get("p_value") is not None else ""
            cells.append(f"{value} ({interval}{p})" if interval else value)
        body.append([f"**{quote(label)}**", *cells, number(one["pairs"])])
    return _table(["Model", *(f"{RATES[rate].title}, points" for rate in rates), "Pairs"], body)


def _table(head: list[str], body: list[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *body]
    return [f"| {' | '.join(cells)} |" for cells in lines]
