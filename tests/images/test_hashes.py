import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from countcheck.images.hashes import BITS, colour_distance, hash_distance, picture_hash
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
