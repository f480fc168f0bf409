import numpy as np
import pytest

from countcheck.detectors.common.letterbox import letterbox_placement, pasted, stretched_placement


@pytest.mark.parametrize("size", [(1, 1), (5000, 3), (3, 5000), (64, 64), (100, 37)])
def test_a_picture_is_laid_whole_into_the_square_and_boxes_come_back(size):
    spot = letterbox_placement(size, 64)
    assert spot.left >= 0 and spot.left + spot.wide <= 64 and spot.top >= 0 and spot.top + spot.tall <= 64
    whole = np.array([[spot.left, spot.top, spot.left + spot.wide, spot.top + spot.tall]])
    assert np.allclose(spot.back(whole), [[0, 0, *size]], atol=max(size) / 64)


def test_a_stretched_picture_fills_the_square_and_boxes_come_back():
    spot = stretched_placement((100, 50), 64)
    assert spot.back(np.array([[0, 0, 64, 64], [32, 32, 64, 64]])).tolist() == [[0, 0, 100, 50], [50, 25, 100, 50]]


def test_the_square_is_grey_around_the_picture():
    square = pasted(np.zeros((10, 40, 3), np.uint8), letterbox_placement((40, 10), 64), 64)
    assert square.shape == (64, 64, 3)
    assert square[0].min() == 114 and square[32].max() == 0
