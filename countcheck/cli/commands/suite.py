"""``suite``: check, show, read and import suites."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countcheck.cli.help import App, Group
from countcheck.cli.main import SET_UP, app
from countcheck.cli.options import JsonOption, OutputOption, SuitesArgument
from countcheck.cli.output import note, print_json, show_result
from countcheck.cli.running import show_finished
from countcheck.reports.safe_text import terminal_text

if TYPE_CHECKING:
    from rich.table import Table

    from countcheck.suites.suite import Suite, Target

MAX_LISTED = 20

suites = App(help="Check, show, read and import suites.", no_args_is_help=True, cls=Group, rich_markup_mode=None)
app.add_typer(suites, name="suite", rich_help_panel=SET_UP)


class Article(StrEnum):
    """How "a dog" is read: not at all, as exactly one, as at least one."""

    IGNORE = "ignore"
    ONE = "one"
    AT_LEAST = "at_least"


ArticleOption = Annotated[
    Article, typer.Option(help='Read "a dog" as no number (ignore), exactly one (one) or at least one (at_least).')
]
ApproximateOption = Annotated[
    bool, typer.Option("--approximate", help='Read "several", "a few" and "about twenty" as targets, too.')
]


@suites.command()
def check(
    specs: SuitesArgument,
    counter: Annotated[
        str | None, typer.Option("-d", "--counter", metavar="COUNTER", help="Also check that it knows every noun.")
    ] = None,
    generators: Annotated[
        list[str] | None,
        typer.Option(
            "-g",
            "--generator",
            metavar="SPEC",
            help="Also list prompts that it does not read to their end; may be repeated.",
        ),
    ] = None,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Check that suites can be read, and count what is in them.

    Examples:
        countcheck suite check farm.yaml
        countcheck suite check farm.yaml -d yolo11n
        countcheck suite check farm.yaml -g sd-1.5 -g flux.1-dev
    """
    from countcheck.suites.catalog import load_suite

    loaded = [load_suite(spec) for spec in specs]
    if counter is not None:
        _require_known_nouns(loaded, counter)
    rows = [_numbers(suite) for suite in loaded]
    lists = [_cut_prompts(loaded, spec) for spec in generators or ()]
    cut = [row for each in lists for row in each or ()]
    show_result(
        lambda: {"schema": "countcheck/suite-check/1", "suites": rows, **({"truncated": cut} if generators else {})},
        lambda: "\n".join([*map(_check_line, rows), *_cut_lines(cut, told=any(each is not None for each in lists))]),
        as_json=as_json,
        output=output,
    )


def _cut_prompts(loaded: list[Suite], spec: str) -> list[dict[str, Any]] | None:
    """List the prompts that a generator does not read to their end; ``None``, and a note, where it cannot tell."""
    from countcheck.cards import read_generator_card
    from countcheck.generators.base import LimitsPrompts
    from countcheck.generators.prompt_limits import cut_prompts
    from countcheck.registry import load_generator_class

    card = read_generator_card(spec)
    kind: Any = load_generator_class(card.family)
    if not issubclass(kind, LimitsPrompts):
        note(f"{card.name}: {card.family} does not say how much of a prompt its model reads")
        return None
    generator = kind(card)
    return [
        {"suite": suite.name, "generator": card.name, **cut.to_json()}
        for suite in loaded
        for cut in cut_prompts(suite, generator.truncation)
    ]


def _cut_lines(cut: list[dict[str, Any]], *, told: bool) -> list[str]:
    from countcheck.reports.format import quantity

    lines = []
    for name in dict.fromkeys(row["generator"] for row in cut):
        rows = [row for row in cut if row["generator"] == name]
        lines.append(f"{name}: {quantity(len(rows), 'prompt')} longer than the {rows[0]['limit']} tokens that it reads")
        for row in rows[:MAX_LISTED]:
            place = row["id"] if row["turn"] is None else f"{row['id']} [{row['turn']}]"
            lines.append(f"  {row['suite']}, {place}: {row['tokens']} tokens; not read: {row['unseen']!r}")
        if len(rows) > MAX_LISTED:
            lines.append(f"  and {len(rows) - MAX_LISTED} more; --json lists them all")
    if told and not cut:
        lines.append("no prompt is longer than the generators read")
    return [terminal_text(line) for line in lines]


def _check_line(row: dict[str, Any]) -> str:
    from countcheck.reports.format import quantity

    parts = [quantity(row[plural], plural[:-1]) for plural in ("prompts", "conversations", "targets")]
    parts += [quantity(len(row["nouns"]), "noun")]
    parts += [f"{quantity(row['without_targets'], 'prompt')} without a target"]
    parts += [f"{quantity(row['skipped'], 'line')} skipped"]
    parts += [f"{quantity(row['not_understood'], 'line')} not wholly understood"] if row["not_understood"] else []
    return terminal_text(f"{row['name']}: {', '.join(parts)}")


def _numbers(suite: Suite) -> dict[str, Any]:
    empty = sum(not prompt.targets for prompt in suite.prompts)
    empty += sum(not turn.targets for conversation in suite.conversations for turn in conversation.turns)
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


def _require_known_nouns(loaded: list[Suite], spec: str) -> None:
    """Raise `BadSuite` naming the nouns that a closed counter does not know, and the counters that know them."""
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
                f"Counters that know any noun: {', '.join(open_counters())}. `countcheck list counters` describes the others."
            )


@suites.command()
def show(
    spec: Annotated[str, typer.Argument(metavar="SUITE", help="A suite, by name or file.")],
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Show every prompt of a suite with its targets.

    Examples:
        countcheck suite show three-little-pigs
        countcheck suite show farm.yaml -o farm.json
    """
    from countcheck.suites.catalog import load_suite
    from countcheck.suites.serialize import conversation_to_json, prompt_to_json

    suite = load_suite(spec)
    show_result(
        lambda: {
            "schema": "countcheck/suite-show/1",
            "name": suite.name,
            "prompts": [prompt_to_json(prompt) for prompt in suite.prompts],
            "conversations": [conversation_to_json(conversation) for conversation in suite.conversations],
            **_lines(suite),
        },
        lambda: _table(suite),
        as_json=as_json,
        output=output,
    )
    if not as_json:
        _note_skipped(suite)


def _table(suite: Suite) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        title=terminal_text(": ".join(filter(None, (suite.name, suite.description)))),
    )
    for heading in ("id", "text", "targets", "tags"):
        table.add_column(heading, overflow="fold")

    def add(name: str, text: str, targets: tuple[Target, ...], tags: Any) -> None:
        demands = "; ".join(target.sentence() for target in targets) or "-"
        cells = (name, text, demands, ", ".join(f"{tag}={value}" for tag, value in tags.items()))
        table.add_row(*(terminal_text(cell) for cell in cells))

    for prompt in suite.prompts:
        add(prompt.id, prompt.text, prompt.targets, prompt.tags)
    for conversation in suite.conversations:
        for number, turn in enumerate(conversation.turns, 1):
            add(f"{conversation.id} [{number}]", turn.say, turn.targets, turn.tags)
    return table


def _lines(suite: Suite) -> dict[str, Any]:
    """Return the lines left out, and those kept of which something was not understood."""
    return {
        "skipped": [{"line": skipped.line, "why": skipped.why} for skipped in suite.skipped],
        "remarks": [{"line": remark.line, "why": remark.why} for remark in suite.remarks],
    }


def _note_skipped(suite: Suite) -> None:
    for kind, lines in (("skipped: ", suite.skipped), ("", suite.remarks)):
        for line in lines[:MAX_LISTED]:
            note(f"line {line.line} {kind}{line.why}")
        if len(lines) > MAX_LISTED:
            note(f"and {len(lines) - MAX_LISTED} more such lines; --json lists them all")


@suites.command()
def read(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="One prompt, in English.")],
    article: ArticleOption = Article.IGNORE,
    approximate: ApproximateOption = False,
    as_json: JsonOption = False,
) -> None:
    """Read the targets in a prompt's text.

    Examples:
        countcheck suite read "three pigs and at least two wolves"
    """
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
        phrase = f", detected as {target.phrase!r}" if target.phrase != target.noun else ""
        typer.echo(terminal_text(f"{target.sentence()}  (from {target.words!r}{phrase})"))
    if not reading.targets:
        typer.echo("nothing to count")
    for piece in reading.not_understood:
        typer.echo(terminal_text(f"not understood: {piece!r}"))


@suites.command("import")
def import_(
    format: Annotated[str, typer.Argument(metavar="FORMAT", help="Format of the file; auto detects it.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file, or the folder of a dataset or of labels.")],
    out: Annotated[
        Path,
        typer.Option("-o", "--out", metavar="SUITE.yaml", help="The suite to write; the run, for a folder of labels."),
    ],
    article: ArticleOption = Article.IGNORE,
    approximate: ApproximateOption = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Convert prompts of another format into a suite file, or GeckoNum's folder of labels into a run.

    Raises:
        BadInput: When the file to write exists already.

    Examples:
        countcheck suite import auto prompts.csv -o mine.yaml
        countcheck suite import geneval evaluation_metadata.jsonl -o geneval.yaml
        countcheck suite import geckonum FOLDER -o runs/people
    """
    from countcheck.errors import BadInput
    from countcheck.interop.geckonum_labels import is_label_folder
    from countcheck.suites.catalog import import_suite
    from countcheck.suites.serialize import write_suite

    if format in ("geckonum", "auto") and is_label_folder(file):
        _import_labels(file, out, as_json)
        return
    if out.exists() and not force:
        raise BadInput(f"{out} is already there. Name another file, or give --force.")
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

    counts = (quantity(row["prompts"], "prompt"), quantity(row["targets"], "target"), quantity(row["skipped"], "line"))
    typer.echo(terminal_text(f"{out}: {', '.join(counts)} skipped"))
    _note_skipped(suite)


def _import_labels(folder: Path, out: Path, as_json: bool) -> None:
    """Make a run of people's counts and print its summary."""
    from countcheck.interop.geckonum_labels import run_of_folder

    show_finished(run_of_folder(folder, out, report=note), as_json=as_json)
