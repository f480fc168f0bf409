"""``report``: one page over one or more runs, and its other forms."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from countcheck.cli.main import app
from countcheck.cli.output import say

if TYPE_CHECKING:
    from countcheck.reports.report import Report
    from countcheck.storage.run_folder import RunFolder


class Form(StrEnum):
    """What can be written."""

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


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Every model in these runs stands side by side.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="The file; RUN/report.html when left out.")
    ] = None,
    form: Annotated[
        Form | None, typer.Option("--format", "-f", help="When left out, by the file's ending; html without one.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="The model or run that others are compared with; the first when left out.")
    ] = None,
    annotated: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also write every picture with its boxes drawn, by verdict.")
    ] = None,
    mlflow: Annotated[str | None, typer.Option(metavar="EXPERIMENT", help="Also log the rates to MLflow.")] = None,
    wandb: Annotated[
        str | None, typer.Option(metavar="PROJECT", help="Also log the rates to Weights & Biases.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON; no file unless one is named.")
    ] = False,
) -> None:
    """Write one page over one or more runs. It shows which model draws what was asked, how sure that is, and the pictures.

    Prints the path of what was written.
    """
    from contextlib import ExitStack

    from countcheck.cli.output import print_json
    from countcheck.reports.json_document import report_to_json
    from countcheck.reports.report import read_report
    from countcheck.storage.run_folder import RunFolder

    with ExitStack() as stack:
        opened = [stack.enter_context(RunFolder.open(path)) for path in runs]
        told = read_report(opened, baseline=baseline)
        target = None
        if not as_json or out is not None:
            form = form or _form_of(out)
            target = _write(form, told, opened, out or runs[0] / _NAMES[form])
        if annotated is not None:
            from countcheck.reports.overlays import write_annotated

            # Two runs may hold the same sample.
            folders = [
                annotated / f"{i}-{run.name}" if len(opened) > 1 else annotated for i, run in enumerate(opened, 1)
            ]
            written = sum(map(write_annotated, opened, folders))
            say(f"{written} annotated pictures in {annotated}")
        if mlflow is not None:
            from countcheck.interop.trackers import log_mlflow

            log_mlflow(told, mlflow, attach=target)
        if wandb is not None:
            from countcheck.interop.trackers import log_wandb

            log_wandb(told, wandb, attach=target)
    if as_json:
        print_json(report_to_json(told))
    else:
        typer.echo(target)


def _form_of(out: Path | None) -> Form:
    from countcheck.errors import BadSettings

    ending = (out.suffix.lower() if out else "") or ".html"
    if ending not in _ENDINGS:
        raise BadSettings(f"{out}: no form of the report ends in {ending!r}. Name it with --format, or a .html file.")
    return _ENDINGS[ending]


def _write(form: Form, told: Report, runs: list[RunFolder], target: Path) -> Path:
    from countcheck.files import write_text
    from countcheck.reports.html.page import write_html
    from countcheck.reports.json_document import report_to_json
    from countcheck.reports.text.markdown import render_markdown
    from countcheck.reports.text.model_card import render_model_card

    match form:
        case Form.HTML:
            return write_html(told, runs, target)
        case Form.JSON:
            return write_text(orjson.dumps(report_to_json(told), option=orjson.OPT_INDENT_2).decode() + "\n", target)
        case Form.MARKDOWN:
            return write_text(render_markdown(told), target)
        case Form.MODEL_CARD:
            return write_text(render_model_card(told), target)
