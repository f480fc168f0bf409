"""Checksums of the ledger's rows: a value that changed on the disk is found when its row is read.

SQLite itself finds a page that makes no sense, not a digit that became another. A row's checksum is the CRC-32 of its
values as JSON. That of a sample is doubled and its ``done`` added, so that SQL alone can keep it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from zlib import crc32

import orjson

if TYPE_CHECKING:
    import sqlalchemy as sa

# Numbered by SQLite, or the checksum itself; ``done`` has a place of its own.
_LEFT_OUT = {"id", "checksum", "done"}


class DamagedRow(ValueError):
    """A row whose values are not those that were written."""


def checked_columns(table: sa.Table) -> tuple[sa.Column[Any], ...]:
    """Return the columns of a table that its checksum covers, in their order."""
    return tuple(column for column in table.columns if column.name not in _LEFT_OUT)


@cache
def _values_by_name(table: sa.Table) -> Callable[[Mapping[Any, Any]], tuple[Any, ...]]:
    return itemgetter(*(column.name for column in checked_columns(table)))


@cache
def _values_by_place(table: sa.Table) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    return itemgetter(*(place for place, column in enumerate(table.columns) if column.name not in _LEFT_OUT))


def checksum(values: tuple[Any, ...]) -> int:
    """Return the CRC-32 of a row's values; bytes are covered too.

    Raises:
        DamagedRow: When a value is of a type that the ledger never holds.

    >>> checksum(("three-pigs", 0, None))
    3215296760
    """
    try:
        if isinstance(values[-1], bytes):
            return crc32(values[-1], crc32(orjson.dumps(values[:-1])))
        return crc32(orjson.dumps(values))
    except TypeError as error:
        raise DamagedRow(str(error)) from error


def row_checksum(table: sa.Table, row: Mapping[Any, Any]) -> int:
    """Return the checksum of a row that is a mapping of column name to value."""
    found = checksum(_values_by_name(table)(row))
    return 2 * found + bool(row["done"]) if "done" in table.columns else found


def sealed(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its checksum, ready to be written."""
    row["checksum"] = row_checksum(table, row)
    return row


def check_row(table: sa.Table, row: sa.Row[Any]) -> None:
    """Compare a row of all columns of a table, in their order, with its checksum; for tables but ``samples``.

    Raises:
        DamagedRow: When it is not what was written.
    """
    if checksum(_values_by_place(table)(row)) != row[-1]:
        keys = " ".join(str(row._mapping[column.name]) for column in table.primary_key)
        raise DamagedRow(f"the row {keys[:80]} of {table.name} is damaged")
