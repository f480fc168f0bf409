"""Thumbnails of a run's pictures: saved while the run is made, when the pixels are in memory, and shown by the report.

Decoding thousands of large PNG files only to show them small would take most of the time of a report. Thumbnails are
never counted and can always be made again: ``RUN/thumbnails/ab/<key>.webp`` for ``RUN/images/ab/<key>.png``.
"""

from __future__ import annotations

import io
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from countcheck.errors import BadInput
from countcheck.files import atomic_write
from countcheck.images.decode import decode, picture_size, read_picture_file
from countcheck.images.encode import PNG_SIGNATURE

if TYPE_CHECKING:
    from PIL import Image

EDGE = 320  # longest side of a thumbnail, pixels
_SMALL_FILE = 6_000  # bytes; a PNG this small is its own thumbnail


def thumbnail_path(run: Path, picture: str) -> Path:
    """Return where the thumbnail of a run's picture belongs.

    Args:
        run: The run's folder.
        picture: The picture's file as the ledger names it, relative to the folder.

    >>> from pathlib import Path
    >>> thumbnail_path(Path("run"), "images/ab/abcd.png").as_posix()
    'run/thumbnails/ab/abcd.webp'
    """
    return run / thumbnail_name(picture)


def thumbnail_name(picture: str) -> str:
    """Return a thumbnail's file, named as the ledger names pictures.

    >>> thumbnail_name("images/ab/abcd.png")
    'thumbnails/ab/abcd.webp'
    """
    file = PurePosixPath(picture)
    return f"thumbnails/{file.parent.name}/{file.stem}.webp"


def thumbnail_of(image: Image.Image, size: int, *, is_png: bool = True) -> bytes | None:
    """Return the thumbnail of a picture; ``None`` when the picture's file is small enough to be its own.

    Args:
        image: The picture, RGB.
        size: The length of the picture's file, bytes.
        is_png: Whether the file is a PNG; no other is its own thumbnail.
    """
    return None if is_png and _is_small(image.size, size) else encode_thumbnail(image)


def save_thumbnail(run: Path, picture: str, image: Image.Image, size: int) -> None:
    """Save the thumbnail of a picture; none when the picture's file is small enough to be its own.

    A thumbnail that cannot be written is no loss: the report makes it.

    Args:
        run: The run's folder.
        picture: The picture's file as the ledger names it.
        image: The picture, RGB.
        size: The length of the picture's file, bytes.
    """
    target = thumbnail_path(run, picture)
    data = thumbnail_of(image, size, is_png=picture.endswith(".png"))
    try:
        if data is None:
            target.unlink(missing_ok=True)
        else:
            atomic_write(target, data)
    except OSError:
        return


def saved_thumbnail(run: Path, picture: str, original: Path) -> Path | None:
    """Return the saved thumbnail of a picture; ``None`` when there is none, or the picture's file is newer."""
    target = thumbnail_path(run, picture)
    try:
        status = target.stat()
        return target if status.st_size and status.st_mtime_ns >= original.stat().st_mtime_ns else None
    except OSError:
        return None


def make_thumbnail(path: Path) -> tuple[bytes, str] | None:
    """Return a thumbnail of a picture file and its media type; ``None`` when the file is missing or damaged."""
    try:
        data = read_picture_file(path)
        image = decode(data, edge=EDGE * 2)
        if data.startswith(PNG_SIGNATURE) and _is_small(image.size, len(data)):
            return data, "image/png"
        return encode_thumbnail(image), "image/webp"
    except BadInput:
        return None


def is_own_thumbnail(path: Path) -> bool:
    """Return whether a picture file is small enough to be its own thumbnail, by its length and its header."""
    try:
        length = path.stat().st_size
        if length > _SMALL_FILE or not read_picture_file(path).startswith(PNG_SIGNATURE):
            return False
    except (OSError, BadInput):
        return False
    size = picture_size(path)
    return size is not None and _is_small(size, length)


def encode_thumbnail(image: Image.Image) -> bytes:
    """Encode an RGB picture as WebP, no wider or taller than `EDGE` pixels. The picture itself stays as it is."""
    from PIL import Image

    if max(image.size) > EDGE:
        image = image.copy()
        # A whole-number reduction first takes a third of the time on large pictures, and is not seen at this size.
        image.thumbnail((EDGE, EDGE), Image.Resampling.BILINEAR, reducing_gap=1.0)
    out = io.BytesIO()
    image.save(out, "WEBP", quality=78, method=0)  # a quarter less time than method 1, a fifth more bytes
    return out.getvalue()


def _is_small(size: tuple[int, int], length: int) -> bool:
    return max(size) <= EDGE and length <= _SMALL_FILE
