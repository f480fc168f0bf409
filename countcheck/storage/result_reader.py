"""Reads a run's results: a row per sample or turn, and the detections of its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from countcheck.detectors.base import Detections
from countcheck.storage.checksums import DamagedRow, checked_columns, checksum
from countcheck.storage.columns import PromptFields, read_detections, result_row
from countcheck.storage.ledger import Ledger
from countcheck.storage.rows import ResultRow
from countcheck.storage.schema import countings, detections, outcomes, samples, verdicts
from countcheck.suites.suite import Conversation, Prompt, Suite

_COMPLETE = sa.select(countings.c.id).where(countings.c.complete)


class ResultReader:
    """Reads one run's rows and detections."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def rows(self, suite: Suite) -> list[ResultRow]:
        """Read one row per prompt sample and per turn of a conversation, missing samples included.

        An interrupted run may have written under several countings: each sample's newest verdict holds.
        """
        by_id: dict[str, Prompt | Conversation] = {a.id: a for a in suite.asked}
        shared: dict[tuple[str, int], PromptFields] = {}
        result = []
        with self._ledger.reading() as connection:
            totals = self._ledger.check_total(connection, countings, samples, outcomes, verdicts)
            n_outcomes = n_verdicts = 0
            for row in connection.execution_options(yield_per=2000).execute(_joined_rows()):
                _check_joined(row)
                n_outcomes += row[_OUTCOME] is not None
                n_verdicts += row[_VERDICT] is not None
                script = row.script or 0
                place = (row.prompt_id, script)
                if place not in shared:
                    shared[place] = PromptFields.of(by_id[row.prompt_id], script)
                result.append(result_row(row, shared[place]))
            found = (len({row.key for row in result}), n_outcomes, n_verdicts)
            several = totals["countings"] > 1
            expected = (
                totals["samples"],
                totals["outcomes"],
                _number_of_verdicts(connection) if several else totals["verdicts"],
            )
            if found != expected:
                raise DamagedRow(f"an index is damaged: {found} samples, outcomes and verdicts are found of {expected}")
        return result

    def detections(self, counting: int | None = None) -> Iterator[tuple[str, int, Detections]]:
        """Yield key, turn and detections of every counted picture.

        Args:
            counting: Read those of the newest counting at or before this one that ran a detector; of all when ``None``.
        """
        c = detections.c
        with self._ledger.reading() as connection:
            newest = sa.select(sa.func.max(c.counting))
            if counting is None:
                newest = newest.where(c.counting.in_(_COMPLETE))
            else:
                newest = newest.where(c.counting <= counting)
            # A recount with another rule keeps the boxes of the counting that looked.
            wanted = connection.execute(newest).scalar()
            if wanted is None:
                return
            self._ledger.check_total(connection, countings, detections)
            alike = _countings_with_detector_of(connection, wanted)
            query = sa.select(detections).where(c.counting.in_(alike)).order_by(c.key, c.turn)
            for row in connection.execution_options(yield_per=1000).execute(query):
                yield row.key, row.turn, read_detections(row)


def _countings_with_detector_of(connection: sa.Connection, newest: int) -> list[int]:
    """Countings whose detector is that of ``newest``: an interrupted run goes on under a new counting."""
    of = {row.id: orjson.loads(row.counter).get("detector") for row in connection.execute(sa.select(countings))}
    return [number for number, detector in of.items() if detector == of[newest] and number <= newest]


def _joined_rows() -> sa.Select[Any]:
    """Samples with their outcomes and each outcome's newest verdict, every column of them; see `_check_joined`."""
    v = verdicts.c
    complete = sa.select(v.key, v.turn, sa.func.max(v.counting).label("counting")).where(v.counting.in_(_COMPLETE))
    n = (newest := complete.group_by(v.key, v.turn).subquery()).c
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


def _number_of_verdicts(connection: sa.Connection) -> int:
    """Count the outcomes that have a verdict, by the table alone: a damaged index would lose the same ones again."""
    v = verdicts.c
    alone = (v.counting.in_(_COMPLETE), v.checksum.is_not(None))
    judged = sa.select(v.key.op("||")("").label("key"), (v.turn + 0).label("turn")).where(*alone).distinct().subquery()
    return int(connection.execute(sa.select(sa.func.count()).select_from(judged)).scalar_one())
