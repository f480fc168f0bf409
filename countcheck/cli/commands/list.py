"""``list``: what there is to run, count and ask."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from countcheck.cli.main import app
from countcheck.cli.output import print_json, stdout_console
from countcheck.reports.safe_text import terminal_text

_FAMILIES = {
    "scenes": "draws by rule exactly what is asked; scenes?error_rate=0.3 errs on purpose",
    "folder": "pictures that somebody else made: folder:PATH",
    "diffusers": "any text-to-image pipeline: diffusers:ID or diffusers:FOLDER",
    "transcript": "a recorded chat: transcript:FILE",
}


class What(StrEnum):
    """What can be listed."""

    GENERATORS = "generators"
    COUNTERS = "counters"
    SUITES = "suites"


@app.command("list")
def list_(
    what: Annotated[What, typer.Argument(help="What to list.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the generators, counters or suites that are known by name."""
    rows = {What.GENERATORS: _generators, What.COUNTERS: _counters, What.SUITES: _suites}[what]()
    if as_json:
        print_json(rows)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        facts = " · ".join(
            _fact(name, value)
            for name, value in row.items()
            if name not in ("name", "about")
            and (value or name == "measured")
            and value != row["name"]
            and (name != "priced" or row["price"])
        )
        about = terminal_text(str(row["about"] or ""))
        # What it is comes first; facts that one looks up stand below, quieter.
        told = Text("\n").join(part for part in (Text(about), Text(terminal_text(facts), style="dim")) if part)
        table.add_row(Text(terminal_text(str(row["name"])), style="bold"), told)
    stdout_console().print(table)


def _generators() -> list[dict[str, Any]]:
    from countcheck.cards import generator_cards, read_card
    from countcheck.registry import generator_families

    rows = []
    carded = set()
    for name, path in generator_cards().items():
        card = read_card(path)
        carded.add(card.family)
        rows.append(
            {
                "name": name,
                "family": card.family,
                "source": card.source,
                "licence": card.licence,
                "price": card.price,
                "priced": card.priced,
                "about": card.about,
            }
        )
    for family in sorted(set(generator_families()) - {str(row["name"]) for row in rows}):
        about = _FAMILIES.get(family) or _about_provider(family)
        rows.append(
            {"name": family, "family": family, "source": "", "licence": "", "price": None, "priced": "", "about": about}
        )
    return rows


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


def _fact(name: str, value: Any) -> str:
    """One fact in a few words; what speaks for itself goes without its name."""
    if name == "measured":
        return f"measured: {_measured(value)}" if value else "error not measured"
    if name == "price":
        return f"{value} USD a picture"
    if name == "priced":
        return f"priced {value}"
    if name in ("prompts", "conversations", "nouns"):
        return f"{value} {name}"
    return f"{name} {value}" if name == "threshold" else str(value)


def _measured(facts: dict[str, Any]) -> str:
    """What a card knows of its errors, without the underscores of its keys."""
    told = []
    for name, value in facts.items():
        words = f"({_measured(value)})" if isinstance(value, dict) else str(value)
        told.append(f"{str(name).replace('_', ' ')} {words}")
    return ", ".join(told)
