"""Picture files: which there are, and many of them read ahead. One file's bytes are `countcheck.images.decode`'s."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from countcheck.errors import BadInput
from countcheck.images.convert import as_rgb
from countcheck.images.decode import MAX_PIXELS, picture_size, read_picture
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
    paths: Sequence[Path], *, workers: int = 4, max_pixels: int = MAX_PIXELS
) -> Iterator[tuple[Path, RgbArray | BadInput]]:
    """Read picture files in order, some of them ahead in threads.

    A file that cannot be read comes as its error.

    Args:
        paths: The files.
        workers: Threads that decode; at most 4 files for each are decoded ahead.
        max_pixels: Width times height of all pictures decoded ahead; one is decoded even where it alone is larger.
    """
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode") as pool:
        ahead: deque[tuple[int, Future[RgbArray | BadInput]]] = deque()
        total, following = 0, 0
        for path in paths:
            while following < len(paths) and len(ahead) < 4 * workers:
                width, height = picture_size(paths[following]) or (0, 0)
                if ahead and total + width * height > max_pixels:
                    break
                total += width * height
                ahead.append((width * height, pool.submit(_read_or_error, paths[following])))
                following += 1
            pixels, picture = ahead.popleft()
            total -= pixels
            yield path, picture.result()


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


def _read_or_error(path: Path) -> RgbArray | BadInput:
    try:
        return as_rgb(read_picture(path))
    except BadInput as error:
        return error
