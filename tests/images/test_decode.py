"""Pictures from outside: every pixel format made plain, everything else refused in one sentence."""

from __future__ import annotations

import io
import os
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


def deep(values, mode="F"):
    return encoded(Image.fromarray(np.asarray(values, np.float32 if mode == "F" else np.int32)), "TIFF")


LEVELS = np.arange(36, 256, 1.0).reshape(10, 22)


@pytest.mark.parametrize(
    "data",
    [
        deep(LEVELS),
        deep(LEVELS / 255),
        deep(LEVELS * 257),
        deep(LEVELS, "I"),
        deep(LEVELS * 257, "I"),
        encoded(Image.fromarray((LEVELS * 257).astype(np.uint16)), "TIFF"),
        encoded(Image.fromarray((LEVELS * 257).astype(np.uint16)), "PPM"),
    ],
    ids=["F 255", "F 1", "F 65535", "I 255", "I 65535", "I;16 TIFF", "I;16 PGM"],
)
def test_thirty_two_bits_keep_their_levels(data):
    """A floating TIFF of 0 to 255 used to be black: its values were taken for 16 bits."""
    assert np.abs(np.asarray(decode(data))[..., 1] - LEVELS).max() <= 1


def test_a_dark_sixteen_bit_picture_stays_dark():
    assert np.asarray(decode(encoded(Image.fromarray(np.full((4, 4), 200, np.uint16))))).max() == 1


@pytest.mark.parametrize(
    ("values", "says"), [([[0.5, 200.5]], "0.5 to 200.5"), ([[-1.0, 1.0]], "-1 to 1"), ([[np.nan, 1.0]], "nan")]
)
def test_thirty_two_bits_in_no_known_range_are_refused(values, says):
    with pytest.raises(BadInput, match=f"^deep.tiff: .*{says}.*Convert it"):
        decode(deep(values), place="deep.tiff")


def png_with(**chunks):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    long = "a picture of pigs " * 80_000
    if "ztxt" in chunks:
        info.add_text("workflow", long, zip=True)
    if "itxt" in chunks:
        info.add_itxt("workflow", long, zip=True)
    if "many" in chunks:
        for n in range(70):
            info.add_text(f"t{n}", "x" * 1_000_000, zip=True)
    profile = {"icc_profile": bytes(2_000_000)} if "icc" in chunks else {}
    return encoded(noise(), pnginfo=info, **profile)


@pytest.mark.parametrize("chunk", ["ztxt", "itxt", "icc", "many"])
def test_a_sound_picture_with_long_texts_is_read(chunk):
    """Painting programs keep whole workflows beside the pixels: over 1 MB of them used to be called damage."""
    data = png_with(**{chunk: True})
    assert decode(data).size == (32, 24)
    with pytest.raises(BadInput, match="damaged"):
        decode(data[:-40])


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIC"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "HEIC"),
        (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41", "a video"),
        (b"\xff\x0a\xfa\x1f\x01", "JPEG XL"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
    ],
)
def test_a_format_that_is_not_read_is_named(data, name):
    with pytest.raises(BadInput, match=f"^photo.jpg is {name}, which is not read. Convert it"):
        decode(data, place="photo.jpg")


def test_avif_is_read_where_pillow_reads_it():
    from PIL import features

    if features.check("avif"):
        assert decode(encoded(noise(), "AVIF")).size == (32, 24)
    else:
        with pytest.raises(BadInput):
            decode(b"\x00\x00\x00\x1cftypavif")


@pytest.mark.timeout(20)
def test_a_pipe_a_device_and_a_folder_are_no_picture_files(tmp_path):
    """A pipe used to wait for ever, and /dev/zero took all memory."""
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe.png", tmp_path / "zero.png", tmp_path):
        with pytest.raises(BadInput, match="is no regular file"):
            read_picture(path)


@pytest.mark.parametrize("name", ["a\0b.png", "x" * 300 + ".png", "gone.png"])
def test_a_name_that_no_file_has_is_one_sentence(tmp_path, name):
    with pytest.raises(BadInput, match="cannot be read"):
        read_picture(tmp_path / name)


def test_a_name_that_is_not_utf8_is_printable_in_its_error(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    path.write_bytes(b"oink")
    with pytest.raises(BadInput, match=r"caf\\xe9\.png") as caught:
        read_picture(path)
    assert str(caught.value).encode()
