"""A gate's decision in a terminal: the decision, then one line a rule."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from countcheck.gate.decision import Decision
from countcheck.reports.safe_text import one_line

MARKS = {"pass": ("✓", "green"), "fail": ("✗", "bold red"), "cannot_decide": ("?", "yellow")}
WORDS = {"pass": "passed", "fail": "failed", "cannot_decide": "cannot decide"}


def render_decision(decision: Decision) -> RenderableType:
    """Return the decision in one line, the warnings, and each rule with its reason."""
    _, colour = MARKS[decision.decision]
    line = Text()
    line.append(f"gate {WORDS[decision.decision]}", f"bold {colour.removeprefix('bold ')}")
    against = f" against {one_line(decision.baseline)}" if decision.baseline is not None else ""
    line.append(f" · {one_line(decision.run)}{against}", "dim")
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column()
    for result in decision.rules:
        mark, style = MARKS[result.decision]
        table.add_row(Text(mark, style), Text(one_line(result.reason, 500)))
    warnings = [Text(f"! {one_line(sentence, 400)}", "yellow") for sentence in decision.warnings]
    return Group(line, *warnings, table)
