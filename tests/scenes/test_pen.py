"""Shapes drawn on the unit square."""

import numpy as np
import pytest
from PIL import Image

from countcheck.scenes.pen import Pen, grown, shade


@pytest.mark.parametrize(
    ("factor", "colour"), [(1, (100, 50, 0)), (0.5, (50, 25, 0)), (0, (0, 0, 0)), (2, (255, 255, 255))]
)
def test_a_shade_is_darker_below_one_and_lighter_above(factor, colour):
    assert shade((100, 50, 0), factor) == colour


def test_a_mask_grows_by_the_radius_in_every_direction():
    mask = Image.new("L", (5, 5))
    mask.putpixel((2, 2), 255)
    assert np.count_nonzero(np.asarray(grown(mask, 1))) == 9


def test_a_drawing_has_a_dark_outline_and_nothing_outside():
    pen = Pen()
    pen.disc(0.5, 0.5, 0.25, (250, 250, 250))
    pixels = np.asarray(pen.lift())
    alpha = pixels[..., 3]
    assert alpha[128, 128] == 255 and pixels[128, 128, 0] > 240
    assert alpha[0].max() == 0
    edge = pixels[128, np.flatnonzero(alpha[128])[4]]
    assert edge[:3].max() < 60


def test_what_is_erased_is_see_through_again():
    pen = Pen()
    pen.box(0, 0, 1, 1, (9, 9, 9))
    pen.erase(0.5, 0.5, 0.3, 0.3)
    assert np.asarray(pen.lift())[128, 128, 3] == 0
