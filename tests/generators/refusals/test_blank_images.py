"""A noir night, fog, snow and a dot on white are pictures; black, blurred, pixelated and grey cards are not."""

from __future__ import annotations

import numpy as np
import pytest
from hard_pictures import real, withheld
from PIL import Image

from countcheck.generators.refusals.blank_images import WITHHELD, Look, classify_image

REAL = [(f"{kind} {seed}", picture) for seed in range(2) for kind, picture in real(seed, 256)]
GONE = [(f"{kind} {seed}", kind, picture) for seed in range(2) for kind, picture in withheld(seed, 256)]


@pytest.mark.parametrize(("name", "picture"), REAL, ids=[name for name, _ in REAL])
def test_what_is_hard_to_see_is_still_a_picture(name, picture):
    assert classify_image(picture) not in WITHHELD


@pytest.mark.parametrize(("name", "kind", "picture"), GONE, ids=[name for name, _, _ in GONE])
def test_what_was_sent_instead_of_a_picture_is_found(name, kind, picture):
    wanted = {
        "mosaic": Look.MOSAIC,
        "placeholder": Look.PLACEHOLDER,
        "blurred": Look.BLURRED,
        "box-blurred": Look.BLURRED,
    }
    assert classify_image(picture) is wanted.get(kind, Look.BLANK)


def test_a_lone_dot_is_sparse_and_not_withheld():
    image = np.full((256, 256, 3), 255, np.uint8)
    image[100:108, 100:108] = (200, 30, 30)
    assert classify_image(Image.fromarray(image)) is Look.SPARSE


@pytest.mark.parametrize("size", [(2, 3), (7, 400), (33, 33)])
def test_noise_of_an_odd_size_is_a_picture_and_one_colour_of_that_size_is_blank(size):
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    assert classify_image(Image.fromarray(noise)) is Look.FINE
    assert classify_image(Image.new("RGB", size, (90, 20, 40))) is Look.BLANK


def test_a_single_pixel_is_blank():
    assert classify_image(Image.new("RGB", (1, 1), (200, 10, 10))) is Look.BLANK
