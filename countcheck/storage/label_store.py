"""People's labels in a run's ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert

from countcheck.storage.columns import label_columns
from countcheck.storage.label_reader import read_labels
from countcheck.storage.ledger import Ledger
from countcheck.storage.rows import Label
from countcheck.storage.schema import labels as table
from countcheck.storage.snapshot import Snapshot

_INSERT = upsert(table)
_REPLACE = _INSERT.on_conflict_do_update(
    index_elements=["key", "turn", "noun", "labeller"],
    set_={name: _INSERT.excluded[name] for name in ("count", "at", "stratum", "weight", "checksum")},
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
