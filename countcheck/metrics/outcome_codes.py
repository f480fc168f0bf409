"""Verdict rows as columns: one numpy array a field, so that 100,000 rows are counted in a blink."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from countcheck.counting.verdict import Kind
from countcheck.storage.rows import ResultRow
from countcheck.suites.suite import Relation

Bools: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

KINDS: tuple[Kind, ...] = tuple(Kind)
CODE = {kind: code for code, kind in enumerate(KINDS)}
UNCLEAR = frozenset({"unexplained", "deflected", "silent"})

LETTERS = "eoumxr?fR-.,;"
"""What became of a sample, in one letter: the verdicts in the order of `KINDS` (exact, over, under, missing, mixed,
refused, uncertain, failed), R for a refusal for no clear reason, ``-`` for one that never came, and where nothing was to
be counted ``.`` for a picture, ``,`` for a refusal and ``;`` for one for no clear reason. A summary keeps one letter a
sample, so that a later run pairs with it without its pictures."""

JUDGED = "eoumx"
"""Pictures that the counter judged for sure."""
DRAWN = JUDGED + "?"
"""Pictures of prompts with something to count."""
COUNTED = DRAWN + "rR"
"""Pictures and refusals of prompts with something to count."""
ASKED = COUNTED + ".,;"
"""Every picture and refusal."""
ANY = LETTERS
"""Every planned sample."""
NUMBERED = frozenset({Relation.EXACTLY, Relation.NONE})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """The verdict rows of one generator, n of them, over k prompts.

    Attributes:
        prompts: The k prompt ids.
        prompt: (n,) which of them.
        repeat: (n,).
        kind: (n,) index into `KINDS`; -1 where there is no verdict.
        picture, refusal, failure, missing: (n,) what it ended in.
        countable: (n,) something was asked to be counted.
        letter: (n,) index into `LETTERS`.
        seconds, cost: (n,); cost is NaN where unknown.
        noun_row, asked, counted: Parallel, one entry for every noun with a plain number in a counted picture: its
            row, the number asked for and the number found.
        tags: Tag to (values, rows, codes): row ``rows[i]`` has value ``values[codes[i]]``; a row may have several.
    """

    prompts: tuple[str, ...]
    prompt: Ints
    repeat: Ints
    kind: Ints
    picture: Bools
    refusal: Bools
    failure: Bools
    missing: Bools
    countable: Bools
    letter: Ints
    seconds: Floats
    cost: Floats
    noun_row: Ints
    asked: Ints
    counted: Ints
    tags: Mapping[str, tuple[tuple[str, ...], Ints, Ints]]

    def __len__(self) -> int:
        return len(self.prompt)

    def are(self, letters: str) -> Bools:
        """(n,) rows that ended as one of these letters says."""
        return among(letters)[self.letter]


@lru_cache(maxsize=64)
def among(letters: str) -> Bools:
    """For each of `LETTERS`, whether it is one of these."""
    return np.array([letter in letters for letter in LETTERS], np.bool_)


def columns_of(rows: Sequence[ResultRow]) -> Columns:
    """The columns of one generator's rows; conversation turns or prompts, as given."""
    prompts = {name: code for code, name in enumerate(dict.fromkeys(row.prompt_id for row in rows))}
    outcome = np.array([row.outcome for row in rows], dtype="U8")
    picture, refusal, missing = outcome == "picture", outcome == "refusal", outcome == "missing"
    kind = np.array([-1 if row.verdict is None else CODE[row.verdict] for row in rows], np.int64)
    countable = _countable(rows)
    noun_row, asked, counted = _numbers(rows)
    return Columns(
        prompts=tuple(prompts),
        prompt=np.array([prompts[row.prompt_id] for row in rows], np.int64),
        repeat=np.array([row.repeat for row in rows], np.int64),
        kind=kind,
        picture=picture,
        refusal=refusal,
        failure=outcome == "failure",
        missing=missing,
        countable=countable,
        letter=_letters(kind, picture, refusal, missing, countable, _unclear(rows)),
        seconds=np.array([row.seconds for row in rows], np.float64),
        cost=np.array([np.nan if row.cost is None else row.cost for row in rows], np.float64),
        noun_row=noun_row,
        asked=asked,
        counted=counted,
        tags=_tags(rows),
    )


def inconsistent_refusals(rows: Iterable[ResultRow]) -> list[ResultRow]:
    """Refusals of benign prompts of which a sibling (same group, or another repeat) of that generator was drawn."""
    rows = list(rows)
    drawn = {_family(row) for row in rows if row.outcome == "picture"}
    return [row for row in rows if row.outcome == "refusal" and row.benign and _family(row) in drawn]


def tags_of(row: ResultRow) -> dict[str, tuple[str, ...]]:
    """The tags of a row and those derived from its targets: number, noun, kinds, number_form. The suite's own win.

    ``number`` is the asked number where one noun has a plain number; ``noun`` every noun asked for; ``kinds`` how many
    of them; ``number_form`` digit or word, where the wording is known.
    """
    found: dict[str, tuple[str, ...]] = {name: (value,) for name, value in row.tags.items()}
    nouns = tuple(dict.fromkeys(n for t in row.targets for n in t.nouns)) or tuple(row.asked)
    if not nouns:
        return found
    found.setdefault("noun", nouns)
    found.setdefault("kinds", (str(len(nouns)),))
    numbers = _plain_numbers(row)
    if len(nouns) == 1 and len(numbers) == 1:
        found.setdefault("number", (str(next(iter(numbers.values()))),))
    words = " ".join(t.words for t in row.targets)
    if words.strip():
        found.setdefault("number_form", ("digit" if any(c.isdigit() for c in words) else "word",))
    return found


def _letters(kind: Ints, picture: Bools, refusal: Bools, missing: Bools, countable: Bools, unclear: Bools) -> Ints:
    letter = kind.copy()
    for rows, said in (
        (kind < 0, "-"),
        (picture & ((kind < 0) | ~countable), "."),
        (refusal, "r"),
        (unclear, "R"),
        (refusal & ~countable, ","),
        (unclear & ~countable, ";"),
        (missing, "-"),
    ):
        letter[rows] = LETTERS.index(said)
    return letter


def _family(row: ResultRow) -> tuple[str, str, str, int]:
    scripted = row.script if row.conversation else 0
    return (row.generator, "group" if row.group else "prompt", row.group or row.prompt_id, scripted)


def _unclear(rows: Sequence[ResultRow]) -> Bools:
    inconsistent = {id(row) for row in inconsistent_refusals(rows)}
    return np.array(
        [
            row.outcome == "refusal" and row.benign and (row.refusal in UNCLEAR or id(row) in inconsistent)
            for row in rows
        ],
        np.bool_,
    )


def _countable(rows: Sequence[ResultRow]) -> Bools:
    found = np.array([bool(row.targets or row.asked) for row in rows], np.bool_)
    judged = np.array([row.verdict is not None and row.verdict not in (Kind.REFUSED, Kind.FAILED) for row in rows])
    # Rows that were judged and carry no targets anywhere (a bare export) do not say what was asked: every sample counts.
    # Where nothing was judged either, nothing was to be counted: refusals are all that such a suite asks about.
    return np.ones(len(rows), np.bool_) if judged.any() and not found.any() else found | judged.astype(np.bool_)


def _plain_numbers(row: ResultRow) -> dict[str, int]:
    """Noun to asked number, for nouns asked for in a plain number ("three", "no"), not in a range or a comparison."""
    if not row.targets:
        return dict(row.asked)
    return {t.noun: t.count or 0 for t in row.targets if t.relation in NUMBERED}


def _numbers(rows: Sequence[ResultRow]) -> tuple[Ints, Ints, Ints]:
    index: list[int] = []
    asked: list[int] = []
    counted: list[int] = []
    for i, row in enumerate(rows):
        if row.outcome != "picture" or not row.counted:
            continue
        for noun, n in _plain_numbers(row).items():
            if noun in row.counted:
                index.append(i)
                asked.append(n)
                counted.append(row.counted[noun])
    return np.array(index, np.int64), np.array(asked, np.int64), np.array(counted, np.int64)


def _tags(rows: Sequence[ResultRow]) -> dict[str, tuple[tuple[str, ...], Ints, Ints]]:
    codes: dict[str, dict[str, int]] = defaultdict(dict)
    index: dict[str, list[int]] = defaultdict(list)
    value: dict[str, list[int]] = defaultdict(list)
    known: dict[str, dict[str, tuple[str, ...]]] = {}
    for i, row in enumerate(rows):
        # Rows of one prompt share their tags; a conversation's turns may differ.
        name = f"{row.prompt_id}\x00{row.script}" if row.conversation else row.prompt_id
        if name not in known:
            known[name] = tags_of(row)
        for tag, values in known[name].items():
            for one in values:
                index[tag].append(i)
                value[tag].append(codes[tag].setdefault(str(one), len(codes[tag])))
    return {
        tag: (tuple(codes[tag]), np.array(index[tag], np.int64), np.array(value[tag], np.int64))
        for tag in sorted(codes)
    }
