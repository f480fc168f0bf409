"""Thumbnails for the page: inside it as data while there are few, else as files beside it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
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


@dataclass(slots=True, kw_only=True)
class PagePictures:
    """Where the page finds each picture: inside itself as data, or as a file in a folder beside it.

    Attributes:
        inline: ``data:`` addresses, when pictures are inside the page.
        beside: Addresses relative to the page, when they are files.
        missing: Pictures whose file is missing or damaged.
    """

    inline: dict[PictureId, str] = field(default_factory=dict)
    beside: dict[PictureId, str] = field(default_factory=dict)
    missing: set[PictureId] = field(default_factory=set)

    def address(self, picture: PictureId) -> str:
        """Return what stands in ``src``; empty when there is no picture to show."""
        return self.inline.get(picture) or self.beside.get(picture, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _WantedThumbnail:
    """A picture whose thumbnail the page shows.

    Attributes:
        saved_at: Where the run keeps its thumbnail, whether or not it is there.
        saved: The run's thumbnail, when it is there and as new as the picture.
        page_in_run: Whether the page lies in the run's folder, so that it can show the run's own files.
        name: Of the copy in a folder beside the page, without its ending; no two runs share one.
    """

    original: Path
    saved_at: Path
    saved: Path | None
    page_in_run: bool
    name: Path


def page_pictures(
    runs: Iterable[tuple[RunFolder, Iterable[ResultRow]]], target: Path, *, max_inline: int | None = None
) -> PagePictures:
    """Make a thumbnail of every picture for the page ``target``: inside it while there are few, else as files.

    A page in a run's folder shows the thumbnails that the run keeps. Any other page has its own in ``NAME_pictures``
    beside it; those that are there already stay, because a picture's name changes whenever the picture could.

    Args:
        max_inline: Most pictures inside the page; 600 when ``None``.
    """
    wanted: dict[PictureId, _WantedThumbnail] = {}
    pictures = PagePictures()
    for index, (run, rows) in enumerate(runs):
        folder = run.path.resolve()
        page_in_run = folder == target.parent.resolve()
        token = hashlib.sha256(str(folder).encode("utf-8", "replace")).hexdigest()[:8]
        for row, path, saved in _files_of(run, [row for row in rows if row.picture]):
            picture = (index, row.key, row.turn)
            if path is None:
                pictures.missing.add(picture)
            else:
                thumbnail = _WantedThumbnail(
                    original=path,
                    saved_at=thumbnails.thumbnail_path(folder, row.picture),
                    saved=saved,
                    page_in_run=page_in_run,
                    name=Path(token, *thumbnails.thumbnail_path(Path(), row.picture).with_suffix("").parts[1:]),
                )
                wanted[picture] = thumbnail
    if len(wanted) <= (MAX_INLINE if max_inline is None else max_inline):
        _put_inside(pictures, wanted)
    else:
        _put_beside(pictures, wanted, target)
    return pictures


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


def _put_inside(pictures: PagePictures, wanted: Mapping[PictureId, _WantedThumbnail]) -> None:
    for picture, made in _each(wanted):
        if made is None:
            pictures.missing.add(picture)
        else:
            data, kind = made
            pictures.inline[picture] = f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _put_beside(pictures: PagePictures, wanted: Mapping[PictureId, _WantedThumbnail], target: Path) -> None:
    home = target.parent.resolve()
    folder = home / f"{target.stem}_pictures"
    there = (
        {path.relative_to(folder).with_suffix(""): path for path in folder.glob("*/*/*.*")} if folder.is_dir() else {}
    )
    missing = {}
    for picture, thumbnail in wanted.items():
        shown = _home_file(thumbnail) if thumbnail.page_in_run else there.get(thumbnail.name)
        if shown is None:
            missing[picture] = thumbnail
        else:
            pictures.beside[picture] = _address(shown.relative_to(home))
    for picture, made in _each(missing):
        if made is None:
            pictures.missing.add(picture)
            continue
        data, kind = made
        thumbnail = wanted[picture]
        path_of_copy = (
            thumbnail.saved_at
            if thumbnail.page_in_run
            else (folder / thumbnail.name).with_suffix(f".{kind.partition('/')[2]}")
        )
        atomic_write(path_of_copy, data)
        pictures.beside[picture] = _address(path_of_copy.relative_to(home))


def _address(path: Path) -> str:
    # A report may be called "50 % #1.html", or what is no text at all.
    return quote(os.fsencode(path.as_posix()))


def _home_file(thumbnail: _WantedThumbnail) -> Path | None:
    """Return the file that a page in the run's folder can show: the saved thumbnail, or a picture that is small."""
    if thumbnail.saved is not None:
        return thumbnail.saved
    return thumbnail.original if thumbnails.is_own_thumbnail(thumbnail.original) else None


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
