"""Reads a run's results: a row per sample or turn, and the detections of its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from countcheck.detectors.base import Detections
from countcheck.storage.columns import PromptFields, read_detections, result_row
from countcheck.storage.ledger import Ledger
from countcheck.storage.rows import ResultRow
from countcheck.storage.schema import countings, detections, outcomes, samples, verdicts
from countcheck.suites.suite import Conversation, Prompt, Suite


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
            for row in connection.execution_options(yield_per=2000).execute(_joined_rows()):
                script = row.script or 0
                place = (row.prompt_id, script)
                if place not in shared:
                    shared[place] = PromptFields.of(by_id[row.prompt_id], script)
                result.append(result_row(row, shared[place]))
        return result

    def detections(self, counting: int | None = None) -> Iterator[tuple[str, int, Detections]]:
        """Yield key, turn and detections of every counted picture.

        Args:
            counting: Read those of the newest counting at or before this one that ran a detector; of all when ``None``.
        """
        c = detections.c
        with self._ledger.reading() as connection:
            newest = sa.select(sa.func.max(c.counting))
            if counting is not None:
                newest = newest.where(c.counting <= counting)
            # A recount with another rule keeps the boxes of the counting that looked.
            wanted = connection.execute(newest).scalar()
            if wanted is None:
                return
            alike = _countings_with_detector_of(connection, wanted)
            query = sa.select(detections).where(c.counting.in_(alike)).order_by(c.key, c.turn)
            for row in connection.execution_options(yield_per=1000).execute(query):
                yield row.key, row.turn, read_detections(row.body)


def _countings_with_detector_of(connection: sa.Connection, newest: int) -> list[int]:
    """Countings whose detector is that of ``newest``: an interrupted run goes on under a new counting."""
    of = {row.id: orjson.loads(row.counter).get("detector") for row in connection.execute(sa.select(countings))}
    return [number for number, detector in of.items() if detector == of[newest] and number <= newest]


def _joined_rows() -> sa.Select[Any]:
    """Samples with their outcomes and each outcome's newest verdict."""
    v = verdicts.c
    newest = sa.select(v.key, v.turn, sa.func.max(v.counting).label("counting")).group_by(v.key, v.turn).subquery()
    n = newest.c
    same = sa.and_(v.key == n.key, v.turn == n.turn, v.counting == n.counting)
    latest = sa.select(verdicts).join(newest, same).subquery()
    s, o, t = samples.c, outcomes.c, latest.c
    return (
        sa.select(
            *(s.key, s.generator, s.prompt_id, s.repeat, s.seed),
            *(o.turn, o.script, o.repair, o.text, o.outcome, o.picture, o.seconds, o.cost, o.detail),
            *(t.verdict, t.leaning, t.reason, t.counted),
        )
        .select_from(
            samples.outerjoin(outcomes, s.key == o.key).outerjoin(latest, sa.and_(o.key == t.key, o.turn == t.turn))
        )
        .order_by(s.id, o.turn)
    )
