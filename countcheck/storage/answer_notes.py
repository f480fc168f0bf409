"""Notes of answers that were paid for, written before their picture: with them a picture without a row is adopted.

A picture is stored before its row, so that no row ever names a picture that is not there. Where the power or the process
goes in between, the note holds what the row would have been: ``RUN/answers/<key>-<turn>.json``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from countcheck.files import atomic_write, disk_errors_as_sentences
from countcheck.storage.checksums import DamagedRow, row_checksum
from countcheck.storage.picture_store import check_key
from countcheck.storage.schema import uncounted


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerNote:
    """What is noted of an answer: its row of ``uncounted``, and its dialogue's state as the ledger stores it."""

    row: dict[str, Any]
    state: str | None


class AnswerNotes:
    """The notes in a run's folder. Safe to use from several threads."""

    def __init__(self, run: Path) -> None:
        self._folder = run / "answers"

    def write(self, note: AnswerNote) -> None:
        """Write a note and wait until it is safely on disk. Raises `DiskFull`."""
        with disk_errors_as_sentences(self._folder):
            data = orjson.dumps({"row": note.row, "state": note.state})
            atomic_write(self._path(note.row["key"], note.row["turn"]), data, durable=True)

    def remove(self, key: str, turn: int) -> None:
        """Remove the note of an answer whose row is written; a note that stays does no harm."""
        with contextlib.suppress(OSError):
            self._path(key, turn).unlink(missing_ok=True)

    def read(self) -> Iterator[AnswerNote]:
        """Read the notes that are whole; those that a power cut left half written are no notes."""
        for path in sorted(self._folder.glob("*.json")):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, DamagedRow):
                body = orjson.loads(path.read_bytes())
                row, state = body["row"], body["state"]
                if row["checksum"] == row_checksum(uncounted, row) and isinstance(state, str | None):
                    yield AnswerNote(row=row, state=state)

    def clear(self) -> None:
        """Remove all notes, and their folder."""
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                path.unlink()
        self.remove_folder()

    def remove_folder(self) -> None:
        """Remove the notes' folder, unless there are notes in it."""
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def _path(self, key: str, turn: int) -> Path:
        return self._folder / f"{check_key(key)}-{int(turn)}.json"
