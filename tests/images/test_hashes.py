import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from countcheck.images.hashes import BITS, SHORTEST, cells, colour_distance, hash_distance, picture_hash
from countcheck.scenes import NOUNS, compose, render
from countcheck.storage.repeats import same_picture


def recoded(image, quality):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def card():
    image = Image.new("RGB", (512, 512), (235, 235, 235))
    ImageDraw.Draw(image).text((150, 240), "Content not available", fill=(90, 90, 90), font_size=24)
    return image


@pytest.mark.parametrize("image", [card(), Image.fromarray(render(compose({"pig": 3}, seed=1), 512))])
def test_a_picture_that_was_encoded_anew_keeps_its_hash_but_for_few_bits(image):
    mark = picture_hash(image)
    for other in (recoded(image, 95), recoded(image, 80), image.resize((256, 256), Image.Resampling.LANCZOS)):
        assert same_picture(mark, picture_hash(other))


def dark(light, things=""):
    """A scene at so much of its light, or a card of a provider with its words."""
    if things:
        return Image.fromarray(
            (render(compose({things: 1}, style="noir", seed=4), 256) * light).round().astype(np.uint8)
        )
    image = Image.new("RGB", (512, 512), (6, 5, 8))
    ImageDraw.Draw(image).text((150, 240), "Content not available", fill=(40, 40, 40), font_size=24)
    return image


@pytest.mark.parametrize("image", [dark(1), dark(0.1, "cat"), dark(0.04, "wolf")])
def test_a_dark_picture_that_was_encoded_anew_is_found_although_many_bits_change(image):
    marks = [picture_hash(other) for other in (recoded(image, 95), recoded(image, 75), image.resize((256, 256)))]
    assert all(same_picture(picture_hash(image), mark) for mark in marks)


@pytest.mark.parametrize("light", [0.04, 0.1, 0.3])
def test_a_black_cat_at_night_is_not_the_black_dog_of_the_same_night(light):
    marks = [picture_hash(dark(light, noun)) for noun in NOUNS]
    assert not any(same_picture(a, b) for a, b in itertools.combinations(marks, 2))


def test_a_hash_holds_a_picture_of_little_contrast_and_no_other():
    grey = np.full((64, 64), 20, np.uint8)
    grey[:8, 8:16] = 30
    levels = cells(picture_hash(Image.fromarray(grey).convert("RGB")))
    assert levels is not None and levels.reshape(8, 8)[0, 1] == pytest.approx(10) and levels.sum() == pytest.approx(10)
    assert cells(picture_hash(Image.fromarray(render(compose({"pig": 3}, seed=1), 512)))) is None


def test_a_hash_of_another_release_is_compared_by_its_waves_alone():
    mark = picture_hash(dark(1))
    assert same_picture(mark, mark[:SHORTEST]) and cells(mark[:SHORTEST]) is None
    assert not same_picture(mark, "f" * 12 + mark[12:SHORTEST])


def test_pictures_of_other_things_are_far_apart():
    marks = [picture_hash(render(compose({noun: 1 + k % 3}, seed=k), 256)) for k, noun in enumerate(NOUNS)]
    assert min(hash_distance(a, b) for a, b in itertools.combinations(marks, 2)) > 40


def test_nights_are_not_taken_for_each_other():
    dice = np.random.default_rng(0)
    nights = [Image.fromarray(dice.normal(6, 2, (256, 256, 3)).clip(0, 255).astype(np.uint8)) for _ in range(12)]
    marks = [picture_hash(night) for night in nights]
    assert not any(same_picture(a, b) for a, b in itertools.combinations(marks, 2))


def test_distances_are_those_of_bits_and_levels():
    dice = np.random.default_rng(1)
    bits = dice.integers(0, 2, (2, BITS))
    marks = [
        f"{int(''.join(map(str, row)), 2):064x}" + end for row, end in zip(bits, ("000000", "0a0102"), strict=True)
    ]
    assert hash_distance(*marks) == int((bits[0] != bits[1]).sum())
    assert colour_distance(*marks) == 10


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (3000, 2), (16, 16)])
def test_odd_sizes_have_a_hash(size):
    assert len(picture_hash(Image.new("RGB", size, "red"))) == BITS // 4 + 6
