"""A recount as the ledger sees it: nothing of it is visible until all of it is there."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

import orjson
import sqlalchemy as sa

from countcheck.detectors.base import Detections
from countcheck.files import disk_errors_as_sentences
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

    def detected(self) -> Iterator[tuple[str, int]]:
        """Yield key and turn of the pictures that this detector has seen before, some of them more than once.

        It has seen them in the run, in another recount, or in this one before it was interrupted.
        """
        marks = ", ".join("?" * len(self._sources))
        with self._ledger.snapshot() as snapshot:
            yield from snapshot.connection.execute(
                f"SELECT key, turn FROM detections WHERE counting IN ({marks})",  # noqa: S608 (question marks)
                tuple(self._sources),
            )

    def add_detections(self, found: Sequence[tuple[str, int, Detections]]) -> None:
        """Write what the detector found in some pictures, as (key, turn, detections). Raises `DiskFull`."""
        if found:
            rows = [detection_columns(key, turn, self._counting, each) for key, turn, each in found]
            with self._ledger.writing() as connection:
                connection.execute(sa.insert(detections).prefix_with("OR REPLACE"), rows)

    def parts(self, size: int) -> int:
        """Return into how many parts of at most so many pictures all stored detections fall."""
        with self._ledger.snapshot() as snapshot:
            return -(-int(snapshot.one("SELECT coalesce(max(rowid), 0) FROM detections")[0]) // size)

    def part(self, number: int, size: int) -> Iterator[tuple[str, int, Detections]]:
        """Yield key, turn and detections of one part of the pictures that this detector has seen, the newest of each.

        The parts hold every picture once. They may be read in several processes.
        """
        with self._ledger.snapshot() as snapshot:
            yield from newest_detections(snapshot, self._sources, between=(number * size, (number + 1) * size))

    def finish(self, judged: Iterable[VerdictRecord], *, make_default: bool = False) -> str:
        """Write all verdicts and make the counting visible, in one transaction; return its name.

        Verdicts wait in a temporary file, so that a million take no memory, and nobody waits while they are made.

        Args:
            judged: A verdict for every picture.
            make_default: Make it the counting that every command shows.

        Raises:
            DiskFull: When there is no room; nothing is written then.
        """
        statement = sa.insert(verdicts).prefix_with("OR REPLACE")
        with tempfile.TemporaryFile() as spooled, self._transaction(spooled, judged) as connection:
            while lines := list(islice(spooled, _AT_A_TIME)):
                connection.execute(statement, [orjson.loads(line) for line in lines])
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

    @contextlib.contextmanager
    def _transaction(self, spooled: IO[bytes], judged: Iterable[VerdictRecord]) -> Iterator[sa.Connection]:
        """Open the transaction once all verdicts are in the temporary file."""
        with disk_errors_as_sentences(Path(tempfile.gettempdir())):
            for record in judged:
                spooled.write(orjson.dumps(verdict_columns(record, self._counting)) + b"\n")
            spooled.seek(0)
        with self._ledger.writing() as connection:
            yield connection


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
