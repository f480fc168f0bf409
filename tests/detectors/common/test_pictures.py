import numpy as np
import pytest
import torch
from PIL import Image

from countcheck.detectors.common.pictures import as_bytes, indices_by_size, size_of
from countcheck.errors import BadInput

FORMS = [
    np.zeros((40, 60, 3), np.uint8),
    Image.new("RGB", (60, 40)),
    torch.zeros((3, 40, 60)),
]


@pytest.mark.parametrize("pixels", FORMS, ids=["array", "pillow", "tensor"])
def test_width_and_height_of_every_kind(pixels):
    assert size_of(pixels) == size_of(as_bytes(pixels)) == (60, 40)


def test_a_tensor_stays_a_tensor_of_bytes():
    assert as_bytes(torch.ones((3, 2, 2))).dtype == torch.uint8
    with pytest.raises(BadInput):
        as_bytes(torch.full((3, 2, 2), -1.0))


def test_pictures_are_grouped_by_size():
    small, large = np.zeros((2, 2, 3), np.uint8), np.zeros((4, 4, 3), np.uint8)
    assert indices_by_size([small, large, small]) == [[0, 2], [1]]
    assert indices_by_size([]) == []
