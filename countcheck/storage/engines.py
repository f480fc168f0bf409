"""How SQLAlchemy opens a ledger: imported only where something is written."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool, StaticPool


def file_engine(path: Path, patience: float) -> sa.Engine:
    """Return SQLAlchemy's way to a ledger file.

    Args:
        path: The file.
        patience: Seconds to wait while another process writes.
    """

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=QueuePool)

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        # A transaction is safely on disk when it ends: it may hold what was paid for.
        for setting in ("synchronous = FULL", "foreign_keys = ON", "recursive_triggers = ON"):
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A transaction that reads first and then writes would be refused when another wrote in between.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def memory_engine(connection: sqlite3.Connection) -> sa.Engine:
    """Return SQLAlchemy's way to a ledger in memory."""
    return sa.create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
