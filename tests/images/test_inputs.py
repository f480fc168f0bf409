"""Images as Python callers have them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from countcheck.errors import BadInput
from countcheck.images.convert import as_rgb
from countcheck.images.decode import encode_png
from countcheck.images.inputs import each_image, load_image

ARRAY = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


@pytest.mark.parametrize(
    ("images", "n"),
    [
        ("a.png", 1),
        (b"bytes", 1),
        (ARRAY, 1),
        (ARRAY[..., 0], 1),
        (Image.fromarray(ARRAY), 1),
        (torch.zeros(3, 4, 6), 1),
        (torch.zeros(5, 3, 4, 6), 5),
        (np.stack([ARRAY] * 2), 2),
        (["a.png", ARRAY], 2),
        ((image for image in [ARRAY] * 3), 3),
        ([], 0),
    ],
)
def test_one_image_or_many(images, n):
    assert len(list(each_image(images))) == n


def test_pixels_in_memory_are_not_copied():
    tensor = torch.zeros(3, 4, 6)
    assert load_image(tensor) is tensor
    assert load_image(ARRAY) is ARRAY


def test_files_and_bytes_are_decoded(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encode_png(ARRAY))
    for image in (path, str(path), path.read_bytes(), bytearray(path.read_bytes()), memoryview(path.read_bytes())):
        assert np.array_equal(as_rgb(load_image(image)), ARRAY)


@pytest.mark.parametrize("image", [3.5, None, {"a": 1}, object()])
def test_other_things_are_named(image):
    with pytest.raises(BadInput, match=f"image 7 is of type {type(image).__name__}"):
        load_image(image, place="image 7")
