"""Pictures that come back: the same picture for other prompts or seeds. Pure.

The digest of a picture's file tells exact copies; its perceptual hash, kept in the outcome's detail, those that were
encoded anew. A picture that answers prompts with nothing in common is a provider's placeholder: it is read as a silent
refusal. Nothing is accused for looking alike: the hash must be the same but for what encoding changes, and prompts that
share a noun are never proof.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from countcheck.counting.verdict import Kind
from countcheck.images.hashes import BITS, SHORTEST, cells, colour_distance, hash_distance
from countcheck.storage.result_table import HASH, PICTURE, PLACEHOLDER, REFUSAL, Bools, Ending, Ints, ResultTable
from countcheck.storage.rows import ResultRow

SAME_BITS = 8  # bits that encoding anew changes; of different pictures no two were nearer than 20
SAME_COLOUR = 2  # levels of the mean colour
SAME_BITS_DIM = 48  # of two pictures of little contrast, where they are also nearly the same when seen very small:
SAME_LEVELS = 1.5  # so many levels at most between any two cells,
SAME_SHAPE = 0.9  # and so much correlation between all of them at least
UNRELATED = 3  # prompts without a common noun that one picture must answer to be a placeholder
_CHUNKS = 10  # parts of a hash, more than SAME_BITS: two hashes of one picture agree in one of them at least
_LONGEST_BUCKET = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedPicture:
    """One picture that a generator gave several times.

    Attributes:
        rows: The rows that it answers, two or more.
        exact: Whether all its files are the same to the last byte.
        unrelated: The largest number of prompts found among them of which no two share a noun.
    """

    rows: tuple[ResultRow, ...]
    exact: bool
    unrelated: int

    @property
    def prompts(self) -> int:
        """How many prompts it answers."""
        return len({row.prompt_id for row in self.rows})


def repeated_pictures(rows: Iterable[ResultRow]) -> list[RepeatedPicture]:
    """Find the pictures that came more than once for prompts of one generator, the most frequent first.

    Args:
        rows: Of one generator; refusals that came with a picture are compared too, turns of conversations are not: an
            edit may rightly change nothing.
    """
    repeated = []
    for group in groups_of_one_picture(rows):
        if len(group) > 1:
            exact = len({row.digest for row in group}) == 1
            repeated.append(RepeatedPicture(rows=tuple(group), exact=exact, unrelated=_unrelated(group)))
    return sorted(repeated, key=lambda picture: -len(picture.rows))


def groups_of_one_picture(rows: Iterable[ResultRow]) -> list[list[ResultRow]]:
    """Group the rows of one generator by their picture, a picture that came once included; as `repeated_pictures` does."""
    by_digest: dict[str, list[ResultRow]] = {}
    for row in rows:
        if row.picture and row.digest and not row.conversation and row.outcome in ("picture", "refusal"):
            by_digest.setdefault(row.digest, []).append(row)
    groups: list[list[ResultRow]] = []
    leaders: list[str] = []
    buckets: dict[tuple[int, str], list[int]] = {}
    for group in by_digest.values():
        mark = hash_of(group[0])
        keys = _chunks(mark)
        near = {place for key in keys for place in buckets.get(key, ())[:_LONGEST_BUCKET]}
        same = next((place for place in sorted(near) if same_picture(leaders[place], mark)), None)
        if same is not None:
            groups[same] += group
            continue
        for key in keys:
            buckets.setdefault(key, []).append(len(groups))
        groups.append(list(group))
        leaders.append(mark)
    return groups


def same_picture(one: str, other: str) -> bool:
    """Tell by their hashes whether two pictures are one, encoded twice; never when a hash is missing.

    Encoding turns many bits of a picture of little contrast. There more of them may differ, if the pictures are nearly
    the same when they are seen very small.
    """
    if not one or not other or colour_distance(one, other) > SAME_COLOUR:
        return False
    bits = hash_distance(one, other)
    return bits <= SAME_BITS or (bits <= SAME_BITS_DIM and _same_cells(one, other))


def _same_cells(one: str, other: str) -> bool:
    levels, others = cells(one), cells(other)
    if levels is None or others is None:
        return False
    levels, others = levels - levels.mean(), others - others.mean()
    if float(np.abs(levels - others).max()) > SAME_LEVELS:
        return False
    return float(levels @ others) >= SAME_SHAPE * float(np.sqrt((levels @ levels) * (others @ others)))


def hash_of(row: ResultRow) -> str:
    """Return the perceptual hash of a row's picture; empty when none was kept."""
    mark = row.extra.get(HASH)
    return mark if isinstance(mark, str) and len(mark) >= SHORTEST else ""


def without_placeholders(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """Return the rows of a run, the pictures that are placeholders as silent refusals with their picture kept."""
    by_generator: dict[str, list[ResultRow]] = {}
    for row in rows:
        by_generator.setdefault(row.generator, []).append(row)
    sentences: dict[tuple[str, int], str] = {}
    for own in by_generator.values():
        sentences |= _sentences(own, sum(bool(row.picture) and not row.conversation for row in own))
    if not sentences:
        return list(rows)
    return [as_refusal(row, sentences[row.key, row.turn]) if (row.key, row.turn) in sentences else row for row in rows]


def _sentences(rows: Iterable[ResultRow], drawn: int) -> dict[tuple[str, int], str]:
    """Return by key and turn why each placeholder of one generator is a refusal."""
    sentences: dict[tuple[str, int], str] = {}
    for picture in repeated_pictures(rows):
        if is_placeholder(picture, drawn):
            sentence = f"refused, silent: one picture answers {picture.prompts} prompts with nothing in common"
            sentences |= {(row.key, row.turn): sentence for row in picture.rows if row.outcome == "picture"}
    return sentences


def without_placeholders_in(table: ResultTable, refused: Mapping[int, str] | None = None) -> ResultTable:
    """Return the table of a run, the pictures that are placeholders as silent refusals; as `without_placeholders` does.

    Args:
        refused: What `placeholders_in` says of the table; looked for when ``None``.
    """
    rows = list(placeholders_in(table) if refused is None else refused)
    if not rows:
        return table
    ending = Ending(outcome="refusal", refusal="silent", code=PLACEHOLDER, verdict=Kind.REFUSED)
    endings = table.ending.copy()
    endings[rows] = len(table.endings)
    return replace(table, endings=[*table.endings, ending], ending=endings)


def placeholders_in(table: ResultTable) -> dict[int, str]:
    """Return by its place in the table why each placeholder is a refusal."""
    found: dict[int, str] = {}
    for code in range(len(table.generators)):
        rows = np.flatnonzero(table.generator == code)
        own = table if len(rows) == len(table) else table.take(rows)
        near = may_repeat(own)
        sentences = _sentences(own.take(near).rows(), int((own.drawn & ~own.conversation).sum())) if len(near) else {}
        for row in near.tolist() if sentences else ():
            sentence = sentences.get((own.key_of(row), int(own.turn[row])))
            if sentence is not None:
                found[int(rows[row])] = sentence
    return found


def by_name(table: ResultTable, sentences: Mapping[int, str]) -> dict[tuple[str, int], str]:
    """Return what `placeholders_in` says by key and turn."""
    return {(table.key_of(row), int(table.turn[row])): why for row, why in sentences.items()}


def compared(table: ResultTable) -> Bools:
    """Return (n,) which rows of one generator are compared: pictures, and refusals that came with one, of prompts."""
    outcome = table.outcome
    asked = (outcome == PICTURE) | (outcome == REFUSAL)
    return asked & table.drawn & np.not_equal(table.digest, b"") & ~table.conversation


def may_repeat(table: ResultTable) -> Ints:
    """Return the rows of one generator whose picture may be another row's: `groups_of_one_picture` leaves all others alone.

    They have the digest of another row, or a part of their hash is that of another picture.
    """
    rows = np.flatnonzero(compared(table))
    _, first, which, times = np.unique(table.digest[rows], return_index=True, return_inverse=True, return_counts=True)
    near = times > 1  # of each picture
    marks = table.mark[rows[first]]
    whole = np.flatnonzero(np.char.str_len(marks) >= SHORTEST)
    digits = np.array([list(mark[: BITS // 4]) for mark in marks[whole].tolist()], np.uint8).reshape(-1, BITS // 4)
    for start, end in itertools.pairwise(_edges()):
        part = np.ascontiguousarray(digits[:, start:end]).view(f"S{end - start}").ravel()
        _, same, sizes = np.unique(part, return_inverse=True, return_counts=True)
        near[whole[sizes[same] > 1]] = True
    return rows[near[which]]


def is_placeholder(picture: RepeatedPicture, drawn: int) -> bool:
    """Tell whether a repeated picture stands for no picture.

    Where every picture is the same one, nothing tells a placeholder from a model that draws one thing only; where copies
    differ in bytes, the most frequent picture of a model that has collapsed is none either.

    Args:
        picture: Of one generator.
        drawn: How many pictures that generator gave.
    """
    if picture.unrelated < UNRELATED:
        return False
    return len(picture.rows) < drawn if picture.exact else 2 * len(picture.rows) < drawn


def as_refusal(row: ResultRow, sentence: str) -> ResultRow:
    """Return the row of a placeholder as a silent refusal, with its picture kept; ``sentence`` says why."""
    return replace(
        row,
        outcome="refusal",
        refusal="silent",
        code=PLACEHOLDER,
        verdict=Kind.REFUSED,
        leaning=Kind.REFUSED,
        reason=sentence,
        counted={},
        low={},
        high={},
    )


def _unrelated(rows: Iterable[ResultRow]) -> int:
    """Count prompts of which no two share a noun, as many as are found one after another."""
    taken: set[str] = set()
    number = 0
    for names in {row.prompt_id: _names(row) for row in rows}.values():
        if names and not names & taken:
            taken |= names
            number += 1
    return number


def _names(row: ResultRow) -> frozenset[str]:
    """Return the nouns that a prompt asks for; its longer words when it asks for none."""
    nouns = frozenset(noun for target in row.targets for noun in target.nouns) or frozenset(row.asked)
    return nouns or frozenset(word for word in row.text.lower().split() if len(word) > 3)


def _chunks(mark: str) -> list[tuple[int, str]]:
    if not mark:
        return []
    return [(k, mark[start:end]) for k, (start, end) in enumerate(itertools.pairwise(_edges()))]


def _edges() -> list[int]:
    """Where the parts of a hash begin and end."""
    return [BITS // 4 * k // _CHUNKS for k in range(_CHUNKS + 1)]
