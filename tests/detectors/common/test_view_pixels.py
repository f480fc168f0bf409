"""The pixels of a view are the same in main memory, by Pillow, and on the device of a tensor, by torch."""

import numpy as np
import pytest

from countcheck.detectors.common import view_pixels
from countcheck.scenes import compose, render
from tests.detectors.elsewhere import Elsewhere, brought_back, elsewhere

MAKERS = {
    "mirrored": view_pixels.mirrored,
    "cut": lambda picture: view_pixels.cut(picture, 0, 0, 1, 1),
    "stretched contrast": view_pixels.stretched_contrast,
    "brightened": view_pixels.brightened,
    "lit": view_pixels.lit,
    "smoothed by 3": lambda picture: view_pixels.smoothed(picture, 3),
    "smoothed by 5": lambda picture: view_pixels.smoothed(picture, 5),
    "enlarged": lambda picture: view_pixels.enlarged(picture, (100, 150)),
}


def noise(*size):
    return np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)


PICTURES = {
    "noise": noise(37, 61),
    "dark": noise(64, 48) // 9,
    "one pixel": noise(1, 1),
    "one row": noise(1, 50),
    "one column": noise(40, 1),
    "one grey": np.full((8, 9, 3), 77, np.uint8),
    "scene": render(compose({"pig": 3}, seed=1), 96),
}


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize("name", MAKERS)
def test_a_tensor_gives_the_pixels_of_the_array_where_it_is(name, picture):
    there = MAKERS[name](elsewhere(picture))
    assert isinstance(there, Elsewhere)
    apart = np.abs(brought_back(there).astype(int) - MAKERS[name](picture).astype(int))
    assert apart.max() <= (2 if name == "enlarged" else 0)


def test_a_tensor_that_is_copied_is_noticed():
    with pytest.raises(AssertionError, match=r"\(3, 96, 96\) is copied"):
        np.asarray(elsewhere(PICTURES["scene"]))
