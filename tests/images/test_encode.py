"""What saved pictures hold: every pixel, but for JPEG."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from countcheck.errors import UnknownName
from countcheck.images.decode import decode
from countcheck.images.encode import FORMATS, encode, encoding_threads

DICE = np.random.default_rng(0)


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (300, 200), (640, 480)])
@pytest.mark.parametrize("name", [each.name for each in FORMATS.values() if each.lossless])
def test_a_lossless_format_keeps_every_pixel(name, size):
    noise = Image.fromarray(DICE.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    flat = Image.new("RGB", size, (7, 200, 31))
    for image in (noise, flat):
        assert decode(encode(image, name)).tobytes() == image.tobytes()


def test_a_png_is_one_that_every_reader_takes():
    image = Image.fromarray(DICE.integers(0, 256, (480, 640, 3), dtype=np.uint8))
    with Image.open(io.BytesIO(encode(image))) as read:
        read.verify()
        assert (read.format, read.mode, read.size) == ("PNG", "RGB", (640, 480))


def test_a_jpeg_is_near():
    slope = np.linspace(0, 255, 256, dtype=np.uint8)
    image = Image.fromarray(np.dstack([np.tile(slope, (256, 1))] * 3))
    assert np.abs(np.asarray(decode(encode(image, "jpeg-95"))).astype(int) - np.asarray(image)).max() <= 4


def test_an_unknown_format_is_refused():
    with pytest.raises(UnknownName, match="no image format named 'gif'"):
        encode(Image.new("RGB", (1, 1)), "gif")


def test_every_core_encodes():
    assert 2 <= encoding_threads() <= 32
