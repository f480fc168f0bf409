"""``suite``: check, show, read and import what is asked."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countcheck.cli.main import app
from countcheck.cli.output import print_json, say, stdout_console
from countcheck.reports.safe_text import terminal_text

if TYPE_CHECKING:
    from countcheck.suites.suite import Suite, Target

suites = typer.Typer(help="Check, show, read and import suites.", no_args_is_help=True)
app.add_typer(suites, name="suite")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Article(StrEnum):
    """How "a dog" is read."""

    IGNORE = "ignore"
    ONE = "one"
    AT_LEAST = "at_least"


ArticleOption = Annotated[Article, typer.Option(help='How "a dog" is read: not at all, exactly one, at least one.')]
ApproximateOption = Annotated[
    bool, typer.Option("--approximate", help='Give "several", "a few" and "about twenty" targets too.')
]


@suites.command()
def check(
    specs: Annotated[list[str], typer.Argument(metavar="SUITE", help="Suites, by name or file.")],
    counter: Annotated[
        str | None, typer.Option("-d", "--counter", metavar="COUNTER", help="Also check that it knows every noun.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say whether suites can be read, and what is in them."""
    from countcheck.suites.catalog import load_suite

    loaded = [load_suite(spec) for spec in specs]
    if counter is not None:
        _known_to(loaded, counter)
    rows = [_numbers(suite) for suite in loaded]
    if as_json:
        print_json({"schema": "countcheck/suite-check/1", "suites": rows})
        return
    from countcheck.reports.format import quantity

    for row in rows:
        told = [quantity(row[many], many[:-1]) for many in ("prompts", "conversations", "targets")]
        told += [quantity(len(row["nouns"]), "noun")]
        told += [f"{quantity(row['without_targets'], 'prompt')} without a target"]
        told += [f"{quantity(row['skipped'], 'line')} skipped"]
        told += [f"{quantity(row['not_understood'], 'line')} not wholly understood"] if row["not_understood"] else []
        typer.echo(terminal_text(f"{row['name']}: {', '.join(told)}"))


def _numbers(suite: Suite) -> dict[str, Any]:
    empty = sum(not prompt.targets for prompt in suite.prompts)
    empty += sum(not turn.targets for talk in suite.conversations for turn in talk.turns)
    return {
        "name": suite.name,
        "source": suite.source,
        "prompts": len(suite.prompts),
        "conversations": len(suite.conversations),
        "targets": len(suite.targets),
        "nouns": list(suite.vocabulary),
        "without_targets": empty,
        "skipped": len(suite.skipped),
        "not_understood": len(suite.remarks),
        "digest": suite.digest,
    }


def _known_to(loaded: list[Suite], spec: str) -> None:
    """Raises `BadSuite` naming the nouns that a closed counter does not know, and the counters that know them."""
    from countcheck.cards import open_counters
    from countcheck.counting.counter import load_counter
    from countcheck.errors import BadSuite
    from countcheck.suites.suite import Noun

    counter = load_counter(spec)
    for suite in loaded:
        nouns = [suite.nouns.get(name, Noun(name=name)) for name in suite.vocabulary]
        unknown = counter.unsupported(nouns)
        if unknown:
            raise BadSuite(
                f"{suite.name}: the counter {spec} does not know {', '.join(map(repr, unknown))}. "
                f"Counters that know any noun: {', '.join(open_counters())}. `countcheck list counters` tells of the others."
            )


@suites.command()
def show(
    spec: Annotated[str, typer.Argument(metavar="SUITE", help="A suite, by name or file.")],
    as_json: Json = False,
) -> None:
    """Show every prompt of a suite, and what it must show."""
    from countcheck.suites.catalog import load_suite
    from countcheck.suites.serialize import conversation_to_json, prompt_to_json

    suite = load_suite(spec)
    if as_json:
        print_json(
            {
                "schema": "countcheck/suite-show/1",
                "name": suite.name,
                "prompts": [prompt_to_json(prompt) for prompt in suite.prompts],
                "conversations": [conversation_to_json(talk) for talk in suite.conversations],
                **_lines(suite),
            }
        )
        return
    _table(suite)


def _table(suite: Suite) -> None:
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        title=terminal_text(": ".join(filter(None, (suite.name, suite.description)))),
    )
    for heading in ("id", "text", "must show", "tags"):
        table.add_column(heading, overflow="fold")

    def row(name: str, text: str, targets: tuple[Target, ...], tags: Any) -> None:
        shown = "; ".join(target.sentence() for target in targets) or "-"
        cells = (name, text, shown, ", ".join(f"{k}={v}" for k, v in tags.items()))
        table.add_row(*(terminal_text(cell) for cell in cells))

    for prompt in suite.prompts:
        row(prompt.id, prompt.text, prompt.targets, prompt.tags)
    for talk in suite.conversations:
        for n, turn in enumerate(talk.turns):
            row(f"{talk.id} [{n + 1}]", turn.say, turn.targets, turn.tags)
    stdout_console().print(table)
    _tell_skipped(suite)


def _lines(suite: Suite) -> dict[str, Any]:
    """The lines left out, and those kept of which something was not understood."""
    return {
        "skipped": [{"line": one.line, "why": one.why} for one in suite.skipped],
        "remarks": [{"line": one.line, "why": one.why} for one in suite.remarks],
    }


def _tell_skipped(suite: Suite) -> None:
    for kind, lines in (("skipped: ", suite.skipped), ("", suite.remarks)):
        for one in lines[:20]:
            say(f"line {one.line} {kind}{one.why}")
        if len(lines) > 20:
            say(f"and {len(lines) - 20} more such lines; --json lists them all")


@suites.command()
def read(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="One prompt, in English.")],
    article: ArticleOption = Article.IGNORE,
    approximate: ApproximateOption = False,
    as_json: Json = False,
) -> None:
    """Read a prompt's text: what it asks to be counted."""
    from countcheck.suites.language.read_targets import read_targets
    from countcheck.suites.serialize import target_to_json

    reading = read_targets(text, article=article.value, approximate=approximate)
    if as_json:
        print_json(
            {
                "schema": "countcheck/suite-read/1",
                "targets": [target_to_json(target) for target in reading.targets],
                "not_understood": list(reading.not_understood),
            }
        )
        return
    for target in reading.targets:
        phrase = f", looked for as {target.phrase!r}" if target.phrase != target.noun else ""
        typer.echo(terminal_text(f"{target.sentence()}  (from {target.words!r}{phrase})"))
    if not reading.targets:
        typer.echo("nothing to count")
    for piece in reading.not_understood:
        typer.echo(terminal_text(f"not understood: {piece!r}"))


@suites.command("import")
def import_(
    format: Annotated[str, typer.Argument(metavar="FORMAT", help="The file's format; `auto` looks for itself.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The foreign file, or a dataset's folder.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="SUITE.yaml", help="The suite to write.")],
    article: ArticleOption = Article.IGNORE,
    approximate: ApproximateOption = False,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
    as_json: Json = False,
) -> None:
    """Turn somebody else's prompts into a suite file."""
    from countcheck.errors import BadInput
    from countcheck.suites.catalog import import_suite
    from countcheck.suites.serialize import write_suite

    if out.exists() and not force:
        raise BadInput(f"{out} is already there. Name another file, or say --force.")
    suite = import_suite(format, file, article=article.value, approximate=approximate)
    write_suite(suite, out)
    row = {**_numbers(suite), "written": str(out)}
    if as_json:
        print_json(
            {
                "schema": "countcheck/suite-import/1",
                **row,
                **_lines(suite),
            }
        )
        return
    from countcheck.reports.format import quantity

    told = (quantity(row["prompts"], "prompt"), quantity(row["targets"], "target"), quantity(row["skipped"], "line"))
    typer.echo(terminal_text(f"{out}: {', '.join(told)} skipped"))
    _tell_skipped(suite)
