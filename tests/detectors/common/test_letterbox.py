import io

import numpy as np
import pytest
import torch
from PIL import Image

from countcheck.detectors.common.letterbox import (
    as_rgb,
    laid,
    pictures_in,
    place,
    read_picture,
    read_pictures,
    resized,
    stretch,
)
from countcheck.errors import BadInput

RAMP = np.linspace(0, 255, 60 * 40 * 3).astype(np.uint8).reshape(40, 60, 3)


def saved(path, image, **more):
    image.save(path, **more)
    return path


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "CMYK", "1", "YCbCr", "LAB", "HSV"])
def test_every_mode_becomes_rgb_bytes(mode):
    image = Image.new("LAB", (60, 40)) if mode == "LAB" else Image.fromarray(RAMP).convert(mode)
    assert as_rgb(image).shape == (40, 60, 3)
    assert as_rgb(image).dtype == np.uint8


def test_sixteen_bits_become_eight(tmp_path):
    deep = (np.arange(256, dtype=np.uint32) * 257).astype(np.uint16).reshape(16, 16)
    read = read_picture(saved(tmp_path / "deep.png", Image.fromarray(deep)))
    assert read[..., 0].reshape(-1).tolist() == list(range(256))


def test_what_is_transparent_becomes_white(tmp_path):
    assert read_picture(saved(tmp_path / "a.png", Image.new("RGBA", (4, 4), (0, 0, 0, 0)))).min() == 255
    palette = Image.new("P", (4, 4), 0)
    palette.info["transparency"] = 0
    assert read_picture(saved(tmp_path / "p.png", palette, transparency=0)).min() == 255


def test_a_cmyk_jpeg_keeps_its_colours(tmp_path):
    red = Image.new("RGB", (16, 16), (250, 10, 10)).convert("CMYK")
    assert abs(read_picture(saved(tmp_path / "c.jpg", red)).astype(int) - [250, 10, 10]).max() < 12


def test_exif_says_which_way_is_up(tmp_path):
    tag = Image.Exif()
    tag[0x0112] = 6
    path = saved(tmp_path / "turned.jpg", Image.new("RGB", (60, 40)), exif=tag)
    assert read_picture(path).shape == (60, 40, 3)


def test_of_an_animation_the_first_frame_is_read(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "lime")]
    path = saved(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    assert read_picture(path)[0, 0].tolist() == [255, 0, 0]


def test_one_pixel_is_a_picture(tmp_path):
    assert read_picture(saved(tmp_path / "dot.png", Image.new("RGB", (1, 1)))).shape == (1, 1, 3)


def huge_png(side):
    """A PNG that says it is huge; its data hold a single row."""
    out = io.BytesIO()
    Image.new("L", (1, 1)).save(out, "PNG")
    body = bytearray(out.getvalue())
    body[16:24] = side.to_bytes(4, "big") * 2
    import zlib

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
    assert read_picture(saved(tmp_path / "strip.png", Image.new("L", (50_000, 2)))).shape == (2, 50_000, 3)


def test_many_files_come_in_order_and_a_bad_one_as_its_error(tmp_path):
    paths = [saved(tmp_path / f"{k}.png", Image.new("RGB", (k + 1, 1))) for k in range(40)]
    paths[7].write_bytes(b"no")
    read = list(read_pictures(paths, workers=2))
    assert [path for path, _ in read] == paths
    assert isinstance(read[7][1], BadInput)
    assert [p.shape[1] for k, (_, p) in enumerate(read) if k != 7] == [k + 1 for k in range(40) if k != 7]


@pytest.mark.parametrize(
    "pixels",
    [
        RAMP,
        Image.fromarray(RAMP),
        torch.tensor(RAMP).permute(2, 0, 1),
        torch.tensor(RAMP).permute(2, 0, 1).float() / 255,
        RAMP.astype(np.float32) / 255,
        np.dstack([RAMP, np.full((40, 60), 255, np.uint8)]),
    ],
    ids=["bytes", "pillow", "tensor", "floats", "float array", "rgba"],
)
def test_pixels_of_every_kind_are_the_same_picture(pixels):
    assert np.abs(as_rgb(pixels).astype(int) - RAMP).max() <= 1


def test_pixels_of_no_shape_are_refused():
    for pixels in (np.zeros((3, 4, 5, 6)), np.zeros((0, 4, 3), np.uint8), "pig"):
        with pytest.raises(BadInput):
            as_rgb(pixels)


@pytest.mark.parametrize("size", [(1, 1), (5000, 3), (3, 5000), (64, 64), (100, 37)])
def test_a_picture_is_laid_whole_into_the_square_and_boxes_come_back(size):
    spot = place(size, 64)
    assert spot.left >= 0 and spot.left + spot.wide <= 64 and spot.top >= 0 and spot.top + spot.tall <= 64
    whole = np.array([[spot.left, spot.top, spot.left + spot.wide, spot.top + spot.tall]])
    assert np.allclose(spot.back(whole), [[0, 0, *size]], atol=max(size) / 64)


def test_a_stretched_picture_fills_the_square_and_boxes_come_back():
    spot = stretch((100, 50), 64)
    assert spot.back(np.array([[0, 0, 64, 64], [32, 32, 64, 64]])).tolist() == [[0, 0, 100, 50], [50, 25, 100, 50]]


def test_the_square_is_grey_around_the_picture():
    square = laid(np.zeros((10, 40, 3), np.uint8), place((40, 10), 64), 64)
    assert square.shape == (64, 64, 3)
    assert square[0].min() == 114 and square[32].max() == 0


@pytest.mark.parametrize("size", [(17, 23), (60, 40), (200, 90), (31, 80), (1, 1)])
def test_bilinear_without_antialias_is_opencvs_to_the_bit(monkeypatch, size):
    import sys

    noise = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    with_cv2 = resized(noise, size, antialias=False)
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert np.array_equal(resized(noise, size, antialias=False), with_cv2)


def test_folders_are_looked_through(tmp_path):
    (tmp_path / "in").mkdir()
    first = saved(tmp_path / "in" / "b.png", Image.new("RGB", (1, 1)))
    second = saved(tmp_path / "in" / "a.JPG", Image.new("RGB", (1, 1)))
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    assert pictures_in([tmp_path]) == [second, first]
    (tmp_path / "none").mkdir()
    with pytest.raises(BadInput, match="no picture"):
        pictures_in([tmp_path / "none"])


@pytest.mark.parametrize(("kind", "most"), [(np.float32, 255), (np.float32, 1), (np.uint16, 65535)])
def test_a_faint_channel_stays_faint(kind, most):
    """The range is the picture's: a channel that is nearly black everywhere is not stretched by itself."""
    picture = np.zeros((4, 4, 3), kind)
    picture[..., 0], picture[..., 2] = most, most / 255
    assert as_rgb(picture)[0, 0].tolist() == [255, 0, 1]
