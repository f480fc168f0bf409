"""Encoded pictures from outside, decoded safely: bytes or files in, 8-bit RGB out.

One decoder for what providers send, folders hold and people upload. It takes raster formats only, within one limit of
pixels and bytes; it takes the first frame, turns it upright and lays transparency on white. Whatever is wrong is a
`BadInput`. Pictures in memory are `countcheck.images.convert`'s.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from countcheck.errors import BadInput
from countcheck.images.convert import as_image, to_rgb

if TYPE_CHECKING:
    from PIL import Image

    from countcheck.images.types import Pixels

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "MPO", "PPM")
MAX_PIXELS = 64_000_000  # width times height
MAX_BYTES = 64 * 1024 * 1024  # of a file or an answer


def decode(data: bytes, *, place: str = "the picture", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode a picture to an upright RGB image.

    Args:
        data: The file's bytes.
        place: The picture's name in errors.
        max_pixels: Largest width times height that is decoded.

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
    try:
        with Image.open(io.BytesIO(data), formats=_known_formats()) as opened:
            width, height = opened.size
            if width * height > max_pixels:
                raise BadInput(f"{place} has {width} x {height} pixels, more than {max_pixels}. Give a smaller one.")
            opened.seek(0)
            opened.load()
            return to_rgb(opened)
    except BadInput:
        raise
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadInput(f"{place} is too large to decode. Give a smaller one.") from error
    except UnidentifiedImageError as error:
        raise BadInput(f"{place} is damaged or cut short (no picture is recognised in it).") from error
    except Exception as error:  # decoders raise whatever they like at damaged data
        raise BadInput(f"{place} is damaged or cut short ({_one_line(error)}).") from error


def read_picture(path: Path, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode a picture file to an upright RGB image.

    Raises:
        BadInput: As `decode`, or if the file cannot be read or has more than `MAX_BYTES`; it names the file.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{path} is larger than {MAX_BYTES // 2**20} MiB. Give a smaller one.")
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror or error}).") from error
    return decode(data, place=os.fspath(path), max_pixels=max_pixels)


def encode_png(pixels: Pixels) -> bytes:
    """Encode pixels of any kind as PNG.

    Raises:
        BadInput: If the pixels are outside the contract, see `countcheck.images.convert.as_rgb`.
    """
    buffer = io.BytesIO()
    as_image(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


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


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:160]
