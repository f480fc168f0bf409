"""Result rows as columns: one numpy array a field, so that 100,000 rows are counted in a blink."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from countcheck.counting.verdict import Kind
from countcheck.metrics.consistency import unclear_refusals
from countcheck.metrics.outcome_codes import CODES, KINDS, Bools, Ints, SampleCodes
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


def columns_of(rows: Sequence[ResultRow]) -> Columns:
    """Arrange one generator's rows as columns; conversation turns or prompts, as given."""
    prompts = {name: code for code, name in enumerate(dict.fromkeys(row.prompt_id for row in rows))}
    nouns = [_nouns(row) for row in rows]
    return Columns(
        samples=SampleCodes(
            prompts=tuple(prompts),
            prompt=np.array([prompts[row.prompt_id] for row in rows], np.int64),
            repeat=np.array([row.repeat for row in rows], np.int64),
            code=outcome_codes(rows),
        ),
        seconds=np.array([row.seconds for row in rows], np.float64),
        cost=np.array([np.nan if row.cost is None else row.cost for row in rows], np.float64),
        numbers=_numbers(rows),
        nouns_asked=np.array([asked for asked, _ in nouns], np.int64),
        nouns_exact=np.array([exact for _, exact in nouns], np.int64),
        tags=_tags(rows),
    )


def outcome_codes(rows: Sequence[ResultRow]) -> Ints:
    """Return (n,) the index into `countcheck.metrics.outcome_codes.CODES` of each row of one generator."""
    outcome = np.array([row.outcome for row in rows], dtype="U8")
    picture, refusal, missing = outcome == "picture", outcome == "refusal", outcome == "missing"
    code = np.array([-1 if row.verdict is None else _CODE_OF[row.verdict] for row in rows], np.int64)
    judged, countable, unclear = code >= 0, _countable(rows), unclear_refusals(rows)
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


def tags_of(row: ResultRow) -> dict[str, tuple[str, ...]]:
    """Return the tags of a row and those derived from its targets; the suite's own tags win.

    ``number`` is the asked number where one noun has a plain number; ``noun`` every noun asked for; ``kinds`` how many
    of them; ``number_form`` is ``digit`` or ``word``, where the wording is known.
    """
    tags: dict[str, tuple[str, ...]] = {name: (str(value),) for name, value in row.tags.items()}
    nouns = tuple(dict.fromkeys(noun for target in row.targets for noun in target.nouns)) or tuple(row.asked)
    if not nouns:
        return tags
    tags.setdefault("noun", nouns)
    tags.setdefault("kinds", (str(len(nouns)),))
    numbers = plain_numbers(row)
    if len(nouns) == 1 and len(numbers) == 1:
        tags.setdefault("number", (str(next(iter(numbers.values()))),))
    words = " ".join(target.words for target in row.targets)
    if words.strip():
        tags.setdefault("number_form", ("digit" if any(c.isdigit() for c in words) else "word",))
    return tags


def plain_numbers(row: ResultRow) -> dict[str, int]:
    """Return noun to asked number, for nouns asked for in a plain number ("three", "no"), not a range or a comparison."""
    if not row.targets:
        return dict(row.asked)
    return {target.noun: target.count or 0 for target in row.targets if target.relation in NUMBERED}


def _nouns(row: ResultRow) -> tuple[int, int]:
    """Return how many nouns were asked for, and how many of them were counted as asked for sure."""
    asked = len(row.targets or row.asked)
    if row.outcome == "refusal":
        return asked, 0
    if row.outcome != "picture":
        return 0, 0
    if row.verdict is Kind.EXACT:
        return asked, asked
    if asked == 1:
        return 1, 0
    counted = row.counted or {}
    certain = {noun for noun in counted if row.low.get(noun) == row.high.get(noun)}
    if not row.targets:
        return asked, sum(noun in certain and counted[noun] == n for noun, n in row.asked.items())
    return asked, sum(certain.issuperset(target.nouns) and target.holds(counted) for target in row.targets)


def _countable(rows: Sequence[ResultRow]) -> Bools:
    asked = np.array([bool(row.targets or row.asked) for row in rows], np.bool_)
    judged = np.array(
        [row.verdict is not None and row.verdict not in (Kind.REFUSED, Kind.FAILED) for row in rows], np.bool_
    )
    # Rows that were judged and carry no targets anywhere (a bare export) do not say what was asked: every sample counts.
    # Where nothing was judged either, nothing was to be counted: refusals are all that such a suite asks about.
    return np.ones(len(rows), np.bool_) if judged.any() and not asked.any() else asked | judged


def _numbers(rows: Sequence[ResultRow]) -> NounCounts:
    index: list[int] = []
    asked: list[int] = []
    counted: list[float] = []
    for i, row in enumerate(rows):
        if row.outcome != "picture" or not row.counted:
            continue
        for noun, n in plain_numbers(row).items():
            if noun in row.counted:
                index.append(i)
                asked.append(n)
                counted.append(row.counted[noun])
    return NounCounts(
        row=np.array(index, np.int64), asked=np.array(asked, np.int64), counted=np.array(counted, np.float64)
    )


def _tags(rows: Sequence[ResultRow]) -> dict[str, TagColumn]:
    """Read tags once for each prompt, since its rows share them; the turns of a conversation may differ."""
    names: dict[tuple[str, int], int] = {}
    name_of_row: list[int] = []
    first: list[ResultRow] = []
    for row in rows:
        name = (row.prompt_id, row.script if row.conversation else -1)
        code = names.get(name)
        if code is None:
            code = names[name] = len(first)
            first.append(row)
        name_of_row.append(code)
    codes: dict[str, dict[str, int]] = defaultdict(dict)
    owners: dict[str, list[int]] = defaultdict(list)
    flat: dict[str, list[int]] = defaultdict(list)
    for owner, row in enumerate(first):
        for tag, values in tags_of(row).items():
            known, tag_owners, tag_flat = codes[tag], owners[tag], flat[tag]
            for value in values:
                tag_owners.append(owner)
                tag_flat.append(known.setdefault(value, len(known)))
    index = np.array(name_of_row, np.int64)
    return {
        tag: _repeated(tuple(codes[tag]), np.array(owners[tag], np.int64), np.array(flat[tag], np.int64), index)
        for tag in sorted(codes)
    }


def _repeated(values: tuple[str, ...], owners: Ints, flat: Ints, name_of_row: Ints) -> TagColumn:
    """Repeat the codes of each prompt, given in order, for each of its rows."""
    lengths = np.bincount(owners, minlength=int(name_of_row.max(initial=-1)) + 1)
    starts = np.cumsum(lengths) - lengths
    per_row = lengths[name_of_row]
    rows = np.repeat(np.arange(len(name_of_row)), per_row)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(per_row) - per_row, per_row)
    return TagColumn(values=values, rows=rows, codes=flat[starts[name_of_row[rows]] + within])
