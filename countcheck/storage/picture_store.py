"""A run's picture files: where each belongs, and writing it safely."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from countcheck.errors import BadInput
from countcheck.files import atomic_write, disk_errors_as_sentences
from countcheck.images.decode import decode
from countcheck.storage.rows import ResultRow

if TYPE_CHECKING:
    from PIL import Image

_SAMPLE_KEY = re.compile(r"^[0-9a-f]{8,64}$")


def check_key(key: str) -> str:
    """Return a sample's key when it can be part of a file name. Raises `ValueError` when it cannot."""
    if not _SAMPLE_KEY.match(key):
        raise ValueError(f"not a sample key: {key!r}")
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureProblems:
    """Picture files that are gone, and those that are not the ones that were made; paths inside the run folder."""

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __str__(self) -> str:
        """A sentence for the user; empty when nothing is wrong."""
        parts = []
        if self.missing:
            parts.append(
                f"{len(self.missing)} picture files are gone" if len(self.missing) > 1 else "1 picture file is gone"
            )
        if self.changed:
            parts.append(
                f"{len(self.changed)} are not the pictures that were made"
                if len(self.changed) > 1
                else "1 is not the picture that was made"
            )
        return " and ".join(parts)


class PictureStore:
    """The picture files of one run, under ``images`` in its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path_of(self, key: str, turn: int) -> str:
        """Return where a picture belongs, relative to the run folder. Raises `ValueError` for what is no sample key."""
        return f"images/{check_key(key)[:2]}/{key}{f'-{turn}' if turn else ''}.png"

    def read(self, row: ResultRow) -> Image.Image:
        """Decode the picture of a row, after comparing its file with the digest that was recorded.

        Raises:
            BadInput: When the file is gone, damaged, outside the run, or not the one that was made.
        """
        path = self._inside(row)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadInput(f"{path} cannot be read ({error.strerror or error}). Restore it from a copy.") from error
        if row.digest and hashlib.sha256(data).hexdigest() != row.digest:
            raise BadInput(
                f"{path} is not the picture that was made: its SHA-256 is not the recorded one. Restore it from a copy; "
                f"`countcheck doctor {self._folder}` lists all such files."
            )
        return decode(data, place=str(path))

    def problems(self, rows: Iterable[ResultRow]) -> PictureProblems:
        """Compare the files of these rows with their recorded sizes, without reading them."""
        missing, changed = [], []
        for row in rows:
            if row.picture:
                try:
                    size = (self._folder / row.picture).stat().st_size
                except OSError:
                    missing.append(row.picture)
                else:
                    if row.picture_bytes is not None and size != row.picture_bytes:
                        changed.append(row.picture)
        return PictureProblems(missing=tuple(missing), changed=tuple(changed))

    def demand_all(self, rows: Collection[ResultRow]) -> None:
        """Let something go on only when every picture file of these rows is there.

        Raises:
            BadInput: Saying how many are gone.
        """
        missing = self.problems(rows).missing
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            raise BadInput(
                f"{self._folder}: {len(missing)} of {len(rows)} picture files {verb} gone, the first {missing[0]}: two "
                "counters would be mixed. Restore the files, or recount with the detector that the run was made with."
            )

    def write(self, relative: str, data: bytes) -> str:
        """Write a picture file, wait until it is safely on disk, and return its SHA-256 (64 hex digits).

        Raises:
            DiskFull: When there is no room.
        """
        with disk_errors_as_sentences(self._folder):
            atomic_write(self._folder / relative, data, durable=True)
        return hashlib.sha256(data).hexdigest()

    def find(self, row: ResultRow) -> Path | None:
        """Return the picture file of a row; ``None`` when it has none, or the file is gone or has another size."""
        if not row.picture:
            return None
        try:
            path = self._inside(row)
            size = path.stat().st_size
        except (BadInput, OSError):
            return None
        return path if path.is_file() and row.picture_bytes in (None, size) else None

    def _inside(self, row: ResultRow) -> Path:
        path = (self._folder / row.picture).resolve()
        if not path.is_relative_to((self._folder / "images").resolve()):
            raise BadInput(f"{self._folder}: the picture {row.picture[:200]!r} lies outside the run. It is not read.")
        return path
