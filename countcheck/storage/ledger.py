"""One run's ledger file: connections to it, and the transactions in which it is read and written."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from countcheck.files import disk_errors_as_sentences
from countcheck.storage.schema import open_engine


class Ledger:
    """The SQLite file of a run: any number of threads read, one at a time writes.

    Args:
        folder: The run's folder; the ledger is ``run.sqlite`` in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "run.sqlite"
        self.engine = open_engine(self.path)
        self._writing = threading.Lock()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a connection to read from."""
        with self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Open a transaction: all of it is written at the end, or nothing when something is raised.

        Raises:
            DiskFull: When there is no room on the disk.
            BadInput: When the ledger may not be written, or another process holds it.
        """
        with disk_errors_as_sentences(self.folder), self._writing, self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
