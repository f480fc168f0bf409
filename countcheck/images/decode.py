"""Encoded pictures from outside, decoded safely: bytes or files in, 8-bit RGB out.

One decoder for what providers send, folders hold and people upload. It takes raster formats only, within one limit of
pixels and bytes; it takes the first frame, turns it upright and lays transparency on white. Whatever is wrong is a
`BadInput`. Pictures in memory are `countcheck.images.convert`'s.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from countcheck.errors import BadInput, first_line
from countcheck.images.convert import as_image, to_rgb
from countcheck.images.encode import PNG_SIGNATURE, encode
from countcheck.images.pixel_budget import PixelBudget
from countcheck.resources import printable_path

if TYPE_CHECKING:
    from PIL import Image

    from countcheck.images.types import Pixels

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "MPO", "PPM")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_UNREAD_STARTS = {
    "JPEG XL": (b"\xff\x0a", b"\x00\x00\x00\x0cJXL "),
    "JPEG 2000": (b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"),
    "a Photoshop document": (b"8BPS",),
    "a video": (b"\x1a\x45\xdf\xa3",),
}
_ORIENTATION = 0x0112  # EXIF 2.32, table 4
MAX_PIXELS = 64_000_000  # width times height
MAX_BYTES = 64 * 1024 * 1024  # of a file or an answer


# One for all threads of the process: a picture being decoded needs several copies of its pixels for a moment.
_DECODING = PixelBudget(MAX_PIXELS)


def decode(
    data: bytes, *, place: str = "the picture", max_pixels: int = MAX_PIXELS, edge: int | None = None
) -> Image.Image:
    """Decode a picture to an upright RGB image.

    Args:
        data: The file's bytes.
        place: The picture's name in errors.
        max_pixels: Largest width times height that is decoded.
        edge: The longest side that is wanted, in pixels: a JPEG may then be decoded smaller, but no smaller than this.

    Raises:
        BadInput: If it is empty, no raster format (SVG, HTML, text), damaged, cut short, or larger than ``max_pixels``.

    >>> import numpy as np
    >>> image = decode(encode_png(np.zeros((3, 4, 3), np.uint8)))
    >>> image.mode, image.size
    ('RGB', (4, 3))
    >>> decode(b"<svg/>", place="logo.svg")
    Traceback (most recent call last):
    countcheck.errors.BadInput: logo.svg is an SVG or XML file, not a picture of pixels. Give PNG, JPEG or WebP.
    """
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise BadInput(f"{place} is empty.")
    if (kind := _other_kind(data)) is not None:
        raise BadInput(f"{place} is {kind}, not a picture of pixels. Give PNG, JPEG or WebP.")
    if (kind := _unread_format(data)) is not None:
        raise BadInput(f"{place} is {kind}, which is not read. Convert it to PNG, JPEG or WebP.")
    try:
        with Image.open(io.BytesIO(data), formats=_known_formats()) as opened:
            width, height = opened.size
            if width * height > max_pixels:
                raise BadInput(f"{place} has {width} x {height} pixels, more than {max_pixels}. Give a smaller one.")
            with _DECODING.reserve(width * height):
                opened.seek(0)
                if edge is not None:
                    opened.draft("RGB", (edge, edge))
                opened.load()
                return _converted(opened, place)
    except BadInput:
        raise
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadInput(f"{place} is too large to decode. Give a smaller one.") from error
    except UnidentifiedImageError as error:
        raise BadInput(f"{place} is damaged or cut short (no picture is recognised in it).") from error
    except Exception as error:  # decoders raise exceptions of every kind for damaged data
        if _has_too_much_text(data, error):
            return decode(_without_text(data), place=place, max_pixels=max_pixels, edge=edge)
        raise BadInput(f"{place} is damaged or cut short ({first_line(error, 160)}).") from error


def read_picture(path: Path, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode a picture file to an upright RGB image.

    Raises:
        BadInput: As `decode`, or if the file cannot be read or has more than `MAX_BYTES`; it names the file.
    """
    return decode(read_picture_file(path), place=printable_path(path), max_pixels=max_pixels)


def picture_size(path: Path) -> tuple[int, int] | None:
    """Return a picture file's width and height as its header says, in pixels; ``None`` where there is none to read."""
    from PIL import Image

    try:
        with _open_regular(path) as file, Image.open(file, formats=_known_formats()) as opened:
            return opened.size
    except Exception:  # decoding says what is wrong with it
        return None


def read_picture_file(path: Path) -> bytes:
    """Read the bytes of a picture file.

    Raises:
        BadInput: If it cannot be read, is no regular file (a pipe, a device), or has more than `MAX_BYTES`.
    """
    place = printable_path(path)
    try:
        with _open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                raise BadInput(f"{place} is larger than {MAX_BYTES // 2**20} MiB. Give a smaller one.")
            return file.read(MAX_BYTES)
    except (OSError, ValueError) as error:
        raise BadInput(f"{place} cannot be read ({getattr(error, 'strerror', None) or error}).") from error


@contextlib.contextmanager
def _open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file. A pipe or a device would never end, or never begin.

    Raises:
        BadInput: If it is no regular file.
    """
    # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadInput(f"{printable_path(path)} is no regular file. Name a picture file.")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def encode_png(pixels: Pixels) -> bytes:
    """Encode pixels of any kind as PNG.

    Raises:
        BadInput: If the pixels are outside the contract, see `countcheck.images.convert.as_rgb`.
    """
    return encode(as_image(pixels))


def _converted(image: Image.Image, place: str) -> Image.Image:
    """The decoded image as upright RGB: itself where it is that already, because each copy stops every other thread."""
    if image.mode == "RGB" and "transparency" not in image.info and image.getexif().get(_ORIENTATION, 1) == 1:
        return image
    try:
        return to_rgb(image)
    except BadInput as error:
        raise BadInput(f"{place}: {error}") from error


def _known_formats() -> list[str]:
    from PIL import Image

    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _other_kind(data: bytes) -> str | None:
    """What bytes are that are no raster picture, in words; ``None`` when they may be one."""
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "a web page"
    if head.startswith((b"<svg", b"<?xml", b"<!doctype svg")) or b"<svg" in head:
        return "an SVG or XML file"
    if head.startswith((b"{", b"[")):
        return "JSON"
    if head.startswith(b"%pdf"):
        return "a PDF"
    return None


def _unread_format(data: bytes) -> str | None:
    """The name of a picture or video format that is recognised and not read."""
    if data[4:8] == b"ftyp":
        brands = data[8 : min(len(data), max(16, int.from_bytes(data[:4], "big")), 64)]
        if b"avif" in brands or b"avis" in brands:
            return None
        return "HEIC" if data[8:12] in _HEIC_BRANDS else "a video"
    return next((name for name, starts in _UNREAD_STARTS.items() if data.startswith(starts)), None)


def _has_too_much_text(data: bytes, error: Exception) -> bool:
    """Whether a PNG was refused only for the length of its texts or its colour profile."""
    limits = ("MAX_TEXT_CHUNK", "MAX_TEXT_MEMORY", "memory used in text chunks")
    return data.startswith(PNG_SIGNATURE) and any(limit in str(error) for limit in limits)


def _without_text(data: bytes) -> bytes:
    """A PNG without texts and colour profile: none of them changes a pixel, and Pillow limits how long they may be."""
    kept, start = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    while start + 12 <= len(data):
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        if data[start + 4 : start + 8] not in (b"tEXt", b"zTXt", b"iTXt", b"iCCP"):
            kept.append(data[start:end])
        start = end
    return b"".join(kept)
