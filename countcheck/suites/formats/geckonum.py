"""GeckoNum's `prompts.csv`, all twelve prompt types (Kajic et al. 2024).

Exact numbers become exact targets, "as many" and "more" become comparisons, "no" becomes none. "A few" and "many" are no
numbers, and a picture shows no thirds of a loaf as things to count: those prompts are left out and listed. Its labels
are read by `countcheck.interop.geckonum_labels`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from countcheck.suites.readers import Fit, Preview, PromptCollector, table_rows
from countcheck.suites.rows import ReadOptions
from countcheck.suites.suite import Prompt, Relation, Suite, Target

NAME = "geckonum"
PROMPTS = "prompts.csv"
_COLOURS = frozenset(("black", "white", "red", "green", "blue", "yellow"))
_CUT_OFF = {"grains of ric": "grain of rice"}  # upstream


class NotCountable(Exception):
    """A prompt whose answer is no whole number of things."""


def accepts(preview: Preview) -> Fit:
    """A table with the columns prompt, entities and prompt_type, or a folder with such a ``prompts.csv``."""
    if preview.shape == "folder":
        return Fit.EXACT if (preview.path / PROMPTS).is_file() else Fit.NONE
    return Fit.EXACT if preview.shape == "table" and preview.has("prompt", "entities", "prompt_type") else Fit.NONE


def explain(preview: Preview) -> str:
    """Say of a table of people's answers what it is; empty for any other file."""
    labels = preview.shape == "table" and preview.has("image_id", "annot_id", "question")
    return "It holds labels: give it to `score --labels`." if labels else ""


def read(path: Path, options: ReadOptions) -> Suite:
    """Read a ``prompts.csv``, or the folder it lies in; ids are its dataset ids, to which picture and label files refer.

    Raises:
        BadSuite: When there is no prompt in it, or it is no table.
    """
    path = path / PROMPTS if path.is_dir() else path
    collector = PromptCollector(repeats=True)
    for line, row in table_rows(path, collector):
        try:
            collector.add(line, _prompt(row))
        except NotCountable as error:
            collector.skip(line, f"{row.get('prompt_type', '')}: {error}")
        except (KeyError, ValueError) as error:
            collector.skip(line, f"not a GeckoNum row ({type(error).__name__}: {error})")
    return collector.suite(
        path, "GeckoNum prompts: exact numbers, comparisons, none; colours and places are not checked."
    )


def _prompt(row: Mapping[str, str]) -> Prompt:
    kind = row["prompt_type"]
    entities = [_entity(part) for part in row["entities"].split(",")]
    if kind.startswith("approx-2"):
        targets = _comparison(entities)
    else:
        targets = tuple(_target(name, number) for name, number in entities)
        if len({t.noun for t in targets}) < len(targets):
            targets = tuple(Target(noun=t.phrase, relation=t.relation, count=t.count, words=t.words) for t in targets)
    return Prompt(
        id=row["dataset_id"] or f"geckonum_{int(row['index']):05d}",
        text=row["prompt"],
        targets=targets,
        tags={
            "prompt_type": kind,
            "number_form": {"1": "word", "0": "digit"}.get(row.get("has_numeral", ""), "unknown"),
            "frequent_noun": {"1": "yes", "0": "no"}.get(row.get("is_frequent", ""), "not said"),
        },
    )


def _entity(part: str) -> tuple[str, str]:
    name, colon, number = part.strip().rpartition(":")
    if not colon or not name:
        raise ValueError(f"no noun and number in {part!r}")
    return _CUT_OFF.get(name, name), number


def _target(name: str, number: str) -> Target:
    if number == "no":
        return Target(noun=name, relation=Relation.NONE, count=0)
    if number in ("few", "many"):
        raise NotCountable(f'"{number}" is no number')
    if not number.isdigit():
        raise NotCountable(f"{name} is asked as {number!r}, a fraction")
    colour, _, noun = name.partition(" ")
    bare = noun if colour in _COLOURS and noun else name
    return Target(noun=bare, count=int(number), phrase=name, words=f"{number} {name}")


def _comparison(entities: list[tuple[str, str]]) -> tuple[Target, ...]:
    (first, how), (second, _) = entities
    match how:
        case "more":
            compared = Target(noun=first, relation=Relation.MORE_THAN, other=second)
        case "fewer":
            compared = Target(noun=second, relation=Relation.MORE_THAN, other=first)
        case "as many":
            compared = Target(noun=first, relation=Relation.AS_MANY_AS, other=second)
        case _:
            raise ValueError(f"no comparison in {how!r}")
    # "An image with some kangaroos and some cribs": both are there.
    return (compared, *(Target(noun=n, relation=Relation.AT_LEAST, count=1) for n in (first, second)))
