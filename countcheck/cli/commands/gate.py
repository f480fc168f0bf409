"""``countcheck gate RUN --policy FILE``: pass, fail or cannot decide, with a reason for every rule."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countcheck.cli.main import app
from countcheck.cli.output import closed_pipe_ignored, print_json, say, say_problems_of_pictures, stdout_console

if TYPE_CHECKING:
    from countcheck.gate.decision import Decision
    from countcheck.gate.evidence import Evidence
    from countcheck.metrics.summary import Summary


@app.command()
def gate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, or what summary --json wrote of it.")],
    policy: Annotated[Path, typer.Option(metavar="FILE", help="What is demanded: a policy, YAML.")],
    baseline: Annotated[
        Path | None, typer.Option(metavar="RUN", help="An earlier run's folder, or what summary --json wrote of it.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write test results for CI here.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a summary page here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the decision as JSON.")] = False,
) -> None:
    """Pass or fail a finished run. Exits 0 when it passed, 1 when it failed, 3 when it cannot be decided."""
    from countcheck.gate.decide import decide_gate
    from countcheck.gate.policy import read_policy

    read = read_policy(policy)
    before = baseline or read.baseline
    decision = decide_gate(
        read, read_evidence(run, read.level), None if before is None else read_evidence(before, read.level)
    )
    _write(decision, junit, markdown)
    from countcheck.reports.text.annotations import log_lines

    with closed_pipe_ignored():
        for line in log_lines(decision, os.environ):
            typer.echo(line, err=as_json)
        if as_json:
            print_json(decision.to_json())
        else:
            from countcheck.reports.terminal.gate import render_decision

            stdout_console().print(render_decision(decision))
    raise typer.Exit(decision.exit_code)


def read_evidence(path: Path, level: float) -> Evidence:
    """What a run folder, or the summary kept of one, says. Raises `BadInput` when it is neither."""
    from countcheck.gate.evidence import evidence_of_run, evidence_of_summary

    if path.is_file() and path.suffix != ".sqlite":
        return evidence_of_summary(read_summary(path))
    from countcheck.storage.run_folder import RunFolder

    with RunFolder.open(path) as opened:
        rows = opened.rows()
        say_problems_of_pictures(opened, rows)
        return evidence_of_run(rows, opened.info.called(opened.name), opened.labels(), level)


def read_summary(path: Path) -> Summary:
    """The summary in a file that ``summary --json`` wrote."""
    import orjson

    from countcheck.errors import BadInput
    from countcheck.metrics.summary import Summary

    try:
        body = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise BadInput(f"{path} is no JSON ({error}). Name a run folder or what summary --json wrote.") from error
    return Summary.from_json(body, place=str(path))


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
        except OSError as error:  # a courtesy of the CI service; the decision stands without it
            say(f"the job's summary page cannot be written ({error.strerror})")
