"""A recount as the ledger sees it: nothing of it is visible until all of it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import orjson
import sqlalchemy as sa

from countcheck.detectors.base import Detections
from countcheck.storage.checksums import check_row, row_checksum, sealed
from countcheck.storage.columns import detection_columns, verdict_columns
from countcheck.storage.countings import DEFAULT, ids_with_detector, read_countings, same_counting
from countcheck.storage.ledger import Ledger
from countcheck.storage.records import VerdictRecord
from countcheck.storage.result_reader import newest_detections
from countcheck.storage.run_info import CounterInfo, SelfTestInfo
from countcheck.storage.schema import countings, detections, facts, verdicts
from countcheck.storage.snapshot import Snapshot
from countcheck.storage.stored_json import to_text

_AT_A_TIME = 5000  # rows


class Recount:
    """A counting that is being made beside the run's own. Readers do not see it until `finish`.

    Detections are kept as they come: after an interruption, a recount with the same counter goes on with them. Hold the
    run's lock (`countcheck.files.exclusive_lock`) from beginning to end.

    Args:
        ledger: The run's.
        counter: What counts.
        self_test: How it did in its self-test.
        finished: Called when the counting is complete.

    Attributes:
        detected: Key and turn of the pictures that this detector has seen before: in the run, in another recount, or in
            this one before it was interrupted.

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
            self._sources = ids_with_detector(Snapshot.within(connection), counter.stored().detector)
            c = detections.c
            query = sa.select(c.key, c.turn).where(c.counting.in_(self._sources)).distinct()
            self.detected = {(row.key, row.turn) for row in connection.execute(query)}

    def add_detections(self, found: Sequence[tuple[str, int, Detections]]) -> None:
        """Write what the detector found in some pictures, as (key, turn, detections). Raises `DiskFull`."""
        if found:
            rows = [detection_columns(key, turn, self._counting, each) for key, turn, each in found]
            with self._ledger.writing() as connection:
                connection.execute(sa.insert(detections).prefix_with("OR REPLACE"), rows)

    def detections(self) -> Iterator[tuple[str, int, Detections]]:
        """Yield key, turn and detections of every picture that this detector has seen, the newest of each."""
        with self._ledger.snapshot() as snapshot:
            yield from newest_detections(snapshot, self._sources)

    def finish(self, judged: Iterable[VerdictRecord], *, make_default: bool = False) -> str:
        """Write all verdicts and make the counting visible, in one transaction; return its name.

        Args:
            judged: A verdict for every picture.
            make_default: Make it the counting that every command shows.

        Raises:
            DiskFull: When there is no room; nothing is written then.
        """
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
            if make_default:
                connection.execute(sa.delete(facts).where(facts.c.name == DEFAULT))
                connection.execute(
                    sa.insert(facts).values(sealed(facts, {"name": DEFAULT, "value": str(self._counting)}))
                )
            name = next(each.name for each in read_countings(Snapshot.within(connection)) if self._counting in each.ids)
        self._finished()
        return name


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
    """The counting to go on with: the newest by the same detector and rule. Others that are not complete are removed."""
    c = countings.c
    goes_on = None
    for row in connection.execute(sa.select(countings).order_by(c.id.desc())).all():
        check_row(countings, row)
        if goes_on is None and same_counting(CounterInfo.from_json(orjson.loads(row.counter)), counter.stored()):
            goes_on = int(row.id)
        elif not row.complete:
            connection.execute(sa.delete(detections).where(detections.c.counting == row.id))
            connection.execute(sa.delete(countings).where(c.id == row.id))
    return goes_on
