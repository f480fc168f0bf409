"""Reads a run's results: a row per sample or turn, and the detections of its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from countcheck.counting.verdict import Kind
from countcheck.detectors.base import Detections
from countcheck.storage.checksums import DamagedRow, checked_columns, checksum
from countcheck.storage.columns import PromptFields, read_detections, result_row
from countcheck.storage.countings import Counting, ids_with_detector
from countcheck.storage.ledger import Ledger
from countcheck.storage.recount import newest_detections
from countcheck.storage.rows import ResultRow
from countcheck.storage.schema import countings, detections, outcomes, samples, verdicts
from countcheck.suites.suite import Conversation, Prompt, Suite


class ResultReader:
    """Reads one run's rows and detections."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def rows(self, suite: Suite, counting: Counting | None) -> list[ResultRow]:
        """Read one row per prompt sample and per turn of a conversation, missing samples included.

        Args:
            suite: The run's.
            counting: Whose verdicts to read; ``None`` when nothing was counted yet. A picture that it has not counted
                is uncertain.

        Raises:
            DamagedRow: When a row does not hold what was written.
        """
        by_id: dict[str, Prompt | Conversation] = {a.id: a for a in suite.asked}
        shared: dict[tuple[str, int], PromptFields] = {}
        result = []
        ids = () if counting is None else counting.ids
        with self._ledger.reading() as connection:
            totals = self._ledger.check_total(connection, countings, samples, outcomes, verdicts)
            n_outcomes = n_verdicts = 0
            for row in connection.execution_options(yield_per=2000).execute(_joined_rows(ids)):
                _check_joined(row)
                n_outcomes += row[_OUTCOME] is not None
                n_verdicts += row[_VERDICT] is not None
                script = row.script or 0
                place = (row.prompt_id, script)
                if place not in shared:
                    shared[place] = PromptFields.of(by_id[row.prompt_id], script)
                read = result_row(row, shared[place])
                result.append(_uncounted(read, counting) if read.verdict is None else read)
            found = (len({row.key for row in result}), n_outcomes, n_verdicts)
            several = totals["countings"] > 1
            expected = (
                totals["samples"],
                totals["outcomes"],
                _number_of_verdicts(connection, ids) if several else totals["verdicts"],
            )
            if found != expected:
                raise DamagedRow(f"an index is damaged: {found} samples, outcomes and verdicts are found of {expected}")
        return result

    def detections(self, counting: Counting | None) -> Iterator[tuple[str, int, Detections]]:
        """Yield key, turn and detections of every picture that the detector of a counting has seen.

        A recount under another rule has no detections of its own: those of the counting that ran the detector count.
        """
        if counting is None:
            return
        with self._ledger.reading() as connection:
            self._ledger.check_total(connection, countings, detections)
            ids = ids_with_detector(connection, counting.counter.detector)
            for row in connection.execution_options(yield_per=1000).execute(newest_detections(ids)):
                yield row.key, row.turn, read_detections(row)


def _uncounted(row: ResultRow, counting: Counting | None) -> ResultRow:
    """A row without a verdict: a picture in which something was to be counted is uncertain."""
    if counting is None or row.outcome != "picture" or not row.targets:
        return row
    reason = f"not counted by {counting.name}; recount the run with it again"
    return replace(row, verdict=Kind.UNCERTAIN, leaning=Kind.UNCERTAIN, reason=reason)


def _of_counting(ids: Sequence[int]) -> sa.ColumnElement[bool]:
    """Verdicts of a counting; those of refusals and failures, which no counter gives, whatever wrote them."""
    v = verdicts.c
    return sa.or_(v.counting.in_(ids), v.verdict.in_((str(Kind.REFUSED), str(Kind.FAILED))))


def _joined_rows(ids: Sequence[int]) -> sa.Select[Any]:
    """Samples with their outcomes and each outcome's verdict, every column of them; see `_check_joined`."""
    v = verdicts.c
    own = sa.select(v.key, v.turn, sa.func.max(v.counting).label("counting")).where(_of_counting(ids))
    n = (newest := own.group_by(v.key, v.turn).subquery()).c
    same = sa.and_(v.key == n.key, v.turn == n.turn, v.counting == n.counting)
    t = (latest := sa.select(verdicts).join(newest, same).subquery()).c
    s, o = samples.c, outcomes.c
    of_outcome = [
        column.label("outcome_key") if column.name == "key" else column for column in checked_columns(outcomes)
    ]
    of_verdict = [
        column.label(f"verdict_{column.name}") if column.name in ("key", "turn") else column
        for column in (t[column.name] for column in checked_columns(verdicts))
    ]
    return (
        sa.select(
            *(*checked_columns(samples), s.done, s.checksum.label("sample_checksum")),
            *(*of_outcome, o.checksum.label("outcome_checksum")),
            *(*of_verdict, t.checksum.label("verdict_checksum")),
        )
        .select_from(
            samples.outerjoin(outcomes, s.key == o.key).outerjoin(latest, sa.and_(o.key == t.key, o.turn == t.turn))
        )
        .order_by(s.id, o.turn)
    )


# Where the parts of a joined row begin; each ends with its checksum.
_DONE = len(checked_columns(samples))
_OUTCOME = _DONE + 2
_VERDICT = _OUTCOME + len(checked_columns(outcomes)) + 1


def _check_joined(row: sa.Row[Any]) -> None:
    """Compare the sample, outcome and verdict of a joined row with their checksums. Raises `DamagedRow`."""
    values = tuple(row)
    whole = (
        2 * checksum(values[:_DONE]) + values[_DONE] == values[_DONE + 1]
        and (values[_OUTCOME] is None or checksum(values[_OUTCOME : _VERDICT - 1]) == values[_VERDICT - 1])
        and (values[_VERDICT] is None or checksum(values[_VERDICT:-1]) == values[-1])
    )
    if not whole:
        raise DamagedRow(f"the result of sample {row.key!s:.80} is damaged")


def _number_of_verdicts(connection: sa.Connection, ids: Sequence[int]) -> int:
    """Count the outcomes that have a verdict, by the table alone: a damaged index would lose the same ones again."""
    v = verdicts.c
    alone = (_of_counting(ids), v.checksum.is_not(None))
    judged = sa.select(v.key.op("||")("").label("key"), (v.turn + 0).label("turn")).where(*alone).distinct().subquery()
    return int(connection.execute(sa.select(sa.func.count()).select_from(judged)).scalar_one())
