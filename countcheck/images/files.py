"""Picture files: which there are, and many of them read ahead. One file's bytes are `countcheck.images.decode`'s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from countcheck.errors import BadInput
from countcheck.images.convert import as_rgb
from countcheck.images.decode import MAX_PIXELS, picture_size, read_picture
from countcheck.images.read_ahead import read_ahead
from countcheck.resources import exists

if TYPE_CHECKING:
    from countcheck.images.types import RgbArray

# Endings of file names, lower case, that are taken for pictures.
PICTURE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".ppm", ".jfif"}
)


def find_pictures(paths: Iterable[Path]) -> list[Path]:
    """List the picture files named, and those inside the folders named, sorted within each folder.

    Raises:
        BadInput: If there is no picture in a folder.
    """
    files: list[Path] = []
    for path in paths:
        if not (exists(path) and path.is_dir()):
            files.append(path)
            continue
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file())
        if not inside:
            raise BadInput(f"{path}: there is no picture in it.")
        files += inside
    return files


def read_pictures(
    paths: Sequence[Path], *, workers: int | None = None, max_pixels: int = MAX_PIXELS
) -> Iterator[tuple[Path, RgbArray | BadInput]]:
    """Read picture files in order, some of them ahead in threads.

    A file that cannot be read comes as its error.

    Args:
        paths: The files.
        workers: Threads that decode, as in `countcheck.images.read_ahead.read_ahead`.
        max_pixels: Width times height of all pictures decoded ahead; one is decoded even where it alone is larger.
    """
    pictures = read_ahead(paths, _read_or_error, threads=workers, weight=_pixels, most=max_pixels)
    return zip(paths, pictures, strict=True)


def batches_of(
    pictures: Iterable[tuple[Path, RgbArray | BadInput]], size: int, *, max_pixels: int = MAX_PIXELS
) -> Iterator[list[tuple[Path, RgbArray | BadInput]]]:
    """Group read pictures into batches.

    Args:
        pictures: As `read_pictures` yields them.
        size: Most pictures in a batch, 1 or more.
        max_pixels: Width times height of all pictures of a batch; a larger one is a batch of its own.

    >>> from pathlib import Path
    >>> import numpy as np
    >>> pictures = [(Path(str(side)), np.zeros((side, side, 3), np.uint8)) for side in (8, 8, 2, 2)]
    >>> [[str(path) for path, _ in batch] for batch in batches_of(pictures, 3, max_pixels=100)]
    [['8'], ['8', '2', '2']]
    """
    batch: list[tuple[Path, RgbArray | BadInput]] = []
    total = 0
    for path, picture in pictures:
        pixels = 0 if isinstance(picture, BadInput) else picture.shape[0] * picture.shape[1]
        if batch and (len(batch) == size or total + pixels > max_pixels):
            yield batch
            batch, total = [], 0
        batch.append((path, picture))
        total += pixels
    if batch:
        yield batch


def _pixels(path: Path) -> int:
    width, height = picture_size(path) or (0, 0)
    return width * height


def _read_or_error(path: Path) -> RgbArray | BadInput:
    try:
        return as_rgb(read_picture(path))
    except BadInput as error:
        return error
