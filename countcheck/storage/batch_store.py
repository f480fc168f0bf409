"""The batches of a run: what was handed in to a service and is not fetched yet."""

from __future__ import annotations

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert

from countcheck.generators.batch_notes import BatchNote
from countcheck.storage.checksums import check_row, sealed
from countcheck.storage.ledger import Ledger
from countcheck.storage.schema import batches, samples


class BatchStore:
    """The notes of batches in one run's ledger. What a method wrote is safely on disk when it returns."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def of(self, generator: str) -> list[BatchNote]:
        """Return the notes of a generator, oldest first."""
        return [note for note in self.waiting() if note.generator == generator]

    def waiting(self) -> list[BatchNote]:
        """Return all notes, oldest first.

        Raises:
            BadInput: When the ledger is damaged.
        """
        with self._ledger.reading() as connection:
            self._ledger.check_total(connection, batches)
            rows = list(connection.execute(sa.select(batches).order_by(batches.c.at, batches.c.token)))
            for row in rows:
                check_row(batches, row)
        return [
            BatchNote(
                token=row.token,
                generator=row.generator,
                keys=tuple(orjson.loads(row.sample_keys)),
                at=row.at,
                id=row.service_id,
                sent=row.sent,
                round=row.round,
            )
            for row in rows
        ]

    def write(self, note: BatchNote) -> None:
        """Add a note, or replace the one with its token. Raises `DiskFull`."""
        with self._ledger.writing() as connection:
            _put(connection, note)

    def remove(self, note: BatchNote, then: BatchNote | None = None) -> None:
        """Remove a note; ``then`` takes its place in the same transaction. Raises `DiskFull`."""
        with self._ledger.writing() as connection:
            connection.execute(sa.delete(batches).where(batches.c.token == note.token))
            if then is not None:
                _put(connection, then)

    def remove_finished(self) -> None:
        """Remove the notes of batches whose samples all have outcomes: a process died before it could."""
        notes = self.waiting()
        if not notes:
            return
        with self._ledger.reading() as connection:
            done = set(connection.execute(sa.select(samples.c.key).where(samples.c.done)).scalars())
        for note in notes:
            if done.issuperset(note.keys):
                self.remove(note)

    def forget(self) -> int:
        """Remove all notes, so that their samples are asked for again; return the number of batches."""
        with self._ledger.writing() as connection:
            return int(connection.execute(sa.delete(batches)).rowcount)


def _put(connection: sa.Connection, note: BatchNote) -> None:
    row = {
        "token": note.token,
        "generator": note.generator,
        "service_id": note.id,
        "sample_keys": orjson.dumps(note.keys).decode(),
        "at": note.at,
        "sent": note.sent,
        "round": note.round,
    }
    statement = upsert(batches).values(row := sealed(batches, row))
    connection.execute(statement.on_conflict_do_update(index_elements=["token"], set_=row))
