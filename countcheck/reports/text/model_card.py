"""A section for a model card on the Hugging Face hub, with its ``model-index`` metadata."""

from __future__ import annotations

from typing import Any

import yaml

from countcheck.metrics.rates import RATES
from countcheck.reports.format import estimate_text
from countcheck.reports.report import Model, Report
from countcheck.reports.safe_text import markdown_text, visible

SHOWN = ("exact_rate", "exact_rate_given_picture", "refusal_rate", "unclear_refusal_rate", "mean_abs_error")


def render_model_card(report: Report) -> str:
    """Return YAML front matter with one entry a model, and a section with a table to paste into the card's text."""
    index = [_entry(report, model) for model in report.models]
    front = yaml.safe_dump({"model-index": index}, sort_keys=False, allow_unicode=True, width=100)
    lines = ["---", front.rstrip(), "---", "", "## Counting", ""]
    for model in report.models:
        source = report.runs[model.run]
        counter = source.info.counter.name or "a counter"
        lines += [
            f"**{markdown_text(model.label, 120)}** was asked {model.counts['asked']} times by the suite {markdown_text(report.suite)}; its pictures "
            f"were counted by {markdown_text(counter)} (countcheck).",
            "",
            "| | rate | 95 % interval | tries | prompts |",
            "| --- | --- | --- | --- | --- |",
        ]
        for rate in SHOWN:
            estimate = model.rates.get(rate)
            if estimate is not None and estimate["value"] is not None:
                text = estimate_text(rate, estimate)
                lines.append(
                    f"| {RATES[rate].title} | {text.value} | {text.interval} | {estimate['n']} | {estimate['clusters']} |"
                )
        lines.append("")
    return "\n".join(lines)


def _entry(report: Report, model: Model) -> dict[str, Any]:
    source = report.runs[model.run]
    metrics = []
    for rate in SHOWN:
        estimate = model.rates.get(rate)
        if estimate is not None and estimate["value"] is not None:
            metrics.append(
                {
                    "type": rate,
                    "name": RATES[rate].title,
                    "value": round(float(estimate["value"]), 4),
                    "args": {name: estimate[name] for name in ("low", "high", "level", "n", "clusters")},
                }
            )
    suite = visible(report.suite, 120)
    digest = source.info.suite_digest
    dataset = {"type": "countcheck", "name": f"countcheck {suite}", "config": suite, "revision": digest}
    return {
        "name": visible(model.generator, 120),
        "results": [{"task": {"type": "text-to-image"}, "dataset": dataset, "metrics": metrics}],
    }
