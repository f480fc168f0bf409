"""A run's picture files: where each belongs, writing it safely, and reading it back from wherever it lies."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from countcheck.errors import BadInput, DiskFull
from countcheck.files import atomic_write
from countcheck.images import thumbnails
from countcheck.images.decode import decode, read_picture
from countcheck.images.encode import FORMATS, PNG, ImageFormat, encode, image_format
from countcheck.images.hashes import can_hash, picture_hash
from countcheck.storage.picture_files import FolderFiles, PictureFiles, open_files
from countcheck.storage.rows import ResultRow

if TYPE_CHECKING:
    from PIL import Image

    from countcheck.images.types import Pixels

PICTURES_URL = "pictures_url"  # what the record calls the place of the pictures, where it is not the run's folder
IMAGE_FORMAT = "image_format"  # and their format, where it is not PNG
SUFFIXES = frozenset(each.suffix for each in FORMATS.values())

_MOST_FOLDERS = 1000  # that are remembered

_SAMPLE_KEY = re.compile(r"^[0-9a-f]{8,64}$")


def check_key(key: str) -> str:
    """Return a sample's key when it can be part of a file name. Raises `ValueError` when it cannot."""
    if not _SAMPLE_KEY.match(key):
        raise ValueError(f"not a sample key: {key!r}")
    return key


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureProblems:
    """How many picture files are gone, the first of them inside the run folder, and how many are not those that were made."""

    missing: int = 0
    changed: int = 0
    first_missing: str = ""

    def __str__(self) -> str:
        """A sentence for the user; empty when nothing is wrong."""
        parts = []
        if self.missing:
            parts.append(f"{self.missing} picture files are gone" if self.missing > 1 else "1 picture file is gone")
        if self.changed:
            parts.append(
                f"{self.changed} are not the pictures that were made"
                if self.changed > 1
                else "1 is not the picture that was made"
            )
        return " and ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPicture:
    """A picture file, as the ledger names it.

    Attributes:
        path: Where it lies, relative to the run's pictures.
        digest: SHA-256 of the file, 64 hex digits.
        size: Its length in bytes.
        hash: Perceptual hash of the picture; empty where it is not known.
    """

    path: str
    digest: str
    size: int
    hash: str = ""

    @classmethod
    def of(cls, path: str, data: bytes, image: Image.Image | None = None) -> StoredPicture:
        """Describe the file of this content, and the picture in it."""
        seen = picture_hash(image) if image is not None and can_hash() else ""
        return cls(path=path, digest=hashlib.sha256(data).hexdigest(), size=len(data), hash=seen)


def picture_path(key: str, turn: int, chosen: ImageFormat) -> str:
    """Return where a picture belongs, relative to the run folder. Raises `ValueError` for what is no sample key.

    >>> picture_path("0123456789abcdef", 2, image_format("jpeg-95"))
    'images/01/0123456789abcdef-2.jpg'
    """
    return f"images/{check_key(key)[:2]}/{key}{f'-{turn}' if turn else ''}{chosen.suffix}"


class PictureWriter:
    """Encodes and stores pictures and their thumbnails, on any machine of a run. Safe to use from several threads.

    Args:
        place: The run's folder, or the URL of its pictures.
        format_name: One of `countcheck.images.encode.FORMATS`.

    Raises:
        UnknownName: For a format that there is not.
        MissingExtra, BadSettings: As `countcheck.storage.picture_files.open_files`.
    """

    def __init__(self, place: str | Path, format_name: str = PNG) -> None:
        self.format = image_format(format_name)
        self.files: PictureFiles = open_files(place)

    def path_of(self, key: str, turn: int) -> str:
        """Return where a picture belongs, relative to the run's pictures. Raises `ValueError` for what is no sample key."""
        return picture_path(key, turn, self.format)

    def encode(self, image: Image.Image) -> bytes:
        """Encode an RGB picture."""
        return encode(image, self.format.name)

    def write(self, path: str, data: bytes, image: Image.Image | None = None) -> StoredPicture:
        """Write a picture's file, wait until it is safely stored, and return what it is.

        Args:
            path: As `path_of` returns it.
            data: The encoded picture.
            image: The picture, RGB, when its perceptual hash is wanted.

        Raises:
            DiskFull: When there is no room.
            BadInput: When it may not be written.
        """
        self.write_file(path, data)
        return StoredPicture.of(path, data, image)

    def write_file(self, path: str, data: bytes) -> None:
        """Write a picture's file and wait until it is safely stored, as `write` does; for one that is described already."""
        self.files.write(path, data, durable=True)

    def save_thumbnail(self, stored: StoredPicture, image: Image.Image) -> None:
        """Make and write a picture's thumbnail. One that cannot be written is no loss."""
        if isinstance(self.files, FolderFiles):
            thumbnails.save_thumbnail(self.files.folder, stored.path, image, stored.size)
        else:
            self.write_thumbnail(stored, self.thumbnail(stored, image))

    def thumbnail(self, stored: StoredPicture, image: Image.Image) -> bytes | None:
        """Make a picture's thumbnail; ``None`` where the file is small enough to be its own."""
        return thumbnails.thumbnail_of(image, stored.size, is_png=self.format.name == PNG)

    def write_thumbnail(self, stored: StoredPicture, data: bytes | None) -> None:
        """Write a thumbnail, where there is one. One that cannot be written is no loss."""
        if data is not None:
            with contextlib.suppress(OSError, BadInput, DiskFull):
                self.files.write(thumbnails.thumbnail_name(stored.path), data, durable=False)

    def seen(self, pixels: Pixels, data: bytes) -> Pixels:
        """Return the pixels to count: those that were made, or those of the file where saving changes them."""
        return pixels if self.format.lossless else decode(data)


class PictureStore:
    """The picture files of one run: under ``images`` in its folder, or at a URL.

    Of pictures at a URL, those that a command needs as files are copied into the run's folder first.

    Args:
        folder: The run's folder.
        url: Where the pictures lie; empty for the run's folder.
        format_name: In which format they are saved.
    """

    def __init__(self, folder: Path, *, url: str = "", format_name: str = PNG) -> None:
        self._folder = folder
        self.url = url
        self.format = image_format(format_name)
        self._writer: PictureWriter | None = None
        self._lock = threading.Lock()
        self._real_folders: dict[str, tuple[Path, bool]] = {}

    @property
    def writer(self) -> PictureWriter:
        """What stores new pictures.

        Raises:
            MissingExtra, BadSettings: When the driver of the URL is not installed.
        """
        with self._lock:
            if self._writer is None:
                self._writer = PictureWriter(self.url or self._folder, self.format.name)
            return self._writer

    def path_of(self, key: str, turn: int) -> str:
        """Return where a picture belongs, relative to the run folder. Raises `ValueError` for what is no sample key."""
        return picture_path(key, turn, self.format)

    def decode(self, relative: str) -> Image.Image:
        """Decode the picture of this relative path.

        Raises:
            BadInput: When the file is gone or damaged.
        """
        path = self._local(relative)
        if path is not None:
            return read_picture(path)
        return decode(self.writer.files.read(relative), place=f"{self.url}/{relative}")

    def read(self, row: ResultRow) -> Image.Image:
        """Decode the picture of a row, after comparing its file with the digest that was recorded.

        Raises:
            BadInput: When the file is gone, damaged, outside the run, or not the one that was made.
        """
        path = self._inside(row)
        where: object = path
        if self.url and not path.is_file():
            where, data = f"{self.url}/{row.picture}", self.writer.files.read(row.picture)
        else:
            data = FolderFiles(self._folder).read(row.picture)
        if row.digest and hashlib.sha256(data).hexdigest() != row.digest:
            raise BadInput(
                f"{where} is not the picture that was made: its SHA-256 is not the recorded one. Restore it from a copy; "
                f"`countcheck doctor {self._folder}` lists all such files."
            )
        return decode(data, place=str(where))

    def problems(self, rows: Iterable[ResultRow]) -> PictureProblems:
        """Compare the files of these rows with their recorded sizes, without reading them.

        Pictures at a URL are not looked for: listing them takes long, and is what `countcheck doctor` does.
        """
        return self.problems_of_files((row.picture, row.picture_bytes) for row in rows if row.picture)

    def problems_of_files(self, files: Iterable[tuple[str, int | None]]) -> PictureProblems:
        """Compare files, given as path inside the run folder and recorded size, with those sizes."""
        missing = changed = 0
        first = ""
        folder = str(self._folder)
        for picture, recorded in () if self.url else files:
            try:
                size = os.stat(f"{folder}/{picture}").st_size  # noqa: PTH116 (a path object costs more than the look)
            except (OSError, ValueError):
                missing += 1
                first = first or picture
            else:
                changed += recorded is not None and size != recorded
        return PictureProblems(missing=missing, changed=changed, first_missing=first)

    def demand_all(self, rows: Iterable[ResultRow]) -> None:
        """Let something go on only when every picture file of these rows is there.

        Raises:
            BadInput: Saying how many are gone.
        """
        there = self.writer.files.sizes("images").keys() if self.url else None
        n = missing = 0
        first = ""
        for row in rows:
            n += 1
            if row.picture not in there if there is not None else self.problems([row]).missing:
                missing += 1
                first = first or row.picture
        if missing:
            verb = "is" if missing == 1 else "are"
            raise BadInput(
                f"{self._folder}: {missing} of {n} picture files {verb} gone, the first {first}: two "
                "counters would be mixed. Restore the files, or recount with the detector that the run was made with."
            )

    def find(self, row: ResultRow) -> Path | None:
        """Return the picture file of a row; ``None`` when it has none, or the file is gone or has another size.

        A picture at a URL is copied into the run's folder, where the next command finds it.
        """
        if not row.picture:
            return None
        above, _, name = row.picture.rpartition("/")
        folder, inside = self._real_folder(above)
        if inside and name.strip(".") and not self.url:  # nearly all, and asked of every picture of a report
            try:
                status = os.lstat(f"{folder}/{name}")
            except (OSError, ValueError):
                return None
            if stat.S_ISREG(status.st_mode):
                return folder / name if row.picture_bytes in (None, status.st_size) else None
        try:
            path = self._inside(row)
        except BadInput:
            return None
        whole = self._is_whole(path, row)
        if self.url and not whole:
            whole = self._is_whole(self._fetch(row.picture, path), row)
        return path if whole else None

    def file_of(self, key: str, turn: int) -> Path | None:
        """Return the picture file of a sample's turn; ``None`` when there is none. Nothing outside the run is found.

        Raises:
            ValueError: For what is no sample key.
        """
        relative = self.path_of(key, turn)
        path = (self._folder / relative).resolve()
        if not path.is_relative_to((self._folder / "images").resolve()):
            return None
        if self.url and not path.is_file():
            self._fetch(relative, path)
        return path if path.is_file() else None

    def thumbnail(self, picture: str) -> Path | None:
        """Return the thumbnail of a picture at a URL, copied into the run's folder; ``None`` when there is none.

        Args:
            picture: The picture's file as the ledger names it.
        """
        target = thumbnails.thumbnail_path(self._folder, picture)
        if self.url and not target.is_file():
            self._fetch(thumbnails.thumbnail_name(picture), target)
        return target if target.is_file() else None

    def _fetch(self, name: str, target: Path) -> Path:
        with contextlib.suppress(BadInput, OSError):  # it is not there, or the disk is full: not found
            atomic_write(target, self.writer.files.read(name))
        return target

    @staticmethod
    def _is_whole(path: Path, row: ResultRow) -> bool:
        try:
            status = path.stat()
        except OSError:
            return False
        return stat.S_ISREG(status.st_mode) and row.picture_bytes in (None, status.st_size)

    def _real_folder(self, relative: str) -> tuple[Path, bool]:
        """A folder of the run without links, and whether it lies among its pictures; looked up once, there are few."""
        known = self._real_folders.get(relative)
        if known is None:
            if len(self._real_folders) >= _MOST_FOLDERS:
                self._real_folders.clear()
            folder = (self._folder / relative).resolve()
            known = (folder, folder.is_relative_to((self._folder / "images").resolve()))
            self._real_folders[relative] = known
        return known

    def _local(self, relative: str) -> Path | None:
        path = self._folder / relative
        return path if not self.url or path.is_file() else None

    def _inside(self, row: ResultRow) -> Path:
        above, _, name = row.picture.rpartition("/")
        folder, inside = self._real_folder(above)
        path = folder / name
        if not name.strip(".") or os.path.islink(path):  # noqa: PTH114 (twice as fast, and asked of every picture)
            path = path.resolve()
            inside = path.is_relative_to(self._real_folder("images")[0])
        if not inside:
            raise BadInput(f"{self._folder}: the picture {row.picture[:200]!r} lies outside the run. It is not read.")
        return path
