"""Pictures from outside: every pixel format made plain, everything else refused in one sentence."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from countcheck.errors import BadInput
from countcheck.images.decode import decode, read_picture


def encoded(image, kind="PNG", **settings):
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def noise(mode="RGB", size=(32, 24)):
    return Image.effect_noise(size, 80).convert(mode)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_formats(kind):
    assert (decode(encoded(noise(), kind)).mode, decode(encoded(noise(), kind)).size) == ("RGB", (32, 24))


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "LA", "RGBA", "YCbCr"])
def test_modes(mode):
    kind = {"CMYK": "JPEG", "YCbCr": "JPEG"}.get(mode, "PNG")
    assert decode(encoded(noise().convert(mode), kind)).mode == "RGB"


def test_sixteen_bits_become_eight():
    values = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    found = np.asarray(decode(encoded(Image.fromarray(values))))
    assert (found.min(), found.max(), found.dtype) == (0, 255, np.uint8)
    assert abs(int(found[32, 32, 0]) - int(values[32, 32] // 257)) <= 1


def test_what_is_transparent_becomes_white():
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    assert decode(encoded(clear)).getpixel((0, 0)) == (255, 255, 255)


def test_of_an_animation_the_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data).getpixel((0, 0)) == (255, 0, 0)


def test_it_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(encoded(noise(), "JPEG", exif=exif)).size == (24, 32)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?><svg/>", "SVG"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b'{"error": "no"}', "JSON"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"nothing at all", "damaged"),
    ],
)
def test_what_is_no_picture_says_so(data, says):
    with pytest.raises(BadInput, match=says):
        decode(data)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_cut_short_is_damaged(kind, share):
    data = encoded(noise(size=(256, 256)), kind)
    with pytest.raises(BadInput):
        decode(data[: int(len(data) * share)])


def test_a_bomb_is_not_decoded():
    bomb = encoded(Image.new("1", (12_000, 12_000)))
    assert len(bomb) < 200_000
    with pytest.raises(BadInput, match=r"pixels|too large"):
        decode(bomb)


def test_a_file_is_named_in_its_error(tmp_path):
    path = tmp_path / "pig.png"
    path.write_bytes(b"oink")
    with pytest.raises(BadInput, match=r"pig\.png"):
        read_picture(path)
    with pytest.raises(BadInput, match="cannot be read"):
        read_picture(tmp_path / "gone.png")


def saved(path, image, **more):
    image.save(path, **more)
    return path


def read_rgb(path):
    return np.asarray(read_picture(path))


def test_a_cmyk_jpeg_keeps_its_colours(tmp_path):
    red = Image.new("RGB", (16, 16), (250, 10, 10)).convert("CMYK")
    assert abs(read_rgb(saved(tmp_path / "c.jpg", red)).astype(int) - [250, 10, 10]).max() < 12


def test_one_pixel_is_a_picture(tmp_path):
    assert read_rgb(saved(tmp_path / "dot.png", Image.new("RGB", (1, 1)))).shape == (1, 1, 3)


def huge_png(side):
    """A PNG that says it is huge; its data hold a single row."""
    out = io.BytesIO()
    Image.new("L", (1, 1)).save(out, "PNG")
    body = bytearray(out.getvalue())
    body[16:24] = side.to_bytes(4, "big") * 2
    body[29:33] = zlib.crc32(bytes(body[12:29])).to_bytes(4, "big")
    return bytes(body)


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("empty.png", b"", "empty"),
        ("words.jpg", b"three little pigs", "damaged or cut short"),
        ("huge.png", huge_png(50_000), "too large"),
        ("large.png", huge_png(9_300), "pixels, more than|too large"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, name, body, words):
    path = tmp_path / name
    path.write_bytes(body)
    with pytest.raises(BadInput, match=words) as caught:
        read_picture(path)
    assert name in str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
def test_a_file_cut_short_says_so(tmp_path, kind):
    out = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(out, kind)
    path = tmp_path / f"cut.{kind.lower()}"
    path.write_bytes(out.getvalue()[: len(out.getvalue()) // 2])
    with pytest.raises(BadInput):
        read_picture(path)


def test_a_wide_strip_of_fifty_thousand_pixels_is_read(tmp_path):
    assert read_rgb(saved(tmp_path / "strip.png", Image.new("L", (50_000, 2)))).shape == (2, 50_000, 3)
