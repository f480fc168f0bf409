"""Picture files: which there are, and many of them read ahead. One file's bytes are `countcheck.images.decode`'s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from countcheck.errors import BadInput
from countcheck.images.convert import as_rgb
from countcheck.images.decode import read_picture

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
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file())
        if not inside:
            raise BadInput(f"{path}: there is no picture in it.")
        files += inside
    return files


def read_pictures(paths: Sequence[Path], *, workers: int = 4) -> Iterator[tuple[Path, RgbArray | BadInput]]:
    """Read picture files in order, some of them ahead in threads.

    A file that cannot be read comes as its error.

    Args:
        paths: The files.
        workers: Threads that decode; 4 files for each are decoded ahead.
    """
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="decode") as pool:
        ahead: dict[int, Future[RgbArray | BadInput]] = {
            k: pool.submit(_read_or_error, path) for k, path in enumerate(paths[: 4 * workers])
        }
        for k, path in enumerate(paths):
            yield path, ahead.pop(k).result()
            following = k + 4 * workers
            if following < len(paths):
                ahead[following] = pool.submit(_read_or_error, paths[following])


def _read_or_error(path: Path) -> RgbArray | BadInput:
    try:
        return as_rgb(read_picture(path))
    except BadInput as error:
        return error
