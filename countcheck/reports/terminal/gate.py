"""A gate's decision in a terminal: the decision, then one line a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from countcheck.reports.safe_text import one_line

if TYPE_CHECKING:
    from countcheck.gate.check import PolicyCheck
    from countcheck.gate.decision import Decision

MARKS = {"pass": ("✓", "green"), "fail": ("✗", "bold red"), "cannot_decide": ("?", "yellow")}
WORDS = {"pass": "passed", "fail": "failed", "cannot_decide": "cannot decide"}


def render_check(check: PolicyCheck) -> RenderableType:
    """Return whether a policy can be decided on a suite, and what each rule needs."""
    line = Text()
    line.append(
        "can be decided" if check.decidable else "cannot be decided", f"bold {'green' if check.decidable else 'red'}"
    )
    line.append(f" · suite {one_line(check.suite)}, repeats {check.repeats}", "dim")
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column()
    for rule in check.rules:
        mark, style = MARKS[{True: "pass", False: "fail", None: "cannot_decide"}[rule.enough]]
        table.add_row(Text(mark, style), Text(one_line(rule.reason, 500)))
    return Group(line, table)


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
