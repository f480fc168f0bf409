"""``gate``: pass, fail or cannot decide, with a reason for every rule."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeAlias

import typer

from countcheck.cli.evidence import read_evidence
from countcheck.cli.main import READ, app
from countcheck.cli.options import OUTPUT, CountingOption, JsonOption, OutputOption
from countcheck.cli.output import closed_pipe_ignored, note, show_result
from countcheck.errors import BadSettings

if TYPE_CHECKING:
    from countcheck.gate.decision import Decision
    from countcheck.gate.policy import Policy

_RULES = "Rules, instead of a policy file"
_CHECK = "Before a run"


_Run: TypeAlias = Annotated[
    Path | None, typer.Argument(metavar="RUN", help="The run's folder, or its summary in JSON.")
]
_Policy: TypeAlias = Annotated[Path | None, typer.Option(metavar="FILE", help="The policy, a YAML file with rules.")]
_Baseline: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="RUN", help="An earlier run's folder, or its summary in JSON.")
]
_AtLeast: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="RATE=X", rich_help_panel=_RULES, help="The rate must be X or more, as exact_rate=0.6."),
]
_AtMost: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="RATE=X", rich_help_panel=_RULES, help="The rate must be X or less, as refusal_rate=0.05."),
]
_NoWorseBy: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="RATE=X",
        rich_help_panel=_RULES,
        help="The rate may be worse than the baseline's by X at most, as exact_rate=0.03: three points.",
    ),
]
_Unpaired: TypeAlias = Annotated[
    bool, typer.Option("--unpaired", help="Compare with a baseline that was asked another suite, too.")
]
_Check: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", rich_help_panel=_CHECK, help="Say how many prompts each rule of this policy needs."),
]
_Suite: TypeAlias = Annotated[
    list[str] | None, typer.Option(metavar="SUITE", rich_help_panel=_CHECK, help="Suite to check the policy on.")
]
_Repeats: TypeAlias = Annotated[
    int, typer.Option(metavar="N", min=1, rich_help_panel=_CHECK, help="Pictures of every prompt.")
]
_Junit: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", rich_help_panel=OUTPUT, help="Also write test results for CI.")
]
_Markdown: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", rich_help_panel=OUTPUT, help="Also write a summary page in Markdown.")
]


@app.command(rich_help_panel=READ)
def gate(
    run: _Run = None,
    policy: _Policy = None,
    baseline: _Baseline = None,
    at_least: _AtLeast = None,
    at_most: _AtMost = None,
    no_worse_by: _NoWorseBy = None,
    unpaired: _Unpaired = False,
    check: _Check = None,
    suite: _Suite = None,
    repeats: _Repeats = 1,
    counting: CountingOption = None,
    junit: _Junit = None,
    markdown: _Markdown = None,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Pass or fail a finished run by a policy, or by rules given here.

    Raises:
        typer.Exit: With the decision's exit code.
        BadSettings: When there is neither a policy nor a rule, or both; when there is neither a run nor --check.

    Examples:
        countcheck gate runs/new --policy policy.yaml --baseline runs/old
        countcheck gate runs/new --at-least exact_rate=0.6 --at-most unclear_refusal_rate=0.02
        countcheck gate runs/new --no-worse-by exact_rate=0.03 --baseline runs/old --junit gate.xml
        countcheck gate --check policy.yaml --suite counting --repeats 2

    Exit codes:
        0 passed · 1 failed · 3 cannot decide · 2 bad usage, settings or input · 4 bug
    """
    from countcheck.gate.decide import decide_gate
    from countcheck.gate.policy import policy_from, read_policy

    if check is not None:
        _check(check, suite or [], repeats, run, as_json=as_json, output=output)
    if run is None:
        raise BadSettings("no run is named. Write gate RUN, or gate --check FILE --suite SUITE before a run is made.")
    from countcheck.reports.terminal.gate import render_decision
    from countcheck.reports.text.annotations import log_lines

    rules = _rules(at_least=at_least, at_most=at_most, no_worse_by=no_worse_by)
    if (policy is None) == (not rules):
        raise BadSettings(
            "a gate needs either --policy FILE or rules such as --at-least exact_rate=0.6"
            + (", not both." if rules else ". Give one of them.")
        )
    demands: Policy = read_policy(policy) if policy else policy_from({"rules": rules}, place="the command line")
    earlier = baseline or demands.baseline
    before = None if earlier is None else read_evidence(earlier, demands.level)
    decision = decide_gate(demands, read_evidence(run, demands.level, counting), before, unpaired=unpaired)
    _write(decision, junit, markdown)
    with closed_pipe_ignored():
        for line in log_lines(decision, os.environ):
            typer.echo(line, err=as_json)
        show_result(decision.to_json, lambda: render_decision(decision), as_json=as_json, output=output)
    raise typer.Exit(decision.exit_code)


def _check(
    policy: Path, suites: list[str], repeats: int, run: Path | None, *, as_json: bool, output: Path | None
) -> NoReturn:
    """Show how many prompts each rule of a policy needs, and exit 0 when the suite has them, 3 when it has not."""
    from countcheck.gate.check import check_policy
    from countcheck.gate.policy import read_policy
    from countcheck.reports.terminal.gate import render_check
    from countcheck.suites.merge import load_suites

    if run is not None or not suites:
        raise BadSettings("--check needs a policy and a suite, not a run. Write gate --check FILE --suite SUITE.")
    checked = check_policy(read_policy(policy), load_suites(suites), repeats)
    show_result(checked.to_json, lambda: render_check(checked), as_json=as_json, output=output)
    raise typer.Exit(checked.exit_code)


def _rules(**by_bound: list[str] | None) -> list[dict[str, Any]]:
    """Make a policy's rules from ``RATE=X`` texts: one for a rate's bounds, one for its loss against the baseline."""
    rules: dict[tuple[str, bool], dict[str, Any]] = {}
    for bound, texts in by_bound.items():
        for text in texts or ():
            rate, equals, value = text.partition("=")
            try:
                number = float(value)
            except ValueError:
                number = float("nan")
            flag = f"--{bound.replace('_', '-')}"
            if not equals or not rate or number != number:
                raise BadSettings(f"{flag} {text!r} is not a rate with a number. Write {flag} exact_rate=0.6.")
            rule = rules.setdefault((rate, bound == "no_worse_by"), {"rate": rate})
            if bound in rule:
                raise BadSettings(f"{flag} {rate} is given twice. Give it once.")
            rule[bound] = number
    return list(rules.values())


def _write(decision: Decision, junit: Path | None, markdown: Path | None) -> None:
    from countcheck.files import write_text
    from countcheck.reports.text.gate_markdown import gate_markdown
    from countcheck.reports.text.junit import junit as junit_xml

    if junit is not None:
        write_text(junit_xml(decision), junit)
    if markdown is not None:
        write_text(gate_markdown(decision), markdown)
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page and os.environ.get("GITHUB_ACTIONS") == "true":
        try:
            with Path(page).open("a", encoding="utf-8") as file:
                file.write(gate_markdown(decision))
        except OSError as error:  # an extra of the CI service; the decision stands without it
            note(f"the job's summary page cannot be written ({error.strerror})")
