"""Reads a run's results: a row per sample or turn, and the detections of its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import make_dataclass, replace
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


def result_rows(snapshot: Snapshot, suite: Suite, counting: Counting | None) -> Iterator[ResultRow]:
    """Yield one row per prompt sample and per turn of a conversation, missing samples included.

    Args:
        snapshot: Of the run's ledger.
        suite: The run's.
        counting: Whose verdicts to read; ``None`` when nothing was counted yet. A picture that it has not counted
            is uncertain.

    Raises:
        DamagedRow: When a row does not hold what was written.
    """
    by_id: dict[str, Prompt | Conversation] = {a.id: a for a in suite.asked}
    shared: dict[tuple[str, int], PromptFields] = {}
    ids = () if counting is None else counting.ids
    totals = snapshot.check_totals("countings", "samples", "outcomes", "verdicts")
    several = totals["countings"] > 1
    n_samples = n_outcomes = n_verdicts = 0
    before = None
    for row in _joined_rows(snapshot, ids if several else None):
        n_samples += row.key != before
        n_outcomes += row.outcome_key is not None
        n_verdicts += row.verdict_key is not None
        before = row.key
        script = row.script or 0
        place = (row.prompt_id, script)
        if place not in shared:
            shared[place] = PromptFields.of(by_id[row.prompt_id], script)
        read = result_row(row, shared[place])
        yield _uncounted(read, counting) if read.verdict is None else read
    found = (n_samples, n_outcomes, n_verdicts)
    expected = (
        totals["samples"],
        totals["outcomes"],
        _number_of_verdicts(snapshot, ids) if several else totals["verdicts"],
    )
    if found != expected:
        raise DamagedRow(f"an index is damaged: {found} samples, outcomes and verdicts are found of {expected}")


def counted_detections(ledger: Ledger, counting: Counting | None) -> Iterator[tuple[str, int, Detections]]:
    """Yield key, turn and detections of every picture that the detector of a counting has seen.

    A recount under another rule has no detections of its own: those of the counting that ran the detector count.
    """
    if counting is None:
        return
    with ledger.snapshot() as snapshot:
        snapshot.check_totals("countings", "detections")
        yield from newest_detections(snapshot, ids_with_detector(snapshot, counting.counter.detector))


def newest_detections(snapshot: Snapshot, ids: Sequence[int]) -> Iterator[tuple[str, int, Detections]]:
    """Yield the newest detections of every picture among those of some countings, in the order of key and turn.

    Raises:
        DamagedRow: When a row does not hold what was written.
    """
    newest = (
        f"WHERE counting IN ({_marks(ids)}) AND counting = (SELECT max(d.counting) FROM detections d "  # noqa: S608 (question marks)
        f"WHERE d.key = detections.key AND d.turn = detections.turn AND d.counting IN ({_marks(ids)})) ORDER BY key, turn"
    )
    for row in snapshot.rows("detections", newest, (*ids, *ids)):
        yield row["key"], row["turn"], read_detections(row["body"])


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
Joined = make_dataclass("Joined", _NAMES, slots=True)
_DONE = len(_SAMPLE)
_AT_OUTCOME = _DONE + 2
_AT_VERDICT = _AT_OUTCOME + len(_OUTCOME) + 1


def _joined_rows(snapshot: Snapshot, ids: Sequence[int] | None) -> Iterator[Any]:
    """Yield samples with their outcomes and each outcome's verdict; all verdicts count when no ids are given."""
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
        f"LEFT JOIN verdicts v ON v.key = o.key AND v.turn = o.turn {chosen} ORDER BY s.id, o.turn",
        values,
    )
    while rows := cursor.fetchmany(_AT_A_TIME):
        for row in rows:
            _check_joined(row)
            yield Joined(*row)


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
