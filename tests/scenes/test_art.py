"""Sprites of the nouns that can be drawn."""

import numpy as np
import pytest

from countcheck.scenes.art import NOUNS, VARIANTS, cut, drawing, sprite


@pytest.mark.parametrize("noun", NOUNS)
def test_a_sprite_has_its_size_and_its_colours_are_within_its_cover(noun):
    drawn = sprite(noun, 0, 40, False)
    assert max(drawn.cover.shape[:2]) == 40
    assert drawn.ink.shape[:2] == drawn.cover.shape[:2]
    assert drawn.cover.max() == 1 and drawn.cover.min() >= 0
    assert (drawn.ink <= drawn.cover * 255 + 1).all()


def test_a_mirrored_sprite_is_the_mirror_image():
    plain, mirrored = sprite("duck", 0, 40, False), sprite("duck", 0, 40, True)
    assert np.array_equal(plain.ink[:, ::-1], mirrored.ink)
    assert not np.array_equal(plain.ink, mirrored.ink)


def test_the_colours_of_a_noun_differ():
    drawings = [np.asarray(drawing("car", variant)) for variant in range(VARIANTS)]
    assert all(not np.array_equal(drawings[0], other) for other in drawings[1:])


def test_see_through_pixels_lend_no_colour_to_a_sprites_edges():
    from PIL import Image

    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (2, 2, 6, 6))
    assert cut(image, 4).ink[..., 0].max() == 0
