"""Scenes as pictures."""

import numpy as np
import pytest

from countcheck.scenes import boxes, compose, render


def test_the_same_arguments_give_the_same_picture():
    first, second = (render(compose({"pig": 2, "car": 3}, style="noir-rain", seed=5)) for _ in range(2))
    assert np.array_equal(first, second)


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
