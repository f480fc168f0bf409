"""Pictures from outside, made safe: bytes or files in, plain RGB out. Nothing here counts, and nothing is written.

One decoder for what providers send, what folders hold and what people upload: pixel formats only, one size limit,
first frame, upright, transparency on white, 16 bits brought to 8, CMYK to RGB. Whatever is wrong is a `BadInput`.
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
MAX_PIXELS = 64_000_000
MAX_BYTES = 64 * 1024 * 1024


def decode(data: bytes, *, place: str = "the picture", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """An encoded picture as a fully decoded upright RGB image.

    Raises:
        BadInput: If it is empty, no pixel format (SVG, HTML, text), damaged, cut short, or larger than ``max_pixels``.
    """
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise BadInput(f"{place} is empty.")
    if (what := _not_pixels(data)) is not None:
        raise BadInput(f"{place} is {what}, not a picture of pixels. Give PNG, JPEG or WebP.")
    try:
        with Image.open(io.BytesIO(data), formats=_known_formats()) as opened:
            wide, tall = opened.size
            if wide * tall > max_pixels:
                raise BadInput(f"{place} has {wide} x {tall} pixels, more than {max_pixels}. Give a smaller one.")
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
    """A picture file as RGB. Raises `BadInput` naming the file."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{path} is larger than {MAX_BYTES // 2**20} MiB. Give a smaller one.")
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror or error}).") from error
    return decode(data, place=os.fspath(path), max_pixels=max_pixels)


def encode_png(pixels: Pixels) -> bytes:
    """Pixels of any kind as a PNG file's bytes."""
    buffer = io.BytesIO()
    as_image(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _known_formats() -> list[str]:
    from PIL import Image

    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _not_pixels(data: bytes) -> str | None:
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
