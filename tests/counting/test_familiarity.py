"""Which pictures look unlike those that counters are tested on."""

import numpy as np
import pytest
from PIL import Image

from countcheck.counting.familiarity import Familiarity, compare_pictures, describe, make_reference, shipped_reference
from countcheck.counting.self_test import draw_pictures
from countcheck.scenes import TRANSFORMS


def photograph_like(seed, size=(480, 640)):
    """Soft light, texture at every scale and muted colours, as in a photograph: noise whose power falls with frequency."""
    dice = np.random.default_rng(seed)
    rows, columns = np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1])[None]
    fall = 1 / np.maximum(np.hypot(rows, columns), 1 / max(size))
    layers = []
    for _ in range(3):
        noise = dice.normal(size=(size[0], columns.size)) + 1j * dice.normal(size=(size[0], columns.size))
        layer = np.fft.irfft2(noise * fall, size)
        layers.append((layer - layer.mean()) / layer.std())
    common = layers[0]
    picture = np.stack([120 + 45 * (0.85 * common + 0.3 * layer) for layer in layers], axis=2)
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("style", ["plain", "noir", "watercolour", "noir-rain", "sketch"])
def test_drawings_look_like_those_of_the_test(style):
    pictures, _ = draw_pictures(["pig", "car", "wolf", "apple"], style, 8, salt="others")
    assert style in TRANSFORMS
    assert not compare_pictures(pictures).notable


def test_what_looks_like_photographs_does_not():
    result = compare_pictures([photograph_like(seed) for seed in range(8)])
    assert result.notable and result.unlike >= 7


def test_the_size_of_a_drawing_does_not_matter_much():
    pictures, _ = draw_pictures(["pig", "car"], "plain", 6, salt="sizes")
    large = [np.asarray(Image.fromarray(picture).resize((512, 512), Image.Resampling.LANCZOS)) for picture in pictures]
    assert compare_pictures(large).unlike <= 2


def test_no_pictures_are_not_unlike():
    assert compare_pictures([]) == Familiarity(unlike=0, of=0)
    assert not Familiarity(unlike=0, of=0).notable


@pytest.mark.parametrize(("unlike", "of", "notable"), [(0, 20, False), (7, 20, False), (8, 20, True), (20, 20, True)])
def test_two_in_five_of_the_pictures_is_notable(unlike, of, notable):
    assert Familiarity(unlike=unlike, of=of).notable is notable


def test_the_sentence_names_counter_and_numbers():
    sentence = Familiarity(unlike=20, of=22).sentence("tiny")
    assert sentence.startswith("20 of 22 pictures look unlike the drawings that the counter tiny was tested on")


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (8, 8), (2000, 3)])
def test_pictures_of_every_shape_are_described(size):
    description = describe(np.zeros((*size, 3), np.uint8))
    assert description.shape == (shipped_reference().mean.size,)
    assert np.isfinite(description).all()


def test_a_reference_finds_its_own_points_near_and_others_far():
    points = np.random.default_rng(0).normal(size=(200, 4)) * (1, 10, 100, 1000)
    reference = make_reference(points)
    assert (reference.distances(points) <= reference.limit).all()
    assert (reference.distances(points + points.std(axis=0) * 8) > reference.limit).mean() > 0.95
