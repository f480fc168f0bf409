"""A gate's decision as Markdown, for a job's summary page or a comment on a change."""

from __future__ import annotations

from countcheck.gate.decision import Decision
from countcheck.reports.safe_text import markdown_text

MARKS = {"pass": "✅", "fail": "❌", "cannot_decide": "❔"}
WORDS = {"pass": "passed", "fail": "failed", "cannot_decide": "cannot decide"}


def gate_markdown(decision: Decision) -> str:
    """Return a heading with the decision, the warnings, and a table of rules with their reasons."""
    against = f" against {markdown_text(decision.baseline, 500)}" if decision.baseline is not None else ""
    lines = [f"### {MARKS[decision.decision]} countcheck gate {WORDS[decision.decision]}", ""]
    lines += [f"Run {markdown_text(decision.run, 500)}{against}.", ""]
    lines += [f"> {markdown_text(sentence, 500)}\n" for sentence in decision.warnings]
    lines += ["| | rule | reason |", "|---|---|---|"]
    lines += [
        f"| {MARKS[result.decision]} | {markdown_text(result.rule, 500)} | {markdown_text(result.reason, 500)} |"
        for result in decision.rules
    ]
    return "\n".join(lines) + "\n"
