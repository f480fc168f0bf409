"""Thumbnails for the page: inside it as data while there are few, else as files beside it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from countcheck.files import atomic_write
from countcheck.images import thumbnails
from countcheck.images.read_ahead import usable_cores

if TYPE_CHECKING:
    from countcheck.storage.rows import ResultRow
    from countcheck.storage.run_folder import RunFolder

MAX_INLINE = 600
_FETCHES = 16  # thumbnails fetched from a URL at a time

PictureId = tuple[int, str, int]
"""Which picture of a report: the run's index, the sample's key, the turn. Two runs may hold the same sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _WantedThumbnail:
    """A picture whose thumbnail the page shows.

    Attributes:
        original: The picture's file.
        picture: The same as the ledger names it.
        saved: The run's thumbnail, when it is there and as new as the picture.
    """

    original: Path
    picture: str
    saved: Path | None


class PagePictures:
    """The small pictures of a page: inside it as data while there are few, else as files beside it.

    A page in a run's folder shows the thumbnails that the run keeps. Any other page has its own in ``NAME_pictures``
    beside it; those that are there already stay, because a picture's name changes whenever the picture could.

    Args:
        runs: The runs of the page.
        target: Where the page is written.
        number: How many pictures there are to show; those of a page with few are inside it.

    Attributes:
        inside: Whether pictures are inside the page.
    """

    def __init__(self, runs: Sequence[RunFolder], target: Path, number: int) -> None:
        self.inside = number <= MAX_INLINE
        self._runs = runs
        self._home = target.parent.resolve()
        self._copies = f"{target.stem}_pictures"
        folders = [run.path.resolve() for run in runs]
        self._tokens = [hashlib.sha256(str(each).encode("utf-8", "replace")).hexdigest()[:8] for each in folders]
        self._page_in_run = [each == self._home for each in folders]
        self._inline: dict[PictureId, str] = {}

    def addresses(self, run: int, rows: Sequence[ResultRow]) -> list[str]:
        """Return what stands in ``src`` for the picture of each row of a run; empty when there is none to show.

        Args:
            run: Its index.
            rows: Some hundred rows.
        """
        found: dict[PictureId, str] = {}
        wanted: dict[PictureId, _WantedThumbnail] = {}
        left = []  # whose files are looked for
        for row in rows:
            picture = (run, row.key, row.turn)
            if picture in self._inline:
                found[picture] = self._inline[picture]
            elif row.picture:
                left.append(row)
        for row, path, saved in _files_of(self._runs[run], left):
            if path is not None:
                wanted[run, row.key, row.turn] = _WantedThumbnail(original=path, picture=row.picture, saved=saved)
        found |= self._put_inside(wanted) if self.inside else self._put_beside(run, wanted)
        return [found.get((run, row.key, row.turn), "") for row in rows]

    def _put_inside(self, wanted: Mapping[PictureId, _WantedThumbnail]) -> Mapping[PictureId, str]:
        for picture, made in _each(wanted):
            if made is not None:
                data, kind = made
                self._inline[picture] = f"data:{kind};base64,{base64.b64encode(data).decode()}"
        return {picture: self._inline[picture] for picture in wanted if picture in self._inline}

    def _put_beside(self, run: int, wanted: Mapping[PictureId, _WantedThumbnail]) -> Mapping[PictureId, str]:
        there = self._own_file if self._page_in_run[run] else self._copy
        found = {picture: there(run, thumbnail) for picture, thumbnail in wanted.items()}
        missing = {picture: wanted[picture] for picture, name in found.items() if not name}
        for picture, made in _each(missing):
            if made is None:
                continue
            data, kind = made
            if self._page_in_run[run]:
                name = thumbnails.thumbnail_name(wanted[picture].picture)
            else:
                name = f"{self._copy_name(run, wanted[picture])}.{kind.partition('/')[2]}"
            atomic_write(self._home / name, data)
            found[picture] = name
        # A report may be called "50 % #1.html", or what is no text at all.
        return {picture: quote(os.fsencode(name)) for picture, name in found.items() if name}

    @staticmethod
    def _own_file(_: int, thumbnail: _WantedThumbnail) -> str:
        """The run's file that shows a picture: its thumbnail, or the picture where it is small; empty for neither."""
        if thumbnail.saved is not None:
            return thumbnails.thumbnail_name(thumbnail.picture)
        return thumbnail.picture if thumbnails.is_own_thumbnail(thumbnail.original) else ""

    def _copy(self, run: int, thumbnail: _WantedThumbnail) -> str:
        """The copy of a thumbnail beside the page that was made before; empty when there is none."""
        name = self._copy_name(run, thumbnail)
        return next((f"{name}.{end}" for end in ("webp", "png") if (self._home / f"{name}.{end}").is_file()), "")

    def _copy_name(self, run: int, thumbnail: _WantedThumbnail) -> str:
        """What the copy is called, without its ending; no two runs share one."""
        return (
            f"{self._copies}/{self._tokens[run]}/{Path(thumbnail.picture).parent.name}/{Path(thumbnail.picture).stem}"
        )


def _files_of(run: RunFolder, rows: Sequence[ResultRow]) -> Iterator[tuple[ResultRow, Path | None, Path | None]]:
    """Each row with its picture file, ``None`` when it is missing, and its thumbnail, where there is one.

    Of pictures at a URL only the thumbnails are fetched, and a picture where it has none.
    """
    if not run.pictures.url:
        for row in rows:
            path = run.pictures.find(row)
            yield row, path, None if path is None else thumbnails.saved_thumbnail(run.path, row.picture, path)
        return
    with ThreadPoolExecutor(max_workers=_FETCHES, thread_name_prefix="fetch") as pool:
        for row, saved in zip(rows, pool.map(run.pictures.thumbnail, (row.picture for row in rows)), strict=True):
            yield row, saved or run.pictures.find(row), saved


def _each(wanted: Mapping[PictureId, _WantedThumbnail]) -> Iterator[tuple[PictureId, tuple[bytes, str] | None]]:
    # Pillow decodes and encodes outside the interpreter lock, so threads use every core.
    with ThreadPoolExecutor(max_workers=min(8, usable_cores())) as pool:
        ids = list(wanted)
        for start in range(0, len(ids), 256):
            part = ids[start : start + 256]
            yield from zip(part, pool.map(_small_copy, (wanted[picture] for picture in part)), strict=True)


def _small_copy(thumbnail: _WantedThumbnail) -> tuple[bytes, str] | None:
    if thumbnail.saved is not None:
        with contextlib.suppress(OSError):
            return thumbnail.saved.read_bytes(), "image/webp"
    return thumbnails.make_thumbnail(thumbnail.original)
