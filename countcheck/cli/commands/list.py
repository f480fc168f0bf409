"""``list``: generators, counters and suites that are known by name."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countcheck.cli.main import SET_UP, app
from countcheck.cli.options import JsonOption, OutputOption
from countcheck.cli.output import show_result
from countcheck.errors import BadSettings, UnknownName
from countcheck.reports.safe_text import one_line, terminal_text

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from countcheck.cards import Card

_SAID_BY_LIFE = frozenset({"ends", "replaced_by", "lifetime", "end"})
_FAMILIES = {
    "scenes": "makes by rule exactly what is asked; scenes?error_rate=0.3 makes errors on purpose",
    "folder": "reads pictures that exist already: folder:PATH",
    "diffusers": "any text-to-image pipeline: diffusers:ID, diffusers:FOLDER or diffusers:FILE",
    "transformers": "a model that draws token by token (Janus, Emu3): transformers:ID or transformers:FOLDER",
    "transcript": "reads a recorded chat: transcript:FILE",
}


# Whether a prompt is rewritten, in words; of cards whose prompts are drawn as written, nothing is said.
_REWRITING = {
    "off": "prompt rewriting off",
    "on": "rewrites prompts; can be turned off",
    "always": "rewrites prompts; cannot be turned off",
}


_MARKS = {"ending": "yellow", "ended": "red"}
"""Colours of the generators that end soon, and of those that have ended."""


class What(StrEnum):
    """What can be listed."""

    GENERATORS = "generators"
    COUNTERS = "counters"
    SUITES = "suites"


class Kind(StrEnum):
    """Where a generator runs."""

    SERVICE = "service"
    LOCAL = "local"


@app.command("list", rich_help_panel=SET_UP)
def list_(
    what: Annotated[What, typer.Argument(metavar="WHAT", help="generators, counters or suites.")],
    family: Annotated[
        str, typer.Option(metavar="FAMILY", help="List generators or counters of this family alone.")
    ] = "",
    kind: Annotated[Kind | None, typer.Option(help="List generators of a paid service, or local ones, alone.")] = None,
    ends: Annotated[
        bool, typer.Option("--ends", help="List generators alone that have ended, or end within 60 days.")
    ] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Print one line each, fields separated by tabs, for grep and cut.")
    ] = False,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """List the generators, counters or suites that are known by name.

    Raises:
        UnknownName: When nothing of that family is known.
        BadSettings: When suites are filtered like generators.

    Examples:
        countcheck list counters
        countcheck list generators --kind service
        countcheck list generators --family diffusers --plain
        countcheck list generators --ends
    """
    rows = {What.GENERATORS: _generators, What.COUNTERS: _counters, What.SUITES: _suites}[what]()
    if (family and what is What.SUITES) or ((kind or ends) and what is not What.GENERATORS):
        filtered = "family" if family and what is What.SUITES else "kind" if kind else "end"
        raise BadSettings(f"{what} have no {filtered}. Leave the filter out.")
    if family:
        known = {row["family"] for row in rows}
        rows = [row for row in rows if row["family"] == family]
        if not rows:
            raise UnknownName("family", family, known)
    if kind:
        from countcheck.registry import provider_families

        services = provider_families()
        rows = [row for row in rows if (row["family"] in services) == (kind is Kind.SERVICE)]
    if ends:
        rows = [row for row in rows if row.get("lifetime") in _MARKS]
    show_result(lambda: rows, lambda: _lines(rows) if plain else _table(rows), as_json=as_json, output=output)


def _lines(rows: Sequence[dict[str, Any]]) -> str:
    return "\n".join(
        "\t".join([one_line(str(row["name"]), 200), *map(one_line, _facts(row)), *_plain_end(row), _about(row)])
        for row in rows
    )


def _table(rows: Sequence[dict[str, Any]]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        facts = terminal_text(" · ".join(_facts(row)))
        lines = (Text(_about(row)), _end(row), Text(facts, style="dim"))
        description = Text("\n").join(line for line in lines if line)
        table.add_row(Text(one_line(str(row["name"]), 200), style="bold"), description)
    return table


def _about(row: dict[str, Any]) -> str:
    return terminal_text(str(row["about"] or "")).replace("\n", " ")


def _end(row: dict[str, Any]) -> Text:
    """Say when a model ends, marked when that is near or over; empty for a row without an end."""
    from rich.text import Text

    said = str(row.get("end") or "")
    style = _MARKS.get(str(row.get("lifetime")))
    return Text(f"! {said}", style) if style else Text(said, "dim")


def _plain_end(row: dict[str, Any]) -> list[str]:
    return [_end(row).plain] if row.get("end") else []


def _facts(row: dict[str, Any]) -> list[str]:
    return [
        _fact(name, value)
        for name, value in row.items()
        if name not in ("name", "about")
        and (value or name == "measured")
        and value != row["name"]
        and (name != "priced" or row["price"] or row["price_range"])
        and (name != "priced" or row["price"] or row["price_range"])
        and (name != "rewrites" or value in _REWRITING)
        and name not in _SAID_BY_LIFE
    ]


def _fact(name: str, value: Any) -> str:
    """Write one fact in a few words, without its name where it needs none."""
    match name:
        case "measured":
            return f"measured: {_measured(value)}" if value else "error not measured"
        case "price":
            return f"{value} USD a picture"
        case "rewrites":
            return _REWRITING.get(value, str(value))
        case "priced" | "threshold":
            return f"{name} {value}"
        case "prompts" | "conversations" | "nouns":
            return f"{value} {name}"
    return str(value)


def _measured(facts: dict[str, Any]) -> str:
    """Write what a card records of a counter's errors, without the underscores of its keys."""
    parts = []
    for name, value in facts.items():
        text = f"({_measured(value)})" if isinstance(value, dict) else str(value)
        parts.append(f"{str(name).replace('_', ' ')} {text}")
    return ", ".join(parts)


def _generators() -> list[dict[str, Any]]:
    from countcheck.cards import generator_cards, read_card
    from countcheck.engine.model_remarks import rewriting_of_card
    from countcheck.generators.lifetime import end_in_words, lifetime_of, today
    from countcheck.registry import generator_families

    day = today()
    rows: list[dict[str, Any]] = []
    for name, path in generator_cards().items():
        card = read_card(path)
        rows.append(
            {
                "name": name,
                "family": card.family,
                "source": card.source,
                "licence": card.licence,
                "price": card.price,
                "priced": card.priced,
                "price_range": _price_range(card),
                "price_note": card.price_note,
                "rewrites": str(rewriting_of_card(card)),
                "ends": None if card.ends is None else card.ends.isoformat(),
                "replaced_by": card.replaced_by,
                "lifetime": str(lifetime_of(card, day)),
                "end": end_in_words(card, day),
                "about": card.about,
            }
        )
    for family in sorted(set(generator_families()) - {str(row["name"]) for row in rows}):
        about = _FAMILIES.get(family) or _about_provider(family)
        prices = {"price": None, "priced": "", "price_range": None, "price_note": ""}
        life = {"rewrites": "unknown", "ends": None, "replaced_by": "", "lifetime": "served", "end": ""}
        names = {"name": family, "family": family, "source": "", "licence": ""}
        rows.append({**names, **prices, **life, "about": about})
    return rows


def _price_range(card: Card) -> list[float] | None:
    """Return the least and most USD of a picture, where a formula says it."""
    if not card.pricing:
        return None
    from countcheck.generators.price import price_of
    from countcheck.generators.remote.client import RemoteGenerator
    from countcheck.registry import load_generator_class

    family = load_generator_class(card.family)
    defaults = family.defaults if issubclass(family, RemoteGenerator) else {}
    known = price_of(card, {**defaults, **card.settings}).known_range
    return None if known is None else [round(end, 6) for end in known]


def _about_provider(family: str) -> str:
    from countcheck.registry import load_generator_class, provider_families

    service = load_generator_class(family).service if family in provider_families() else ""
    return f"{service}: {family}:MODEL" if service else f"a family: {family}:SOURCE"


def _counters() -> list[dict[str, Any]]:
    from countcheck.cards import counter_cards, read_card
    from countcheck.counting.rule_settings import rule_of_card

    rows = []
    for name, path in counter_cards().items():
        card = read_card(path)
        rows.append(
            {
                "name": name,
                "family": card.family,
                "vocabulary": card.vocabulary,
                "licence": card.licence,
                "size": card.size,
                "source": card.source or "ships with the program",
                "threshold": rule_of_card(card).threshold,
                "measured": dict(card.measured),
                "about": card.about,
            }
        )
    return rows


def _suites() -> list[dict[str, Any]]:
    from countcheck.suites.catalog import load_suite, shipped_suites

    rows = []
    for name in shipped_suites():
        suite = load_suite(name)
        rows.append(
            {
                "name": name,
                "prompts": len(suite.prompts),
                "conversations": len(suite.conversations),
                "nouns": len(suite.vocabulary),
                "about": suite.description.strip().split("\n")[0],
            }
        )
    return rows
