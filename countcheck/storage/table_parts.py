"""Reads the ledger's tables part by part, each row compared with its checksum, and packs the parts as arrays.

Several processes read the parts of large tables. What a part holds is put together in `countcheck.storage.table_reader`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Generic, Self, TypeAlias, TypeVar
from zlib import crc32

import numpy as np
import orjson
from numpy.typing import NDArray

from countcheck.storage.checksums import DamagedRow
from countcheck.storage.forked import forked_map
from countcheck.storage.result_reader import UNJUDGED
from countcheck.storage.result_table import HASH, Codes, Ints, mark_of
from countcheck.storage.snapshot import COLUMNS, Snapshot, as_boolean
from countcheck.storage.truncated import truncated_message

OpenSnapshot: TypeAlias = Callable[[], AbstractContextManager[Snapshot]]
Row: TypeAlias = tuple[Any, ...]
Packer: TypeAlias = Callable[[list[Row]], Any]
_T = TypeVar("_T")
_R = TypeVar("_R")

_AT_A_TIME = 4000  # rows
_OF_PART = 20_000  # rows that one process reads at a time
_MOST_TEXTS = 20_000  # that are remembered, so that they are parsed once


class TableParts:
    """Reads tables part by part, in this process or in several.

    Args:
        snapshot: Of the ledger, in this process.
        packers: Of each table, in the order in which they are asked for, what makes arrays of some thousand rows.
        again: Opens the ledger in another process.
        processes: How many read.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        packers: Mapping[str, Packer],
        again: OpenSnapshot | None = None,
        processes: int = 1,
    ) -> None:
        self.snapshot = snapshot
        self._packers = packers
        self._number_of: dict[str, int] = {}
        if again is not None and processes > 1:
            for table in packers:
                (last,) = snapshot.one(f"SELECT coalesce(max(rowid), 0) FROM {table}")  # noqa: S608 (our own names)
                self._number_of[table] = -(-int(last) // _OF_PART)
        tasks = [(table, part) for table, number in self._number_of.items() for part in range(number)]

        def of_task(number: int) -> list[tuple[int, int, Any]]:
            table, part = tasks[number]
            with again() as own:  # type: ignore[misc] # there are no tasks without it
                between = (part * _OF_PART, (part + 1) * _OF_PART)
                return list(_packed_rows(own, table, packers[table], between))

        self._read_elsewhere = forked_map(of_task, len(tasks), processes)

    def of(self, table: str) -> Iterator[Any]:
        """Yield what a table's packer makes of all its rows, some thousand at a time, each compared with its checksum.

        Raises:
            DamagedRow: When a row is not what was written, or some are lost.
        """
        if self._number_of:
            packed: Iterator[tuple[int, int, Any]] = chain.from_iterable(
                islice(self._read_elsewhere, self._number_of[table])
            )
        else:
            packed = _packed_rows(self.snapshot, table, self._packers[table])
        n = total = 0
        for rows, checksums, part in packed:
            n += rows
            total += checksums
            yield part
        self.snapshot.check_total(table, n, total)

    def close(self) -> None:
        """End the other processes."""
        self._read_elsewhere.close()


def _packed_rows(
    snapshot: Snapshot, table: str, pack: Packer, between: tuple[int, int] | None = None
) -> Iterator[tuple[int, int, Any]]:
    """Yield how many rows were read, the sum of their checksums, and what was made of them.

    Args:
        between: Only rows numbered above the first and up to the second; all when ``None``.
    """
    n_checked = len(COLUMNS[table])
    listed = ", ".join((*COLUMNS[table], *(("done",) if table == "samples" else ()), "checksum"))
    chosen = "" if between is None else "WHERE rowid > ? AND rowid <= ?"
    # By the table itself: an index that is damaged would lose rows, or turn up others.
    query = f"SELECT {listed} FROM {table} NOT INDEXED {chosen} ORDER BY rowid"  # noqa: S608 (our own names)
    cursor = snapshot.connection.execute(query, between or ())
    dumps = orjson.dumps
    while rows := cursor.fetchmany(_AT_A_TIME):
        try:
            if table == "samples":
                found = [2 * crc32(dumps((*row[:5], as_boolean(row[5])))) + row[6] for row in rows]
            else:
                found = [crc32(dumps(row[:n_checked])) for row in rows]
        except TypeError as error:
            raise DamagedRow(str(error)) from error
        written = [row[-1] for row in rows]
        if found != written:
            place = next(i for i, pair in enumerate(zip(found, written, strict=True)) if pair[0] != pair[1])
            raise DamagedRow(f"the row {rows[place][0]!s:.80} of {table} is damaged")
        yield len(rows), sum(written), pack(rows)


@dataclass(frozen=True, slots=True, eq=False)
class Coded(Generic[_T]):
    """Values of some rows: each distinct one once, and (n,) which of them each row has."""

    distinct: list[_T]
    which: NDArray[np.int32]

    @classmethod
    def of(cls, values: Iterable[_T]) -> Self:
        """Code values.

        >>> coded = Coded.of(["pig", "wolf", "pig"])
        >>> coded.distinct, coded.which.tolist()
        (['pig', 'wolf'], [0, 1, 0])
        """
        codes: Codes[_T] = Codes()
        which = np.array([codes.code(value, value) for value in values], np.int32)  # type: ignore[arg-type]
        return cls(codes.things, which)

    def within(self, codes: Codes[_R], make: Callable[[_T], _R] | None = None) -> NDArray[np.int32]:
        """Return (n,) the numbers that these values have, or get, among others."""
        numbers = [codes.code(value, value, make) for value in self.distinct]  # type: ignore[arg-type]
        return np.array(numbers, np.int32)[self.which]


def pack_samples(rows: list[Row]) -> tuple[NDArray[np.bytes_], Coded[str], Coded[str], NDArray[np.int32]]:
    """Pack keys, generators, prompts and repeats of planned samples."""
    keys, generators, prompts, repeats, *_ = zip(*rows, strict=True)
    return _encoded(keys), Coded.of(generators), Coded.of(prompts), np.array(repeats, np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an outcome says of itself: the parts of `Ending` that no counter gives, and why it is not scored."""

    outcome: str
    refusal: str | None
    failure: str | None
    message: str
    claims: bool
    truncated: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutcomePart:
    """Some outcomes, n of them, before it is known which samples they belong to.

    Attributes:
        key, turn, repair, seconds, cost, picture, digest, mark: (n,) columns.
        asked: Turn of the script, and text where it is not the suite's.
        said: What they say.
        rewritten: Of those that a provider rewrote: which, into what, and what was told of the numbers.
    """

    key: NDArray[np.bytes_]
    turn: NDArray[np.int64]
    repair: NDArray[np.int64]
    seconds: NDArray[np.float64]
    cost: NDArray[np.float64]
    picture: NDArray[np.bytes_]
    digest: NDArray[np.bytes_]
    mark: NDArray[np.bytes_]
    asked: Coded[tuple[int, str | None]]
    said: Coded[Said]
    rewritten: list[tuple[int, str, object]]


class OutcomePacker:
    """Packs outcomes; what many of them say is parsed once."""

    def __init__(self) -> None:
        self._said: Codes[Said] = Codes()
        self._of_text: dict[tuple[str, str], tuple[int, str, object, bytes]] = {}

    def __call__(self, rows: list[Row]) -> OutcomePart:
        """Pack rows of the table ``outcomes``."""
        keys, turns, scripts, repairs, texts, outcomes, pictures, digests, _, seconds, costs, details, _ = zip(
            *rows, strict=True
        )
        read = [self._read(text) for text in zip(outcomes, details, strict=True)]
        said, which = np.unique(np.array([code for code, *_ in read], np.int32), return_inverse=True)
        return OutcomePart(
            key=_encoded(keys),
            turn=np.array(turns, np.int64),
            repair=np.array(repairs, np.int64),
            seconds=np.array(seconds, np.float64),
            cost=np.array([np.nan if cost is None else cost for cost in costs], np.float64),
            picture=_encoded(pictures),
            digest=_encoded(digests),
            mark=np.array([mark for *_, mark in read], np.bytes_),
            asked=Coded.of(zip(scripts, texts, strict=True)),
            said=Coded([self._said.things[code] for code in said.tolist()], which.astype(np.int32)),
            rewritten=[(i, text, numbers) for i, (_, text, numbers, _) in enumerate(read) if text],
        )

    def _read(self, text: tuple[str, str]) -> tuple[int, str, object, bytes]:
        """Return the number of what an outcome says, given as stored, and what was rewritten with what was told of it."""
        read = self._of_text.get(text)
        if read is None:
            detail = orjson.loads(text[1]) if text[1] else {}
            said = _said(text[0], detail)
            told = (detail.get("rewritten", ""), detail.get("numbers"), mark_of(detail.get(HASH)))
            read = (self._said.code(said, said), *told)
            if len(self._of_text) < _MOST_TEXTS:
                self._of_text[text] = read
        return read


def _said(outcome: str, read: dict[str, Any]) -> Said:
    return Said(
        outcome=outcome,
        refusal=read.get("reason") if outcome == "refusal" else None,
        failure=read.get("fault") if outcome == "failure" else None,
        message=read.get("message", ""),
        claims=bool(read.get("claims", False)),
        truncated=truncated_message(read) if outcome in ("picture", "refusal") else "",
    )


class VerdictPacker:
    """Packs the verdicts of some countings; those of others are checked, and not looked at.

    Args:
        ids: Of the countings.
    """

    def __init__(self, ids: Sequence[int]) -> None:
        self._own = set(ids)

    def __call__(self, rows: list[Row]) -> tuple[NDArray[np.bytes_], Ints, Ints, Coded[tuple[str | None, str]]] | None:
        """Pack keys, turns, countings, and verdicts with their numbers; ``None`` when there are none."""
        chosen = [row for row in rows if row[2] in self._own or row[3] in UNJUDGED]
        if not chosen:
            return None
        keys, turns, countings, verdicts, _, _, counted, _ = zip(*chosen, strict=True)
        told = Coded.of(zip(verdicts, counted, strict=True))
        return _encoded(keys), np.array(turns, np.int64), np.array(countings, np.int64), told


def _encoded(keys: Sequence[str]) -> NDArray[np.bytes_]:
    return np.array([key.encode("utf-8", "surrogatepass") for key in keys], np.bytes_)
