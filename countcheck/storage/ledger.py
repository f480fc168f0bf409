"""One run's ledger file: connections to it, and the transactions in which it is read and written.

A ledger is read as it is: nothing is written for it, so that a run on a read-only mount or a full disk can be read. The
first transaction that writes turns the write-ahead log on, so that others can read meanwhile; closing turns it off again.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

from countcheck.errors import BadInput, CountcheckError, first_line
from countcheck.files import disk_errors_as_sentences
from countcheck.storage.snapshot import SCHEMA_VERSION, Snapshot, check_version
from countcheck.storage.write_ahead_log import ledger_image

if TYPE_CHECKING:
    import sqlalchemy as sa

_PATIENCE = 30.0  # seconds to wait while another process writes

# What reading a damaged ledger can raise: SQLite's own errors, and those of values that make no sense.
_DAMAGE = (sqlite3.Error, ValueError, LookupError, TypeError, AttributeError, OverflowError)


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
        self._made_engine: sa.Engine | None = None
        self._image: sqlite3.Connection | None = None  # of the copy in memory
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
            from countcheck.storage.schema import migrate

            with contextlib.suppress(CountcheckError):
                with self.writing() as connection:
                    migrate(connection, version)
                return
            self._read_into_memory()
            with self._engine.begin() as connection:
                migrate(connection, version)

    @property
    def _engine(self) -> sa.Engine:
        """SQLAlchemy's way to the file, or to the copy in memory; made when something is written, since it is slow."""
        from countcheck.storage.engines import file_engine, memory_engine

        if self._made_engine is None:
            self._made_engine = file_engine(self.path, _PATIENCE) if self._image is None else memory_engine(self._image)
        return self._made_engine

    def is_begun(self) -> bool:
        """Whether it holds the record of a run, or was written by a newer program; one cut off before that does not.

        Raises:
            BadInput: When it is damaged.
        """
        with self.snapshot() as snapshot:
            if snapshot.one("PRAGMA user_version")[0] > SCHEMA_VERSION:
                return True
            if snapshot.one("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'facts'") is None:
                return False
            return snapshot.one("SELECT 1 FROM facts") is not None

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
        if self._made_engine is not None:
            self._made_engine.dispose()
            self._made_engine = None
        if self._log_is_on:
            self._log_is_on = False
            with (
                contextlib.suppress(sqlite3.Error),
                contextlib.closing(sqlite3.connect(self.path, timeout=0.1)) as last,
            ):
                last.execute("PRAGMA journal_mode = DELETE")  # refused while another process has it open

    def _readable_version(self) -> int:
        try:
            with self._connected() as connection:
                return check_version(connection, self.folder)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise
            self._read_into_memory()
        with self._connected() as connection:
            return check_version(connection, self.folder)

    def _read_into_memory(self) -> None:
        image = ledger_image(self.path)
        self._image = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._image.deserialize(image)
        self._made_engine = None
        self.in_memory = True

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        if self._image is not None:
            yield self._image
            return
        with contextlib.closing(
            sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        ) as own:
            yield own

    # -- transactions --------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Open the ledger as of one moment, for plain SQL.

        Raises:
            BadInput: When what is read is damaged.
        """
        with self.damage_as_sentence(), self._connected() as connection:
            if self._image is None:
                connection.execute("BEGIN")
            yield Snapshot(connection)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a connection on which everything is read as of one moment.

        Raises:
            BadInput: When what is read is damaged.
        """
        # Begun here: totals are read past SQLAlchemy, which would begin with the first statement of its own.
        with self.damage_as_sentence(), self._engine.connect() as connection, connection.begin():
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
        import sqlalchemy.exc

        with disk_errors_as_sentences(self.folder), self._writing:
            self._turn_log_on()
            try:
                with self._engine.connect().execution_options(writes=True) as connection, connection.begin():
                    yield connection
            except sqlalchemy.exc.DatabaseError as error:
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
        except Exception as error:
            if not isinstance(error, (*_DAMAGE, *_damage_of_sqlalchemy())):
                raise
            if "locked" in first_line(error):
                raise BadInput(f"{self.path}: another process is writing there. Try again later.") from error
            raise self._damaged(error) from error

    @staticmethod
    def check_total(connection: sa.Connection, *tables: sa.Table) -> dict[str, int]:
        """Compare the rows of these tables with the number and the checksums that were written; return the numbers.

        Raises:
            DamagedRow: When some were lost or changed.
        """
        return Snapshot.within(connection).check_totals(*(table.name for table in tables))

    def _damaged(self, error: BaseException) -> BadInput:
        return BadInput(
            f"{self.path} cannot be read: {first_line(error)}. Restore it from a copy, or run again elsewhere; "
            f"`countcheck doctor {self.folder}` says what is left."
        )


def _damage_of_sqlalchemy() -> tuple[type[Exception], ...]:
    """What reading through SQLAlchemy raises besides; nothing while it is not imported."""
    loaded = sys.modules.get("sqlalchemy")
    return () if loaded is None else (loaded.exc.DatabaseError,)
