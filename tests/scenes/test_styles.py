"""Styles of pictures."""

import numpy as np
import pytest

from countcheck.scenes import STYLES, TRANSFORMS, apply_style, compose, render


@pytest.mark.parametrize("style", TRANSFORMS)
def test_a_style_keeps_shape_and_is_seeded(style):
    picture = np.random.default_rng(0).integers(0, 256, (40, 57, 3), dtype=np.uint8)
    styled = apply_style(picture, style, 3)
    assert styled.shape == picture.shape
    assert styled.dtype == np.uint8
    assert np.array_equal(styled, apply_style(picture, style, 3))


@pytest.mark.parametrize("style", sorted(set(TRANSFORMS) - {"plain"}))
def test_a_style_changes_the_picture_in_place_of_nothing(style):
    picture = render(compose({"cat": 2}, seed=1))
    before = picture.copy()
    assert not np.array_equal(apply_style(picture, style, 3), picture)
    assert np.array_equal(picture, before)


def test_the_painters_styles_are_among_the_transforms():
    assert set(STYLES) <= set(TRANSFORMS)


def test_a_style_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="no style 'baroque'; there are plain"):
        apply_style(np.zeros((4, 4, 3), np.uint8), "baroque", 0)
