"""Layouts of scenes."""

import pytest

from countcheck.scenes import MAX_THINGS, NOUNS, boxes, compose


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_is_drawn_as_often_as_asked(noun):
    scene = compose({noun: 3}, seed=1)
    assert scene.count(noun) == 3
    assert len(boxes(scene)) == 3


def test_another_seed_gives_another_scene():
    assert compose({"pig": 2}, seed=1) != compose({"pig": 2}, seed=2)


@pytest.mark.parametrize("number", [0, 1, 7, 12, MAX_THINGS])
def test_things_stay_inside_and_apart(number):
    scene = compose({"star": number}, seed=3)
    for thing in scene.things:
        assert thing.size / 2 <= thing.x <= 1 - thing.size / 2
        assert thing.size / 2 <= thing.y <= 1 - thing.size / 2
    for k, a in enumerate(scene.things):
        for b in scene.things[:k]:
            assert max(abs(a.x - b.x), abs(a.y - b.y)) >= (a.size + b.size) / 2 * 0.95


@pytest.mark.parametrize(
    ("counts", "kwargs", "message"),
    [
        ({"unicorn": 1}, {}, "no art for 'unicorn'"),
        ({"pig": -1}, {}, "must be 0 or more"),
        ({"pig": MAX_THINGS + 1}, {}, "do not fit"),
        ({"pig": 1}, {"style": "baroque"}, "no style 'baroque'"),
        ({"pig": 1}, {"backdrop": "moon"}, "no backdrop 'moon'"),
    ],
)
def test_what_cannot_be_composed_is_named(counts, kwargs, message):
    with pytest.raises(ValueError, match=message):
        compose(counts, seed=0, **kwargs)
