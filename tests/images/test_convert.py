"""Pictures in memory: every form becomes the same RGB bytes, and what is outside the contract is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from countcheck.errors import BadInput
from countcheck.images.convert import as_byte_tensor, as_image, as_rgb
from countcheck.images.decode import decode, encode_png

RAMP = np.linspace(0, 255, 60 * 40 * 3).astype(np.uint8).reshape(40, 60, 3)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "CMYK", "1", "YCbCr", "LAB", "HSV"])
def test_every_mode_becomes_rgb_bytes(mode):
    image = Image.new("LAB", (60, 40)) if mode == "LAB" else Image.fromarray(RAMP).convert(mode)
    assert as_rgb(image).shape == (40, 60, 3)
    assert as_rgb(image).dtype == np.uint8


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
    for pixels in (
        np.zeros((3, 4, 5, 6)),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((8, 8), np.uint8),
        torch.zeros((8, 8)),
        "pig",
    ):
        with pytest.raises(BadInput):
            as_rgb(pixels)


@pytest.mark.parametrize(("kind", "most"), [(np.float32, 255), (np.float32, 1), (np.uint16, 65535)])
def test_a_faint_channel_stays_faint(kind, most):
    """The range is the picture's: a channel that is nearly black everywhere is not stretched by itself."""
    picture = np.zeros((4, 4, 3), kind)
    picture[..., 0], picture[..., 2] = most, most / 255
    assert as_rgb(picture)[0, 0].tolist() == [255, 0, 1]


ODD = {
    "floats 0 to 255": (RAMP.astype(np.float32), RAMP),
    "float tensor 0 to 255": (torch.tensor(RAMP).permute(2, 0, 1).float(), RAMP),
    "uint16": (RAMP.astype(np.uint16) * 257, RAMP),
    "int64": (RAMP.astype(np.int64), RAMP),
    "half floats": ((RAMP / 255).astype(np.float16), RAMP),
    "bfloat tensor": (torch.tensor(RAMP // 255 * 255).permute(2, 0, 1).bfloat16() / 255, RAMP // 255 * 255),
    "uint16 tensor": (torch.tensor(RAMP.astype(np.uint16) * 257).permute(2, 0, 1), RAMP),
    "clear tensor": (torch.zeros((4, 2, 2)), np.full((2, 2, 3), 255)),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_saved_is_what_is_counted(kind):
    """Two converters used to disagree: floats of 0 to 255 and uint16 were saved white and counted right."""
    pixels, wanted = ODD[kind]
    counted = as_rgb(pixels)
    assert np.abs(counted.astype(int) - wanted).max() <= 1
    assert np.array_equal(np.asarray(as_image(pixels)), counted)
    assert np.array_equal(np.asarray(decode(encode_png(pixels))), counted)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.linspace(-1, 1, 12).reshape(2, 2, 3), "from -1 to 1"),
        (torch.linspace(-1, 1, 12).reshape(3, 2, 2), "from -1 to 1"),
        (np.full((2, 2, 3), 1.5), "1.5"),
        (torch.full((3, 2, 2), 1.5), "1.5"),
        (np.full((2, 2, 3), np.nan), "nan"),
        (torch.full((3, 2, 2), float("nan")), "nan"),
        (np.full((2, 2, 3), np.inf), "inf"),
        (np.full((2, 2, 3), 256, np.int32), "256"),
        (np.full((2, 2, 3), -1, np.int8), "-1"),
        (np.full((2, 2, 3), 200, np.uint16), "up to 200 of 65535"),
        (np.ones((2, 2, 3), bool), "kind bool"),
        (np.ones((2, 2, 3), complex), "kind complex128"),
    ],
)
def test_values_outside_the_contract_are_refused_with_the_value(pixels, words):
    for convert in (as_rgb, as_image, encode_png):
        with pytest.raises(BadInput, match=words):
            convert(pixels)


@pytest.mark.parametrize("value", [-0.001, 1.001])
def test_a_rounding_error_outside_the_range_is_not_refused(value):
    wanted = 255 * round(value)
    assert as_rgb(np.full((1, 1, 3), value)).max() == as_rgb(torch.full((3, 1, 1), value)).max() == wanted


def test_a_byte_tensor_has_the_bytes_of_the_array():
    tensor = torch.tensor(RAMP).permute(2, 0, 1).float() / 255
    assert np.array_equal(as_byte_tensor(tensor).permute(1, 2, 0).numpy(), as_rgb(tensor))
    with pytest.raises(BadInput, match="shape"):
        as_byte_tensor(torch.zeros((2, 2, 2)))


def test_every_transparency_is_laid_on_white_as_pillow_does():
    levels = torch.arange(256, dtype=torch.uint8)
    colour, alpha = levels[:, None].expand(256, 256), levels[None].expand(256, 256)
    array = torch.stack([colour, colour, colour, alpha]).permute(1, 2, 0).numpy()
    tensor = as_byte_tensor(torch.from_numpy(array).permute(2, 0, 1))
    assert np.array_equal(tensor.permute(1, 2, 0).numpy(), as_rgb(array))


def test_an_rgb_image_is_not_copied():
    image = Image.fromarray(RAMP)
    assert as_image(image) is image
