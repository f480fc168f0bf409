"""People's labels in a run's ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert

from countcheck.storage.columns import label_columns, note_columns
from countcheck.storage.label_reader import read_labels, read_notes
from countcheck.storage.ledger import Ledger
from countcheck.storage.rows import Label, LabelNote
from countcheck.storage.schema import label_notes
from countcheck.storage.schema import labels as table
from countcheck.storage.snapshot import Snapshot

_INSERT = upsert(table)
_REPLACE = _INSERT.on_conflict_do_update(
    index_elements=["key", "turn", "noun", "labeller"],
    set_={name: _INSERT.excluded[name] for name in ("count", "at", "stratum", "weight", "checksum")},
)
_NOTE = upsert(label_notes)
_REPLACE_NOTE = _NOTE.on_conflict_do_update(
    index_elements=["key", "turn", "labeller"],
    set_={name: _NOTE.excluded[name] for name in ("text", "at", "checksum")},
)


class LabelStore:
    """The labels of one run."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def read(self) -> list[Label]:
        """Read every label, oldest first."""
        with self._ledger.snapshot() as snapshot:
            return read_labels(snapshot)

    def add(self, labels: Iterable[Label]) -> None:
        """Write labels; the same person's earlier label of the same picture and noun is replaced.

        Raises:
            DiskFull: When there is no room; none of them is written then.
        """
        rows = [label_columns(label) for label in labels]
        if rows:
            with self._ledger.writing() as connection:
                connection.execute(_REPLACE, rows)

    def set_weight(self, stratum: str, weight: float) -> None:
        """Let every label drawn from a stratum stand for this many pictures of the run. Raises `DiskFull`."""
        with self._ledger.writing() as connection:
            own = read_labels(Snapshot.within(connection), "WHERE stratum = ? AND weight <> ?", stratum, weight)
            labels = [replace(label, weight=weight) for label in own]
            if labels:
                connection.execute(_REPLACE, [label_columns(label) for label in labels])

    def set_stratum(self, places: Iterable[tuple[str, int]], stratum: str) -> None:
        """Let the labels of these pictures, by key and turn, that were chosen by hand count as drawn from a stratum.

        Raises:
            DiskFull: When there is no room.
        """
        with self._ledger.writing() as connection:
            snapshot = Snapshot.within(connection)
            own = [
                label
                for place in places
                for label in read_labels(snapshot, "WHERE stratum = '' AND key = ? AND turn = ?", *place)
            ]
            if own:
                connection.execute(_REPLACE, [label_columns(replace(label, stratum=stratum)) for label in own])

    def version(self) -> tuple[int, str]:
        """Return how many labels there are and when the newest was given: it changes when anybody labels."""
        with self._ledger.reading() as connection:
            n, newest = connection.execute(sa.select(sa.func.count(), sa.func.max(table.c.at))).one()
        return n, newest or ""

    def remove(self, key: str, turn: int, noun: str, labeller: str) -> None:
        """Remove a label; nothing happens when there is none. Raises `DiskFull`."""
        c = table.c
        with self._ledger.writing() as connection:
            connection.execute(
                sa.delete(table).where(c.key == key, c.turn == turn, c.noun == noun, c.labeller == labeller)
            )

    def read_notes(self) -> list[LabelNote]:
        """Read every note, oldest first."""
        with self._ledger.snapshot() as snapshot:
            return read_notes(snapshot)

    def add_notes(self, notes: Iterable[LabelNote]) -> None:
        """Write notes; the same person's earlier note on the same picture is replaced, and removed by an empty one.

        Raises:
            DiskFull: When there is no room; none of them is written then.
        """
        notes = list(notes)
        rows = [note_columns(note) for note in notes if note.text]
        c = label_notes.c
        with self._ledger.writing() as connection:
            if rows:
                connection.execute(_REPLACE_NOTE, rows)
            for note in notes:
                if not note.text:
                    connection.execute(
                        sa.delete(label_notes).where(
                            c.key == note.key, c.turn == note.turn, c.labeller == note.labeller
                        )
                    )
