"""Pictures as files: the formats that a run may save its pictures in, and one encoder for each.

PNG and lossless WebP keep every pixel. JPEG does not: what is counted of a run saved as JPEG is what its files show, so
that a recount sees the same pixels.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from countcheck.errors import UnknownName
from countcheck.images.read_ahead import usable_cores

if TYPE_CHECKING:
    from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG = "png"
_SMALL = 1 << 17  # pixels of a picture that is packed as well as it can be: it takes no time
_MAX_THREADS = 32  # more pictures than that are never in memory at once
_UP = 2  # the filter that subtracts the row above


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFormat:
    """One format of saved pictures.

    Attributes:
        name: As after ``--image-format``.
        suffix: Ending of the files, with its dot.
        media_type: As browsers want it.
        lossless: Whether a saved picture has the very pixels that were made.
        options: What Pillow is told; nothing for PNG, which is encoded here.
    """

    name: str
    suffix: str
    media_type: str
    lossless: bool
    options: Mapping[str, Any] = field(default_factory=dict)


FORMATS: dict[str, ImageFormat] = {
    each.name: each
    for each in (
        ImageFormat(name=PNG, suffix=".png", media_type="image/png", lossless=True),
        ImageFormat(
            name="webp-lossless",
            suffix=".webp",
            media_type="image/webp",
            lossless=True,
            # Quality is effort here: more of either takes a multiple of the time for a few percent.
            options={"format": "WEBP", "lossless": True, "quality": 0, "method": 0, "exact": True},
        ),
        ImageFormat(
            name="jpeg-95",
            suffix=".jpg",
            media_type="image/jpeg",
            lossless=False,
            options={"format": "JPEG", "quality": 95, "subsampling": 0},
        ),
    )
}


def image_format(name: str) -> ImageFormat:
    """Return the format of this name.

    Raises:
        UnknownName: When there is none; names those that there are.

    >>> image_format("jpeg-95").suffix
    '.jpg'
    """
    if name not in FORMATS:
        raise UnknownName("image format", name, FORMATS)
    return FORMATS[name]


def encoding_threads() -> int:
    """Return how many threads encode pictures at a time: one for each core of this machine, and two at least.

    Encoders let go of the interpreter, so that threads keep every core busy; a second one writes while one encodes.
    """
    return min(_MAX_THREADS, max(2, usable_cores()))


def encode(image: Image.Image, name: str = PNG) -> bytes:
    """Encode an RGB picture. Threads that encode use every core.

    Args:
        image: RGB, as `countcheck.images.convert.as_image` returns it.
        name: One of `FORMATS`.

    Raises:
        UnknownName: When there is no such format.

    >>> from PIL import Image
    >>> encode(Image.new("RGB", (4, 4)), "webp-lossless")[8:12]
    b'WEBP'
    """
    chosen = image_format(name)
    if chosen.name == PNG:
        return _png(image)
    out = io.BytesIO()
    image.save(out, **chosen.options)
    return out.getvalue()


def _png(image: Image.Image) -> bytes:
    """Encode an RGB picture as PNG: each row less the one above, run lengths and Huffman codes.

    Pillow tries five filters on every row and looks for repeats far back, which photographs and paintings hardly have:
    it takes three times as long for files of the same size. See ``python -m benchmarks.encoding``.
    """
    import numpy as np

    pixels = np.asarray(image)
    height, width, channels = pixels.shape
    rows = np.empty((height, 1 + width * channels), np.uint8)
    flat = pixels.reshape(height, width * channels)
    rows[:, 0] = _UP
    rows[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=rows[1:, 1:])
    strategy = zlib.Z_DEFAULT_STRATEGY if width * height <= _SMALL else zlib.Z_RLE
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy)
    packed = packer.compress(rows.data) + packer.flush()
    header = struct.pack(
        ">IIBBBBB", width, height, 8, 2, 0, 0, 0
    )  # 8 bits, RGB, deflate, filters by row, not interlaced
    return b"".join((PNG_SIGNATURE, _chunk(b"IHDR", header), _chunk(b"IDAT", packed), _chunk(b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))))
