"""A run's picture files: where each belongs, and writing it safely."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from countcheck.files import atomic_write, disk_errors_as_sentences
from countcheck.storage.rows import ResultRow

_SAMPLE_KEY = re.compile(r"^[0-9a-f]{8,64}$")


def check_key(key: str) -> str:
    """Return a sample's key when it can be part of a file name. Raises `ValueError` when it cannot."""
    if not _SAMPLE_KEY.match(key):
        raise ValueError(f"not a sample key: {key!r}")
    return key


class PictureStore:
    """The picture files of one run, under ``images`` in its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path_of(self, key: str, turn: int) -> str:
        """Return where a picture belongs, relative to the run folder. Raises `ValueError` for what is no sample key."""
        return f"images/{check_key(key)[:2]}/{key}{f'-{turn}' if turn else ''}.png"

    def write(self, relative: str, data: bytes) -> str:
        """Write a picture file, wait until it is safely on disk, and return its SHA-256 (64 hex digits).

        Raises:
            DiskFull: When there is no room.
        """
        with disk_errors_as_sentences(self._folder):
            atomic_write(self._folder / relative, data, durable=True)
        return hashlib.sha256(data).hexdigest()

    def find(self, row: ResultRow) -> Path | None:
        """Return the picture file of a row; ``None`` when it has none, or the file is gone."""
        if not row.picture:
            return None
        path = (self._folder / row.picture).resolve()
        inside = (self._folder / "images").resolve()
        return path if path.is_relative_to(inside) and path.is_file() else None
