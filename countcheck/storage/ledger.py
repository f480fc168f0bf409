"""One run's ledger file: connections to it, and the transactions in which it is read and written.

A ledger is read as it is: nothing is written for it, so that a run on a read-only mount or a full disk can be read. The
first transaction that writes turns the write-ahead log on, so that others can read meanwhile; closing turns it off again.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool, StaticPool

from countcheck.errors import BadInput, CountcheckError
from countcheck.files import disk_errors_as_sentences, first_line
from countcheck.storage.checksums import DamagedRow
from countcheck.storage.schema import SCHEMA_VERSION, check_version, migrate, totals
from countcheck.storage.write_ahead_log import ledger_image

_PATIENCE = 30.0  # seconds to wait while another process writes

# What reading a damaged ledger can raise: SQLite's own errors, and those of values that make no sense.
_DAMAGE = (sa.exc.DatabaseError, sqlite3.Error, ValueError, LookupError, TypeError, AttributeError, OverflowError)


class Ledger:
    """The SQLite file of a run: any number of threads read, one at a time writes.

    Args:
        folder: The run's folder; the ledger is ``run.sqlite`` in it.

    Attributes:
        in_memory: Whether it is read from a copy in memory, because nothing can be written beside it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "run.sqlite"
        self.in_memory = False
        self._engine = _file_engine(self.path)
        self._writing = threading.Lock()
        self._log_is_on = False  # whether this object turned the write-ahead log on

    # -- opening and closing -------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Make sure that the ledger can be read, and bring one of an older version up to date.

        Where that would need writing and nothing can be written, it is done on a copy in memory.

        Raises:
            BadInput: When it is damaged, or holds no tables.
            RunMismatch: When a newer program wrote it.
        """
        with self.damage_as_sentence():
            version = self._readable_version()
            if version == SCHEMA_VERSION:
                return
            with contextlib.suppress(CountcheckError):
                with self.writing() as connection:
                    migrate(connection, version)
                return
            self._read_into_memory()
            with self._engine.begin() as connection:
                migrate(connection, version)

    def is_begun(self) -> bool:
        """Whether it holds the record of a run, or was written by a newer program; one cut off before that does not.

        Raises:
            BadInput: When it is damaged.
        """
        with self.damage_as_sentence(), self._engine.connect() as connection:
            if int(connection.exec_driver_sql("PRAGMA user_version").scalar_one()) > SCHEMA_VERSION:
                return True
            named = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'facts'"
            if not connection.exec_driver_sql(named).scalar_one():
                return False
            return bool(connection.exec_driver_sql("SELECT count(*) FROM facts").scalar_one())

    def remove(self) -> None:
        """Remove the file and what SQLite keeps beside it.

        Raises:
            OSError: When that is not allowed.
        """
        self.close()
        for suffix in ("", "-wal", "-shm", "-journal"):
            self.path.with_name(f"{self.path.name}{suffix}").unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections, and leave the file as one that can be read without writing beside it."""
        self._engine.dispose()
        if self._log_is_on:
            self._log_is_on = False
            with (
                contextlib.suppress(sqlite3.Error),
                contextlib.closing(sqlite3.connect(self.path, timeout=0.1)) as last,
            ):
                last.execute("PRAGMA journal_mode = DELETE")  # refused while another process has it open

    def _readable_version(self) -> int:
        try:
            with self._engine.connect() as connection:
                return check_version(connection, self.folder)
        except (sa.exc.OperationalError, sqlite3.OperationalError) as error:
            if "locked" in str(error):
                raise
            self._read_into_memory()
        with self._engine.connect() as connection:
            return check_version(connection, self.folder)

    def _read_into_memory(self) -> None:
        image = ledger_image(self.path)
        self._engine.dispose()
        self._engine = _memory_engine(image)
        self.in_memory = True

    # -- transactions --------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a connection on which everything is read as of one moment.

        Raises:
            BadInput: When what is read is damaged.
        """
        with self.damage_as_sentence(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Open a transaction: all of it is written and safely on disk at the end, or nothing when something is raised.

        Raises:
            DiskFull: When there is no room on the disk.
            BadInput: When the ledger may not be written or is damaged, or another process holds it.
        """
        if self.in_memory:
            raise BadInput(f"{self.folder}: cannot write there. Make it writable, or copy the run to another folder.")
        with disk_errors_as_sentences(self.folder), self._writing:
            self._turn_log_on()
            try:
                with self._engine.connect().execution_options(writes=True) as connection, connection.begin():
                    yield connection
            except sa.exc.DatabaseError as error:
                if "malformed" in str(error) or "not a database" in str(error):
                    raise self._damaged(error) from error
                raise

    def _turn_log_on(self) -> None:
        if self._log_is_on:
            return
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute("PRAGMA busy_timeout = 200")
            with contextlib.suppress(sqlite3.OperationalError):  # refused while others read: then they wait for writers
                cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute(f"PRAGMA busy_timeout = {int(1000 * _PATIENCE)}")
        finally:
            connection.close()
        self._log_is_on = True

    # -- damage --------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def damage_as_sentence(self) -> Iterator[None]:
        """Turn what a damaged ledger raises into one sentence with the file.

        Raises:
            BadInput: When it is damaged, or another process holds it.
        """
        try:
            yield
        except CountcheckError:
            raise
        except _DAMAGE as error:
            if "locked" in first_line(error):
                raise BadInput(f"{self.path}: another process is writing there. Try again later.") from error
            raise self._damaged(error) from error

    @staticmethod
    def check_total(connection: sa.Connection, *tables: sa.Table) -> dict[str, int]:
        """Compare the rows of these tables with the number and the checksums that were written; return the numbers.

        Raises:
            DamagedRow: When some were lost or changed.
        """
        numbers = {}
        for table in tables:
            expected = connection.execute(
                sa.select(totals.c.rows, totals.c.checksum).where(totals.c.part == table.name)
            ).one_or_none()
            found = connection.execute(
                sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(table.c.checksum), 0)).select_from(table)
            ).one()
            if expected is None or tuple(expected) != tuple(found):
                rows = "an unknown number of" if expected is None else expected.rows
                raise DamagedRow(f"{found[0]} of {rows} rows of {table.name} are whole")
            numbers[table.name] = int(expected.rows)
        return numbers

    def _damaged(self, error: BaseException) -> BadInput:
        return BadInput(
            f"{self.path} cannot be read: {first_line(error)}. Restore it from a copy, or run again elsewhere; "
            f"`countcheck doctor {self.folder}` says what is left."
        )


def _file_engine(path: Path) -> sa.Engine:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)

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


def _memory_engine(image: bytes) -> sa.Engine:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.deserialize(image)
    return sa.create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
