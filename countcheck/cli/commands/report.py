"""``report``: one page over one or more runs, and its other formats."""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from countcheck.cli.main import READ, app
from countcheck.cli.options import OUTPUT
from countcheck.cli.output import json_text, note, print_json

if TYPE_CHECKING:
    from countcheck.reports.report import Report
    from countcheck.storage.run_folder import RunFolder


class Form(StrEnum):
    """Formats of a report."""

    HTML = "html"
    MARKDOWN = "markdown"
    JSON = "json"
    MODEL_CARD = "model-card"


_ENDINGS = {".html": Form.HTML, ".htm": Form.HTML, ".md": Form.MARKDOWN, ".json": Form.JSON}
_NAMES = {
    Form.HTML: "report.html",
    Form.MARKDOWN: "report.md",
    Form.JSON: "report.json",
    Form.MODEL_CARD: "model-card.md",
}
_TRACKERS = "Experiment trackers"


_Runs: TypeAlias = Annotated[
    list[Path], typer.Argument(metavar="RUN", help="Folders of runs; all their models stand side by side.")
]
_Baseline: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="Model or run to compare with; the first when left out.")
]
_Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--out",
        "--output",
        metavar="FILE",
        rich_help_panel=OUTPUT,
        help="The file; RUN/report.html when left out.",
    ),
]
_Form: TypeAlias = Annotated[
    Form | None,
    typer.Option("--format", "-f", rich_help_panel=OUTPUT, help="Format; by the file's ending when left out."),
]
_Annotated: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", rich_help_panel=OUTPUT, help="Also write every picture with its boxes, by verdict."),
]
_AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", rich_help_panel=OUTPUT, help="Print JSON, and write no file without -o.")
]
_Mlflow: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="EXPERIMENT", rich_help_panel=_TRACKERS, help="Also log the rates to MLflow."),
]
_Wandb: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="PROJECT", rich_help_panel=_TRACKERS, help="Also log the rates to Weights & Biases."),
]


@app.command(rich_help_panel=READ)
def report(
    runs: _Runs,
    baseline: _Baseline = None,
    out: _Out = None,
    form: _Form = None,
    annotated: _Annotated = None,
    as_json: _AsJson = False,
    mlflow: _Mlflow = None,
    wandb: _Wandb = None,
) -> None:
    """Write one page over one or more runs: rates, differences, pictures, refusals, conversations.

    Prints the path of what was written.

    Examples:
        countcheck report runs/demo
        countcheck report runs/before runs/after -o comparison.html
        countcheck report runs/demo -f model-card
    """
    from countcheck.reports.json_document import report_to_json
    from countcheck.reports.report import read_report
    from countcheck.storage.run_folder import RunFolder

    with ExitStack() as stack:
        opened = [stack.enter_context(RunFolder.open(path)) for path in runs]
        content = read_report(opened, baseline=baseline)
        target = None
        if not as_json or out is not None:
            form = form or _form_of(out)
            target = _write(form, content, opened, out or runs[0] / _NAMES[form])
        if annotated is not None:
            _write_annotated(opened, annotated)
        _log(content, mlflow, wandb, target)
    if as_json:
        print_json(report_to_json(content))
    else:
        typer.echo(target)


def _form_of(out: Path | None) -> Form:
    from countcheck.errors import BadSettings

    ending = (out.suffix.lower() if out else "") or ".html"
    if ending not in _ENDINGS:
        raise BadSettings(f"{out}: no format of the report ends in {ending!r}. Name it with --format, or a .html file.")
    return _ENDINGS[ending]


def _write(form: Form, content: Report, runs: list[RunFolder], target: Path) -> Path:
    from countcheck.files import write_text
    from countcheck.reports.html.page import write_html
    from countcheck.reports.json_document import report_to_json
    from countcheck.reports.text.markdown import render_markdown
    from countcheck.reports.text.model_card import render_model_card

    match form:
        case Form.HTML:
            return write_html(content, runs, target)
        case Form.JSON:
            return write_text(json_text(report_to_json(content)), target)
        case Form.MARKDOWN:
            return write_text(render_markdown(content), target)
        case Form.MODEL_CARD:
            return write_text(render_model_card(content), target)


def _write_annotated(runs: list[RunFolder], folder: Path) -> None:
    from countcheck.reports.overlays import write_annotated

    # Two runs may hold the same sample.
    folders = [folder / f"{i}-{run.name}" if len(runs) > 1 else folder for i, run in enumerate(runs, 1)]
    note(f"{sum(map(write_annotated, runs, folders))} annotated pictures in {folder}")


def _log(content: Report, mlflow: str | None, wandb: str | None, target: Path | None) -> None:
    from countcheck.interop.trackers import log_mlflow, log_wandb

    if mlflow is not None:
        log_mlflow(content, mlflow, attach=target)
    if wandb is not None:
        log_wandb(content, wandb, attach=target)
