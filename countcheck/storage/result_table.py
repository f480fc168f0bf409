"""A run's results as columns: one number a row and field, and each thing that rows have in common once.

A million rows take some 80 bytes each, where as many `ResultRow` take a thousand. What statistics do not need is not
there: seeds, words beside a picture, addresses of files.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from countcheck.counting.verdict import Kind
from countcheck.storage.prompt_fields import PromptFields
from countcheck.storage.rows import ResultRow
from countcheck.suites.language.rewritten import Numbers, numbers_told
from countcheck.suites.suite import Target

Bools: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]
_T = TypeVar("_T")

HASH = "hash"
"""Name of a picture's perceptual hash in an outcome's detail."""
PLACEHOLDER = "repeated-picture"
"""Code of the refusal that a picture which stands for none is read as."""

OUTCOMES = ("picture", "refusal", "failure", "missing")
"""All outcomes, in the order of their codes."""
PICTURE, REFUSAL, FAILURE, MISSING = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One prompt, or one scripted turn of a conversation, in words that rows have in common.

    Attributes:
        prompt_id: The prompt's or conversation's.
        script: Which turn of the suite's conversation, from 0; 0 for a prompt.
        fields: Its text, targets and tags.
    """

    prompt_id: str
    script: int
    fields: PromptFields


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How samples ended, as far as statistics see it; the attributes are those of `ResultRow`.

    Of codes only that of a placeholder is kept: see `countcheck.storage.repeats`.
    """

    outcome: str
    verdict: Kind | None = None
    refusal: str | None = None
    failure: str | None = None
    message: str = ""
    claims: bool = False
    code: str = ""
    counted: dict[str, float] = field(default_factory=dict)
    low: dict[str, int] = field(default_factory=dict)
    high: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResultTable:
    """Rows of a run, n of them, in the order of `RunFolder.rows`.

    Attributes:
        generators: Names of generators.
        places: What was asked.
        endings: How samples ended.
        generator, place, ending: (n,) indices into these.
        key: (n,) keys of samples, in UTF-8.
        repeat, turn, repair: (n,) whole numbers, 0 or more.
        seconds: (n,) 0 or more.
        cost: (n,) USD; NaN where unknown.
        picture, digest, mark: (n,) path, SHA-256 and perceptual hash of the picture file; empty where there is none.
        rewriting: (n,) what a provider's rewriting did to the prompt's numbers, an index into `Numbers`; -1 for none.
    """

    generators: tuple[str, ...]
    places: Sequence[Place]
    endings: Sequence[Ending]
    generator: NDArray[np.int32]
    place: NDArray[np.int32]
    ending: NDArray[np.int32]
    key: NDArray[np.bytes_]
    repeat: NDArray[np.int32]
    turn: NDArray[np.int32]
    repair: NDArray[np.int32]
    seconds: NDArray[np.float64]
    cost: NDArray[np.float64]
    picture: NDArray[np.bytes_]
    digest: NDArray[np.bytes_]
    mark: NDArray[np.bytes_]
    rewriting: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.place)

    @classmethod
    def of(cls, rows: Iterable[ResultRow]) -> Self:
        """Arrange rows as columns.

        >>> row = ResultRow(key="1", generator="g", prompt_id="p", repeat=0, seed=1, text="", outcome="picture")
        >>> table = ResultTable.of([row, row])
        >>> len(table), len(table.endings), table.outcome.tolist()
        (2, 1, [0, 0])
        """
        generators: Codes[str] = Codes()
        places: Codes[Place] = Codes()
        endings: Codes[Ending] = Codes()
        listed = [  # in the order of `_COLUMNS`
            (
                generators.code(row.generator, row.generator),
                places.code(_place_name(row), row, _place_of),
                endings.code(_ending_name(row), row, _ending_of),
                row.key.encode("utf-8", "surrogatepass"),
                row.repeat,
                row.turn,
                row.repair,
                row.seconds,
                np.nan if row.cost is None else row.cost,
                row.picture.encode("utf-8", "surrogatepass"),
                row.digest.encode("utf-8", "surrogatepass"),
                mark_of(row.extra.get(HASH)),
                rewriting_code(row.text, row.targets, row.rewritten, row.extra.get("numbers")),
            )
            for row in rows
        ]
        columns = zip(*listed, strict=True) if listed else [()] * len(_COLUMNS)
        return cls(
            generators=tuple(generators.things),
            places=places.things,
            endings=endings.things,
            **{name: np.array(values, dtype) for (name, dtype), values in zip(_COLUMNS.items(), columns, strict=True)},
        )

    def take(self, chosen: Bools | Ints) -> Self:
        """Return the rows at some indices, or those of a mask."""
        own = {name: getattr(self, name)[chosen] for name in _COLUMNS}
        return replace(self, **own)

    def of_generator(self, name: str) -> Self:
        """Return the rows of one generator."""
        known = name in self.generators
        return self.take(self.generator == (self.generators.index(name) if known else -1))

    @property
    def outcome(self) -> Ints:
        """(n,) indices into `OUTCOMES`."""
        return self.by_ending(lambda ending: OUTCOMES.index(ending.outcome), np.int64)

    @property
    def drawn(self) -> Bools:
        """(n,) whether a picture file was written."""
        return np.not_equal(self.picture, b"")

    @property
    def conversation(self) -> Bools:
        """(n,) whether each row is a turn of a conversation."""
        return self.by_place(lambda place: place.fields.conversation, np.bool_)

    def by_ending(self, value: Callable[[Ending], Any], dtype: Any) -> NDArray[Any]:
        """Return (n,) what a function says of each row's ending."""
        return np.array([value(ending) for ending in self.endings], dtype)[self.ending]

    def by_place(self, value: Callable[[Place], Any], dtype: Any) -> NDArray[Any]:
        """Return (n,) what a function says of each row's place."""
        return np.array([value(place) for place in self.places], dtype)[self.place]

    def key_of(self, row: int) -> str:
        """Return the key of a row's sample."""
        return bytes(self.key[row]).decode("utf-8", "surrogatepass")

    def rows_of_keys(self, keys: Iterable[str]) -> Ints:
        """Return the rows of some samples, in their order."""
        wanted = [key.encode("utf-8", "surrogatepass") for key in keys]
        return np.flatnonzero(np.isin(self.key, np.array(wanted, np.bytes_)))

    def generators_seen(self) -> list[str]:
        """Return the names of the generators, in the order in which their rows begin."""
        codes, _ = first_seen(self.generator)
        return [self.generators[code] for code in codes.tolist()]

    def prompts(self) -> tuple[tuple[str, ...], Ints]:
        """Return the prompt ids in the order in which their rows begin, and (n,) which of them each row has."""
        number: dict[str, int] = {}
        of_place = np.array([number.setdefault(place.prompt_id, len(number)) for place in self.places], np.int64)
        codes, prompt = first_seen(of_place[self.place])
        names = list(number)
        return tuple(names[code] for code in codes.tolist()), prompt

    def rows(self) -> Iterator[ResultRow]:
        """Yield the rows as objects; what the table does not hold is empty in them."""
        for i in range(len(self)):
            place, ending = self.places[self.place[i]], self.endings[self.ending[i]]
            asked, cost = place.fields, float(self.cost[i])
            yield ResultRow(
                key=self.key_of(i),
                generator=self.generators[self.generator[i]],
                prompt_id=place.prompt_id,
                repeat=int(self.repeat[i]),
                seed=0,
                text=asked.text,
                outcome=ending.outcome,
                turn=int(self.turn[i]),
                script=place.script,
                repair=int(self.repair[i]),
                refusal=ending.refusal,
                failure=ending.failure,
                message=ending.message,
                code=ending.code,
                verdict=ending.verdict,
                picture=self.picture[i].decode("utf-8", "surrogatepass"),
                digest=self.digest[i].decode(),
                extra={HASH: self.mark[i].decode()} if self.mark[i] else {},
                asked=asked.asked,
                counted=ending.counted,
                low=ending.low,
                high=ending.high,
                targets=asked.targets,
                seconds=float(self.seconds[i]),
                cost=None if cost != cost else cost,
                claims=ending.claims,
                conversation=asked.conversation,
                tags=asked.tags,
                group=asked.group,
                benign=asked.benign,
            )


class RowFinder:
    """Finds rows of a table by the key of their sample and their turn."""

    def __init__(self, table: ResultTable) -> None:
        self._order = np.lexsort((table.turn, table.key))
        self._keys, self._turns = table.key[self._order], table.turn[self._order]

    def find(self, names: Sequence[tuple[str, int]]) -> list[int]:
        """Return the row of each key and turn; -1 where there is none.

        >>> row = ResultRow(key="b", generator="g", prompt_id="p", repeat=0, seed=1, text="", outcome="picture")
        >>> RowFinder(ResultTable.of([row, replace(row, turn=1), replace(row, key="a")])).find([("b", 1), ("c", 0)])
        [1, -1]
        """
        keys = np.array([key.encode("utf-8", "surrogatepass") for key, _ in names], np.bytes_)
        first, last = (np.searchsorted(self._keys, keys, side) for side in ("left", "right"))
        found = []
        for start, end, (_, turn) in zip(first.tolist(), last.tolist(), names, strict=True):
            place = start + int(np.searchsorted(self._turns[start:end], turn)) if end - start > 1 else start
            known = place < end and self._turns[place] == turn
            found.append(int(self._order[place]) if known else -1)
        return found


Results: TypeAlias = ResultTable | Iterable[ResultRow]
"""Results as statistics take them: a table, or rows that are arranged as one."""


def table_of(results: Results) -> ResultTable:
    """Return results as a table; a table as it is."""
    return results if isinstance(results, ResultTable) else ResultTable.of(results)


_COLUMNS = {
    "generator": np.int32,
    "place": np.int32,
    "ending": np.int32,
    "key": np.bytes_,
    "repeat": np.int32,
    "turn": np.int32,
    "repair": np.int32,
    "seconds": np.float64,
    "cost": np.float64,
    "picture": np.bytes_,
    "digest": np.bytes_,
    "mark": np.bytes_,
    "rewriting": np.int8,
}


class Codes(Generic[_T]):
    """Gives things numbers, from 0 on, in the order in which their names are first seen.

    Attributes:
        things: What the numbers stand for.
    """

    def __init__(self) -> None:
        self.things: list[_T] = []
        self._of: dict[Hashable, int] = {}

    def code(self, name: Hashable, thing: Any, make: Callable[[Any], _T] | None = None) -> int:
        """Return the number of a name; for a new one ``thing`` is kept, or what ``make`` makes of it."""
        code = self._of.get(name)
        if code is None:
            code = self._of[name] = len(self.things)
            self.things.append(thing if make is None else make(thing))
        return code


_NUMBERS = tuple(Numbers)


def rewriting_code(text: str, targets: Sequence[Target], rewritten: str, recorded: object) -> int:
    """Return the index of what `numbers_told` says; -1 for a prompt that was not rewritten."""
    told = numbers_told(text, targets, rewritten, recorded) if rewritten else None
    return -1 if told is None else _NUMBERS.index(told)


def mark_of(told: object) -> bytes:
    """Return the perceptual hash that an outcome's detail tells; empty when it tells none."""
    return told.encode() if isinstance(told, str) and told.isascii() else b""


def first_seen(codes: NDArray[Any]) -> tuple[NDArray[Any], Ints]:
    """Return the distinct codes in the order in which they are first seen, and (n,) which of them each one is.

    >>> distinct, which = first_seen(np.array([7, 3, 7]))
    >>> distinct.tolist(), which.tolist()
    ([7, 3], [0, 1, 0])
    """
    distinct, first, which = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return distinct[order], rank[which]


def _place_name(row: ResultRow) -> Hashable:
    shared = (row.text, row.targets, row.group, row.benign, row.conversation)
    return (row.prompt_id, row.script, *shared, tuple(row.tags.items()), tuple(row.asked.items()))


def _place_of(row: ResultRow) -> Place:
    fields = PromptFields(
        text=row.text,
        targets=row.targets,
        tags=row.tags,
        group=row.group,
        benign=row.benign,
        conversation=row.conversation,
        asked=row.asked,
    )
    return Place(prompt_id=row.prompt_id, script=row.script, fields=fields)


def _ending_name(row: ResultRow) -> Hashable:
    said = (row.outcome, row.verdict, row.refusal, row.failure, row.message, row.claims, row.code == PLACEHOLDER)
    return (*said, *(tuple((numbers or {}).items()) for numbers in (row.counted, row.low, row.high)))


def _ending_of(row: ResultRow) -> Ending:
    return Ending(
        outcome=row.outcome,
        verdict=row.verdict,
        refusal=row.refusal,
        failure=row.failure,
        message=row.message,
        claims=row.claims,
        code=PLACEHOLDER if row.code == PLACEHOLDER else "",
        counted=dict(row.counted or {}),
        low=dict(row.low),
        high=dict(row.high),
    )
