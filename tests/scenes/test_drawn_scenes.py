import numpy as np
import pytest

from countcheck.scenes import MOST, NOUNS, STYLES, TRANSFORMS, apply_style, boxes, compose, render


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_is_drawn_as_often_as_asked(noun):
    scene = compose({noun: 3}, seed=1)
    assert scene.count(noun) == 3
    assert len(boxes(scene)) == 3


def test_the_same_arguments_give_the_same_picture():
    first, second = (render(compose({"pig": 2, "car": 3}, style="noir-rain", seed=5)) for _ in range(2))
    assert np.array_equal(first, second)


def test_another_seed_gives_another_scene():
    assert compose({"pig": 2}, seed=1) != compose({"pig": 2}, seed=2)


@pytest.mark.parametrize("number", [0, 1, 7, 12, MOST])
def test_things_stay_inside_and_apart(number):
    scene = compose({"star": number}, seed=3)
    for thing in scene.things:
        assert thing.size / 2 <= thing.x <= 1 - thing.size / 2
        assert thing.size / 2 <= thing.y <= 1 - thing.size / 2
    for k, a in enumerate(scene.things):
        for b in scene.things[:k]:
            assert max(abs(a.x - b.x), abs(a.y - b.y)) >= (a.size + b.size) / 2 * 0.95


@pytest.mark.parametrize("size", [17, 96, 200])
def test_boxes_hold_the_ink(size):
    scene = compose({"pig": 1}, seed=4, backdrop="meadow")
    empty = render(compose({}, seed=4, backdrop="meadow"), size)
    changed = np.abs(render(scene, size).astype(int) - empty).max(axis=2) > 40
    ((_, x1, y1, x2, y2),) = boxes(scene, size)
    rows, columns = np.nonzero(changed)
    assert columns.min() >= x1
    assert columns.max() < x2
    assert rows.min() >= y1
    assert rows.max() < y2


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


@pytest.mark.parametrize(
    ("counts", "kwargs", "message"),
    [
        ({"unicorn": 1}, {}, "no art for 'unicorn'"),
        ({"pig": -1}, {}, "must be 0 or more"),
        ({"pig": MOST + 1}, {}, "do not fit"),
        ({"pig": 1}, {"style": "baroque"}, "no style 'baroque'"),
        ({"pig": 1}, {"backdrop": "moon"}, "no backdrop 'moon'"),
    ],
)
def test_what_cannot_be_composed_is_named(counts, kwargs, message):
    with pytest.raises(ValueError, match=message):
        compose(counts, seed=0, **kwargs)
