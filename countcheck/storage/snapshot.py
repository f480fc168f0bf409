"""A ledger as of one moment, read by plain SQL: rows with their checksums, and whether all of them are there.

SQLAlchemy writes the ledger. What only reads goes without it: importing it takes longer than summing up a small run.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from countcheck.errors import BadInput, RunMismatch
from countcheck.storage.checksums import DamagedRow, checksum

if TYPE_CHECKING:
    import sqlalchemy as sa

SCHEMA_VERSION = 5
"""Version of the tables; see `countcheck.storage.schema`."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "facts": ("name", "value"),
    "countings": ("counter", "controls", "complete"),
    "samples": ("key", "generator", "prompt_id", "repeat", "seed", "talk"),
    "outcomes": (
        *("key", "turn", "script", "repair", "text", "outcome", "picture"),
        *("digest", "bytes", "seconds", "cost", "detail"),
    ),
    "detections": ("key", "turn", "counting", "body"),
    "verdicts": ("key", "turn", "counting", "verdict", "leaning", "reason", "counted"),
    "labels": ("key", "turn", "noun", "labeller", "count", "at", "stratum", "weight"),
    "label_notes": ("key", "turn", "labeller", "text", "at"),
}
"""The columns of each table that its rows' checksums cover, in their order."""

_BOOLEANS = {"countings": 2, "samples": 5}  # the place of the column that SQLite keeps as 0 or 1


class Snapshot:
    """Reads a ledger; nothing that others write meanwhile is seen.

    Args:
        connection: Open, within a transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    @classmethod
    def within(cls, connection: sa.Connection) -> Self:
        """Read within a transaction that SQLAlchemy has open, what it wrote so far included."""
        return cls(connection.connection.driver_connection)  # type: ignore[arg-type]

    def check_totals(self, *tables: str) -> dict[str, int]:
        """Compare the rows of these tables with the number and the checksums that were written; return the numbers.

        Raises:
            DamagedRow: When some were lost or changed.
        """
        numbers = {}
        for table in tables:
            found = self.one(f"SELECT count(*), coalesce(sum(checksum), 0) FROM {table}")  # noqa: S608 (our own names)
            numbers[table] = self.check_total(table, *found)
        return numbers

    def check_total(self, table: str, rows: int, checksums: int) -> int:
        """Compare the number of rows that were read, and the sum of their checksums, with what was written.

        Raises:
            DamagedRow: When some were lost or changed.
        """
        expected = self.one("SELECT rows, checksum FROM totals WHERE part = ?", table)
        if expected != (rows, checksums):
            whole = "an unknown number of" if expected is None else expected[0]
            raise DamagedRow(f"{rows} of {whole} rows of {table} are whole")
        return rows

    def one(self, query: str, *values: Any) -> Any:
        """Return the first row of a query as a tuple; ``None`` when there is none."""
        return self.connection.execute(query, values).fetchone()

    def rows(self, table: str, tail: str = "", values: tuple[Any, ...] = ()) -> Iterator[dict[str, Any]]:
        """Yield rows of a table as column to value, each compared with its checksum.

        Args:
            table: One of `COLUMNS`.
            tail: What follows ``FROM table`` in SQL.
            values: For the question marks there.

        Raises:
            DamagedRow: When a row is not what was written.
        """
        names = COLUMNS[table]
        head = ("id",) if table in ("countings", "samples") else ()
        listed = ", ".join((*head, *names, "checksum"))
        place = _BOOLEANS.get(table)
        for found in self.connection.execute(f"SELECT {listed} FROM {table} {tail}", values):  # noqa: S608 (our own names)
            own = found[len(head) : -1]
            if place is not None:
                own = (*own[:place], as_boolean(own[place]), *own[place + 1 :])
            if checksum(own) != found[-1]:
                named = " ".join(str(value) for value in found[: 1 if head else 3])
                raise DamagedRow(f"the row {named[:80]} of {table} is damaged")
            yield dict(zip((*head, *names), (*found[: len(head)], *own), strict=True))


def as_boolean(value: Any) -> Any:
    """Return 0 and 1 as the truth values that were written; another value as it is, since it is damaged.

    >>> as_boolean(1), as_boolean("x")
    (True, 'x')
    """
    return bool(value) if value in (0, 1) else value


def check_version(connection: sqlite3.Connection, folder: Path) -> int:
    """Return a ledger's version.

    Raises:
        RunMismatch: When a newer program wrote it.
        BadInput: When it holds no tables: the program was killed while it made them.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise RunMismatch(
            f"{folder} was written by a newer countcheck (ledger version {version}, this one knows {SCHEMA_VERSION}). "
            "Upgrade countcheck to read it."
        )
    if version < 1:
        raise BadInput(f"{folder} holds no run yet: its ledger is empty. Give the `run` command again; it begins anew.")
    return version
