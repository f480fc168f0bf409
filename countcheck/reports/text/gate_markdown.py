"""A gate's decision as Markdown, for a job's summary page or a comment on a change."""

from __future__ import annotations

import re

from countcheck.gate.decision import Decision
from countcheck.reports.safe_text import one_line

MARKS = {"pass": "✅", "fail": "❌", "cannot_decide": "❔"}
WORDS = {"pass": "passed", "fail": "failed", "cannot_decide": "cannot decide"}

# Whatever starts markup or a link; text from suites and models must not.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~@&])")


def gate_markdown(decision: Decision) -> str:
    """A heading with the decision, warnings, and a table of rules with their reasons."""
    against = f" against {escaped(decision.baseline)}" if decision.baseline is not None else ""
    lines = [f"### {MARKS[decision.decision]} countcheck gate {WORDS[decision.decision]}", ""]
    lines += [f"Run {escaped(decision.run)}{against}.", ""]
    lines += [f"> {escaped(sentence)}\n" for sentence in decision.warnings]
    lines += ["| | rule | why |", "|---|---|---|"]
    for one in decision.rules:
        lines.append(f"| {MARKS[one.decision]} | {escaped(one.rule)} | {escaped(one.reason)} |")
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text that means nothing but itself in Markdown, on one line."""
    return _SPECIAL.sub(r"\\\1", one_line(text, 500))
