"""Reads a run's results: a row per sample or turn, and the detections of its pictures."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from countcheck.counting.verdict import Kind
from countcheck.detectors.base import Detections
from countcheck.storage.checksums import DamagedRow, checksum
from countcheck.storage.countings import Counting, ids_with_detector
from countcheck.storage.ledger import Ledger
from countcheck.storage.prompt_fields import PromptFields
from countcheck.storage.read_rows import read_detections, result_row
from countcheck.storage.rows import ResultRow
from countcheck.storage.snapshot import COLUMNS, Snapshot, as_boolean
from countcheck.suites.suite import Conversation, Prompt, Suite

_AT_A_TIME = 4000  # rows


class ResultReader:
    """Reads rows of one run's ledger: one per prompt sample and per turn of a conversation, missing samples included.

    Args:
        suite: The run's.
        counting: Whose verdicts to read; ``None`` when nothing was counted yet. A picture that it has not counted
            is uncertain.
    """

    def __init__(self, suite: Suite, counting: Counting | None) -> None:
        self._asked: dict[str, Prompt | Conversation] = {asked.id: asked for asked in suite.asked}
        self._fields: dict[tuple[str, int], PromptFields] = {}
        self._counting = counting
        self._ids = () if counting is None else counting.ids

    def rows(self, snapshot: Snapshot) -> Iterator[ResultRow]:
        """Yield all rows, in the order of planning. Raises `DamagedRow` when one is not what was written, or is lost."""
        totals = snapshot.check_totals("countings", "samples", "outcomes", "verdicts")
        several = totals["countings"] > 1
        n_samples = n_outcomes = n_verdicts = 0
        before = None
        for row in _joined_rows(snapshot, self._ids if several else None):
            n_samples += row.key != before
            n_outcomes += row.outcome_key is not None
            n_verdicts += row.verdict_key is not None
            before = row.key
            yield self._row(row)
        found = (n_samples, n_outcomes, n_verdicts)
        expected = (
            totals["samples"],
            totals["outcomes"],
            _number_of_verdicts(snapshot, self._ids) if several else totals["verdicts"],
        )
        if found != expected:
            raise DamagedRow(f"an index is damaged: {found} samples, outcomes and verdicts are found of {expected}")

    def rows_of(self, snapshot: Snapshot, keys: Sequence[str]) -> Iterator[ResultRow]:
        """Yield the rows of some samples, at most 10,000 of them. Raises `DamagedRow` for one that is not as written."""
        several = snapshot.check_totals("countings")["countings"] > 1
        chosen = (f"WHERE s.key IN ({_marks(keys)})", tuple(keys))
        for row in _joined_rows(snapshot, self._ids if several else None, chosen):
            yield self._row(row)

    def rows_between(self, snapshot: Snapshot, first: int, last: int) -> Iterator[ResultRow]:
        """Yield the rows of the samples numbered above ``first`` and up to ``last``. Raises `DamagedRow` as `rows_of`."""
        several = snapshot.check_totals("countings")["countings"] > 1
        chosen = ("WHERE s.id > ? AND s.id <= ?", (first, last))
        for row in _joined_rows(snapshot, self._ids if several else None, chosen):
            yield self._row(row)

    def _row(self, row: Any) -> ResultRow:
        place = (row.prompt_id, row.script or 0)
        fields = self._fields.get(place)
        if fields is None:
            fields = self._fields[place] = PromptFields.of(self._asked[row.prompt_id], place[1])
        read = result_row(row, fields)
        return _uncounted(read, self._counting) if read.verdict is None else read


def counted_detections(
    ledger: Ledger, counting: Counting | None, keys: Sequence[str] | None = None
) -> Iterator[tuple[str, int, Detections]]:
    """Yield key, turn and detections of every picture that the detector of a counting has seen.

    A recount under another rule has no detections of its own: those of the counting that ran the detector count.

    Args:
        keys: Samples, at most 10,000; all when ``None``.
    """
    if counting is None:
        return
    with ledger.snapshot() as snapshot:
        snapshot.check_totals("countings", *(("detections",) if keys is None else ()))
        yield from newest_detections(snapshot, ids_with_detector(snapshot, counting.counter.detector), keys)


def newest_detections(
    snapshot: Snapshot,
    ids: Sequence[int],
    keys: Sequence[str] | None = None,
    *,
    between: tuple[int, int] | None = None,
) -> Iterator[tuple[str, int, Detections]]:
    """Yield the newest detections of every picture among those of some countings.

    Args:
        snapshot: Of the ledger.
        ids: Of the countings.
        keys: Samples, at most 10,000; all when ``None``.
        between: Only rows of the table numbered above the first and up to the second, as they lie in the file, which is
            faster than by key and turn.

    Raises:
        DamagedRow: When a row does not hold what was written.
    """
    chosen = f"counting IN ({_marks(ids)})" + ("" if keys is None else f" AND key IN ({_marks(keys)})")
    values = (*ids, *(keys or ()))
    if len(ids) > 1:
        chosen += (
            " AND counting = (SELECT max(d.counting) FROM detections d "  # noqa: S608 (question marks)
            f"WHERE d.key = detections.key AND d.turn = detections.turn AND d.counting IN ({_marks(ids)}))"
        )
        values = (*values, *ids)
    if between is None:
        chosen += " ORDER BY key, turn"
    else:
        chosen += " AND rowid > ? AND rowid <= ?"
        values = (*values, *between)
    query = f"SELECT key, turn, counting, body, checksum FROM detections WHERE {chosen}"  # noqa: S608 (question marks)
    for *values_of_row, written in snapshot.connection.execute(query, values):
        if checksum(tuple(values_of_row)) != written:
            raise DamagedRow(f"the row {values_of_row[0]!s:.60} {values_of_row[1]} of detections is damaged")
        key, turn, _, body = values_of_row
        yield key, turn, read_detections(body)


def _uncounted(row: ResultRow, counting: Counting | None) -> ResultRow:
    """A row without a verdict: a picture in which something was to be counted is uncertain."""
    if counting is None or row.outcome != "picture" or not row.targets:
        return row
    reason = f"not counted by {counting.name}; recount the run with it again"
    return replace(row, verdict=Kind.UNCERTAIN, leaning=Kind.UNCERTAIN, reason=reason)


UNJUDGED = (str(Kind.REFUSED), str(Kind.FAILED))
"""Verdicts of refusals and failures, which no counter gives: they belong to every counting, whatever wrote them."""

_SAMPLE, _OUTCOME, _VERDICT = COLUMNS["samples"], COLUMNS["outcomes"], COLUMNS["verdicts"]
# A joined row: the columns of a sample with its mark and checksum, of its outcome and of the verdict, each with its own.
_NAMES = (
    *(*_SAMPLE, "done", "sample_checksum"),
    *("outcome_key", *_OUTCOME[1:], "outcome_checksum"),
    *("verdict_key", "verdict_turn", *_VERDICT[2:], "verdict_checksum"),
)
Joined = namedtuple("Joined", _NAMES)  # type: ignore[misc]  # its names are the ledger's
_DONE = len(_SAMPLE)
_AT_OUTCOME = _DONE + 2
_AT_VERDICT = _AT_OUTCOME + len(_OUTCOME) + 1


def _joined_rows(
    snapshot: Snapshot, ids: Sequence[int] | None, wanted: tuple[str, tuple[Any, ...]] = ("", ())
) -> Iterator[Any]:
    """Yield samples with their outcomes and each outcome's verdict.

    Args:
        ids: Of the countings whose verdicts count; all when ``None``.
        wanted: Which samples: a condition on ``s`` in SQL, and its values.
    """
    chosen = ""
    values: tuple[Any, ...] = ()
    if ids is not None:
        chosen = (
            "AND v.counting = (SELECT max(w.counting) FROM verdicts w WHERE w.key = o.key AND w.turn = o.turn AND "  # noqa: S608
            f"(w.counting IN ({_marks(ids)}) OR w.verdict IN (?, ?)))"
        )
        values = (*ids, *UNJUDGED)
    listed = [f"s.{name}" for name in (*_SAMPLE, "done", "checksum")]
    listed += [f"o.{name}" for name in (*_OUTCOME, "checksum")] + [f"v.{name}" for name in (*_VERDICT, "checksum")]
    # An index made for this one query would take more memory than the rows.
    snapshot.connection.execute("PRAGMA automatic_index = OFF")
    cursor = snapshot.connection.execute(
        f"SELECT {', '.join(listed)} FROM samples s LEFT JOIN outcomes o ON o.key = s.key "  # noqa: S608 (our own names)
        f"LEFT JOIN verdicts v ON v.key = o.key AND v.turn = o.turn {chosen} {wanted[0]} ORDER BY s.id, o.turn",
        (*values, *wanted[1]),
    )
    while rows := cursor.fetchmany(_AT_A_TIME):
        for row in rows:
            _check_joined(row)
            yield Joined._make(row)


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _check_joined(row: tuple[Any, ...]) -> None:
    """Compare the sample, outcome and verdict of a joined row with their checksums. Raises `DamagedRow`."""
    sample = (*row[: _DONE - 1], as_boolean(row[_DONE - 1]))
    whole = (
        2 * checksum(sample) + row[_DONE] == row[_DONE + 1]
        and (row[_AT_OUTCOME] is None or checksum(row[_AT_OUTCOME : _AT_VERDICT - 1]) == row[_AT_VERDICT - 1])
        and (row[_AT_VERDICT] is None or checksum(row[_AT_VERDICT:-1]) == row[-1])
    )
    if not whole:
        raise DamagedRow(f"the result of sample {row[0]!s:.80} is damaged")


def _number_of_verdicts(snapshot: Snapshot, ids: Sequence[int]) -> int:
    """Count the outcomes that have a verdict, by the table alone: a damaged index would lose the same ones again."""
    (number,) = snapshot.one(
        "SELECT count(*) FROM (SELECT DISTINCT key || '', turn + 0 FROM verdicts WHERE checksum IS NOT NULL AND "  # noqa: S608 (question marks)
        f"(counting IN ({_marks(ids)}) OR verdict IN (?, ?)))",
        *ids,
        *UNJUDGED,
    )
    return int(number)
