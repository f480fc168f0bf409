"""One generator's results as columns of numbers, so that a million samples are counted in a blink.

What depends on the prompt and on the outcome alone is worked out once for each pair of them that occurs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from countcheck.counting.verdict import Kind
from countcheck.metrics.consistency import unclear_refusals
from countcheck.metrics.outcome_codes import CODES, KINDS, Bools, Ints, SampleCodes
from countcheck.storage.prompt_fields import PromptFields
from countcheck.storage.result_table import (
    MISSING,
    PICTURE,
    REFUSAL,
    Ending,
    Results,
    ResultTable,
    first_seen,
    table_of,
)
from countcheck.storage.rows import ResultRow
from countcheck.suites.suite import Relation

Floats: TypeAlias = NDArray[np.float64]

NUMBERED = frozenset({Relation.EXACTLY, Relation.NONE})
"""Relations that ask for a plain number."""

_CODE_OF = {kind: code for code, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NounCounts:
    """One entry for every noun that was asked for in a plain number, in every counted picture.

    Attributes:
        row: (m,) its row.
        asked, counted: (m,) the number asked for and the number counted, 0 or more; people's median may be a half.
    """

    row: Ints
    asked: Ints
    counted: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TagColumn:
    """The values of one tag; a row may have several.

    Attributes:
        values: The distinct values.
        rows, codes: Parallel: row ``rows[i]`` has the value ``values[codes[i]]``.
    """

    values: tuple[str, ...]
    rows: Ints
    codes: Ints

    def rows_with(self, value: str) -> Ints:
        """Return the rows that have a value; none when no row has it."""
        if value not in self.values:
            return np.zeros(0, np.int64)
        return self.rows[self.codes == self.values.index(value)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """The result rows of one generator, n of them.

    Attributes:
        samples: (n,) prompts, repeats and outcome codes.
        seconds: (n,) seconds that each took, 0 or more.
        cost: (n,) USD, 0 or more; NaN where unknown.
        numbers: Asked and counted numbers.
        nouns_asked: (n,) nouns asked for, in pictures and refusals; 0 elsewhere.
        nouns_exact: (n,) of these, the nouns whose count is as asked for sure.
        tags: Tag to its values.
    """

    samples: SampleCodes
    seconds: Floats
    cost: Floats
    numbers: NounCounts
    nouns_asked: Ints
    nouns_exact: Ints
    tags: Mapping[str, TagColumn]

    def __len__(self) -> int:
        return len(self.samples)

    def matching(self, where: Mapping[str, str]) -> Bools:
        """Return (n,) whether each row's tags have all these values."""
        chosen = np.ones(len(self), np.bool_)
        for tag, value in where.items():
            inside = np.zeros(len(self), np.bool_)
            if tag in self.tags:
                inside[self.tags[tag].rows_with(value)] = True
            chosen &= inside
        return chosen


def columns_of(results: Results) -> Columns:
    """Arrange one generator's results as columns; conversation turns or prompts, as given."""
    table = table_of(results)
    prompts, prompt = table.prompts()
    pairs = Pairs(table)
    nouns = np.array([_nouns(place, ending) for place, ending in pairs.distinct], np.int64).reshape(-1, 2)[pairs.of_row]
    return Columns(
        samples=SampleCodes(
            prompts=prompts, prompt=prompt, repeat=table.repeat.astype(np.int64), code=outcome_codes(table)
        ),
        seconds=table.seconds,
        cost=table.cost,
        numbers=_numbers(pairs),
        nouns_asked=nouns[:, 0].copy(),
        nouns_exact=nouns[:, 1].copy(),
        tags=_tags(table),
    )


def outcome_codes(results: Results) -> Ints:
    """Return (n,) the index into `countcheck.metrics.outcome_codes.CODES` of each row of one generator."""
    table = table_of(results)
    outcome = table.outcome
    picture, refusal, missing = outcome == PICTURE, outcome == REFUSAL, outcome == MISSING
    code: Ints = table.by_ending(lambda ending: -1 if ending.verdict is None else _CODE_OF[ending.verdict], np.int64)
    judged, countable, unclear = code >= 0, _countable(table), unclear_refusals(table)
    for chosen, letter in (
        (~judged, "-"),
        (picture & (~judged | ~countable), "."),
        (refusal, "r"),
        (unclear, "R"),
        (refusal & ~countable, ","),
        (unclear & ~countable, ";"),
        (missing, "-"),
    ):
        code[chosen] = CODES.index(letter)
    return code


def tags_of(asked: ResultRow | PromptFields) -> dict[str, tuple[str, ...]]:
    """Return the tags of what was asked and those derived from its targets; the suite's own tags win.

    ``number`` is the asked number where one noun has a plain number; ``noun`` every noun asked for; ``kinds`` how many
    of them; ``number_form`` is ``digit`` or ``word``, where the wording is known.
    """
    tags: dict[str, tuple[str, ...]] = {name: (str(value),) for name, value in asked.tags.items()}
    nouns = tuple(dict.fromkeys(noun for target in asked.targets for noun in target.nouns)) or tuple(asked.asked)
    if not nouns:
        return tags
    tags.setdefault("noun", nouns)
    tags.setdefault("kinds", (str(len(nouns)),))
    numbers = plain_numbers(asked)
    if len(nouns) == 1 and len(numbers) == 1:
        tags.setdefault("number", (str(next(iter(numbers.values()))),))
    words = " ".join(target.words for target in asked.targets)
    if words.strip():
        tags.setdefault("number_form", ("digit" if any(c.isdigit() for c in words) else "word",))
    return tags


def plain_numbers(asked: ResultRow | PromptFields) -> dict[str, int]:
    """Return noun to asked number, for nouns asked for in a plain number ("three", "no"), not a range or a comparison."""
    if not asked.targets:
        return dict(asked.asked)
    return {target.noun: target.count or 0 for target in asked.targets if target.relation in NUMBERED}


class Pairs:
    """What was asked, with how it ended: the pairs that occur among the rows of a table.

    Args:
        table: Of k pairs in n rows.

    Attributes:
        distinct: The pairs.
        of_row: (n,) which of them each row is.
    """

    def __init__(self, table: ResultTable) -> None:
        names: dict[Hashable, int] = {}
        asked = [(place.fields.targets, tuple(place.fields.asked.items())) for place in table.places]
        of_place = np.array([names.setdefault(name, len(names)) for name in asked], np.int64)
        example = dict(zip(reversed(of_place.tolist()), reversed(table.places), strict=True))
        codes = of_place[table.place] * len(table.endings) + table.ending
        distinct, self.of_row = np.unique(codes, return_inverse=True)
        self.distinct = [
            (example[asked].fields, table.endings[ending])
            for asked, ending in zip(
                *(part.tolist() for part in np.divmod(distinct, len(table.endings) or 1)), strict=True
            )
        ]


def _nouns(asked: PromptFields, ending: Ending) -> tuple[int, int]:
    """Return how many nouns were asked for, and how many of them were counted as asked for sure."""
    n = len(asked.targets or asked.asked)
    if ending.outcome == "refusal":
        return n, 0
    if ending.outcome != "picture":
        return 0, 0
    if ending.verdict is Kind.EXACT:
        return n, n
    if n == 1:
        return 1, 0
    counted = ending.counted
    certain = {noun for noun in counted if ending.low.get(noun) == ending.high.get(noun)}
    if not asked.targets:
        return n, sum(noun in certain and counted[noun] == number for noun, number in asked.asked.items())
    return n, sum(certain.issuperset(target.nouns) and target.holds(counted) for target in asked.targets)


def _countable(table: ResultTable) -> Bools:
    asked = table.by_place(lambda place: bool(place.fields.targets or place.fields.asked), np.bool_)
    judged = table.by_ending(
        lambda ending: ending.verdict is not None and ending.verdict not in (Kind.REFUSED, Kind.FAILED), np.bool_
    )
    # Rows that were judged and carry no targets anywhere (a bare export) do not say what was asked: every sample counts.
    # Where nothing was judged either, nothing was to be counted: refusals are all that such a suite asks about.
    return np.ones(len(table), np.bool_) if judged.any() and not asked.any() else asked | judged


def _numbers(pairs: Pairs) -> NounCounts:
    owners: list[int] = []
    asked: list[int] = []
    counted: list[float] = []
    for pair, (fields, ending) in enumerate(pairs.distinct):
        if ending.outcome != "picture" or not ending.counted:
            continue
        for noun, n in plain_numbers(fields).items():
            if noun in ending.counted:
                owners.append(pair)
                asked.append(n)
                counted.append(ending.counted[noun])
    rows, places = _repeat_for_rows(np.array(owners, np.int64), pairs.of_row)
    return NounCounts(row=rows, asked=np.array(asked, np.int64)[places], counted=np.array(counted, np.float64)[places])


def _tags(table: ResultTable) -> dict[str, TagColumn]:
    """Read tags once for each prompt, since its rows share them; the turns of a conversation may differ."""
    names: dict[tuple[str, int], int] = {}
    of_place = np.zeros(len(table.places), np.int64)
    seen, _ = first_seen(table.place)
    first: list[PromptFields] = []
    for number in seen.tolist():
        place = table.places[number]
        name = (place.prompt_id, place.script if place.fields.conversation else -1)
        code = names.setdefault(name, len(first))
        if code == len(first):
            first.append(place.fields)
        of_place[number] = code
    codes: dict[str, dict[str, int]] = defaultdict(dict)
    owners: dict[str, list[int]] = defaultdict(list)
    flat: dict[str, list[int]] = defaultdict(list)
    for owner, fields in enumerate(first):
        for tag, values in tags_of(fields).items():
            known, tag_owners, tag_flat = codes[tag], owners[tag], flat[tag]
            for value in values:
                tag_owners.append(owner)
                tag_flat.append(known.setdefault(value, len(known)))
    name_of_row = of_place[table.place]
    columns = {}
    for tag in sorted(codes):
        rows, places = _repeat_for_rows(np.array(owners[tag], np.int64), name_of_row)
        columns[tag] = TagColumn(values=tuple(codes[tag]), rows=rows, codes=np.array(flat[tag], np.int64)[places])
    return columns


def _repeat_for_rows(owners: Ints, owner_of_row: Ints) -> tuple[Ints, Ints]:
    """Repeat what owners have for each of their rows.

    Args:
        owners: (k,) whose each thing is, in ascending order.
        owner_of_row: (n,) the owner of each row.

    Returns:
        (m,) rows in order, and (m,) which of the k things stands in it.
    """
    lengths = np.bincount(owners, minlength=int(owner_of_row.max(initial=-1)) + 1)
    starts = np.cumsum(lengths) - lengths
    per_row = lengths[owner_of_row]
    rows = np.repeat(np.arange(len(owner_of_row)), per_row)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(per_row) - per_row, per_row)
    return rows, starts[owner_of_row[rows]] + within
