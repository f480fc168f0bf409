import numpy as np
import pytest
import torch

from countcheck.detectors.common.resize import resize, resize_tensor


@pytest.mark.parametrize("size", [(17, 23), (60, 40), (200, 90), (31, 80), (1, 1)])
def test_bilinear_without_antialias_is_opencvs_to_the_bit(monkeypatch, size):
    import sys

    noise = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    with_cv2 = resize(noise, size, antialias=False)
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert np.array_equal(resize(noise, size, antialias=False), with_cv2)


@pytest.mark.parametrize("size", [(17, 23), (60, 40), (200, 90)])
@pytest.mark.parametrize("antialias", [False, True])
def test_a_tensor_is_resized_as_an_array_is(size, antialias):
    noise = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    batch = torch.from_numpy(noise).permute(2, 0, 1)[None]
    there = resize_tensor(batch, (size[1], size[0]), antialias=antialias)[0].permute(1, 2, 0).numpy()
    here = resize(noise, size, antialias=antialias)
    assert np.abs(there.astype(int) - here.astype(int)).max() <= (1 if antialias else 0)
