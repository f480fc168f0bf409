"""A recount as the ledger sees it: nothing of it is visible until all of it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import orjson
import sqlalchemy as sa

from countcheck.detectors.base import Detections
from countcheck.storage.checksums import check_row, row_checksum, sealed
from countcheck.storage.columns import detection_columns, read_detections, verdict_columns
from countcheck.storage.ledger import Ledger
from countcheck.storage.records import VerdictRecord
from countcheck.storage.run_info import CounterInfo, SelfTestInfo
from countcheck.storage.schema import countings, detections, verdicts
from countcheck.storage.stored_json import to_text

_AT_A_TIME = 5000  # rows


class Recount:
    """A counting that is being made. Readers go on seeing the one before it until `finish`.

    Detections are kept as they come: after an interruption, a recount with the same counter goes on with them. Hold the
    run's lock (`countcheck.files.exclusive_lock`) from beginning to end.

    Args:
        ledger: The run's.
        counter: What counts.
        self_test: How it did in its self-test.
        finished: Called when the counting is the run's.

    Attributes:
        detected: Key and turn of the pictures whose detections are there from an interrupted recount.

    Raises:
        DiskFull: When there is no room.
        BadInput: When the ledger may not be written.
    """

    def __init__(
        self, ledger: Ledger, counter: CounterInfo, self_test: SelfTestInfo | None, finished: Callable[[], None]
    ) -> None:
        self._ledger = ledger
        self._finished = finished
        with ledger.writing() as connection:
            self._counting = _begun(connection, counter) or insert_counting(
                connection, counter, self_test, complete=False
            )
            c = detections.c
            query = sa.select(c.key, c.turn).where(c.counting == self._counting)
            self.detected = {(row.key, row.turn) for row in connection.execute(query)}

    def add_detections(self, found: Sequence[tuple[str, int, Detections]]) -> None:
        """Write what the detector found in some pictures, as (key, turn, detections). Raises `DiskFull`."""
        if found:
            rows = [detection_columns(key, turn, self._counting, each) for key, turn, each in found]
            with self._ledger.writing() as connection:
                connection.execute(sa.insert(detections).prefix_with("OR REPLACE"), rows)

    def detections(self) -> Iterator[tuple[str, int, Detections]]:
        """Yield key, turn and detections of every picture that this recount ran its detector on."""
        c = detections.c
        query = sa.select(detections).where(c.counting == self._counting).order_by(c.key, c.turn)
        with self._ledger.reading() as connection:
            for row in connection.execution_options(yield_per=1000).execute(query):
                yield row.key, row.turn, read_detections(row)

    def finish(self, judged: Iterable[VerdictRecord]) -> None:
        """Write all verdicts and make the counting the run's, in one transaction. Raises `DiskFull`."""
        statement = sa.insert(verdicts).prefix_with("OR REPLACE")
        rows = (verdict_columns(record, self._counting) for record in judged)
        with self._ledger.writing() as connection:
            while part := list(islice(rows, _AT_A_TIME)):
                connection.execute(statement, part)
            here = countings.c.id == self._counting
            row = {**connection.execute(sa.select(countings).where(here)).one()._mapping, "complete": True}
            connection.execute(
                sa.update(countings).where(here).values(complete=True, checksum=row_checksum(countings, row))
            )
        self._finished()


def insert_counting(
    connection: sa.Connection, counter: CounterInfo, self_test: SelfTestInfo | None, *, complete: bool
) -> int:
    """Write a counting and return its id."""
    row = {
        "counter": to_text(counter.to_json()),
        "controls": to_text(self_test and self_test.to_json()),
        "complete": complete,
    }
    made = connection.execute(sa.insert(countings).values(sealed(countings, row)))
    number: int = made.inserted_primary_key[0]  # type: ignore[index]
    return number


def _begun(connection: sa.Connection, counter: CounterInfo) -> int | None:
    """The counting to go on with: the newest, when it is by the same counter. Others that were not finished are removed."""
    c = countings.c
    rows = list(connection.execute(sa.select(countings).order_by(c.id.desc())))
    goes_on = None
    for row in rows:
        check_row(countings, row)
        same = CounterInfo.from_json(orjson.loads(row.counter)) == counter.stored()
        newest = not any(other.complete and other.id > row.id for other in rows)
        if same and newest and goes_on is None:
            goes_on = int(row.id)
        elif not row.complete:
            connection.execute(sa.delete(detections).where(detections.c.counting == row.id))
            connection.execute(sa.delete(countings).where(c.id == row.id))
    return goes_on
