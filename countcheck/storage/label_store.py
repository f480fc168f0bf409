"""People's labels in a run's ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert

from countcheck.storage.ledger import Ledger
from countcheck.storage.rows import Label
from countcheck.storage.schema import labels as table


class LabelStore:
    """The labels of one run."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def read(self) -> list[Label]:
        """Read every label, oldest first."""
        with self._ledger.reading() as connection:
            query = sa.select(table).order_by(table.c.at, table.c.key, table.c.noun)
            return [Label(**row._mapping) for row in connection.execute(query)]

    def add(self, labels: Iterable[Label]) -> None:
        """Write labels; the same person's earlier label of the same picture and noun is replaced.

        Raises:
            DiskFull: When there is no room; none of them is written then.
        """
        rows = [asdict(label) for label in labels]
        if rows:
            insert = upsert(table)
            changes = {name: insert.excluded[name] for name in ("count", "at", "stratum", "weight")}
            statement = insert.on_conflict_do_update(index_elements=["key", "turn", "noun", "labeller"], set_=changes)
            with self._ledger.writing() as connection:
                connection.execute(statement, rows)

    def set_weight(self, stratum: str, weight: float) -> None:
        """Let every label drawn from a stratum stand for this many pictures of the run. Raises `DiskFull`."""
        c = table.c
        with self._ledger.writing() as connection:
            connection.execute(sa.update(table).where(c.stratum == stratum, c.weight != weight).values(weight=weight))

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
