import numpy as np
import pytest
import torch

from countcheck.detectors.common.layout import Layout

CPU = torch.device("cpu")


@pytest.mark.parametrize("antialias", [False, True])
def test_laying_out_on_the_device_is_laying_out_on_the_cpu(antialias):
    dice = np.random.default_rng(0)
    pictures = [dice.integers(0, 255, (h, w, 3)).astype(np.uint8) for h, w in [(64, 64), (90, 200), (20, 7), (90, 200)]]
    layout = Layout(side=64, antialias=antialias)
    here, spots = layout.on_cpu(pictures)
    there, same = layout.on_device(pictures, CPU)
    assert spots == same
    assert (here - there).abs().max() <= (1.01 / 255 if antialias else 0)
    assert there.is_contiguous(memory_format=torch.channels_last)


def test_a_batch_is_normalised_where_the_network_wants_it():
    white = np.full((8, 8, 3), 255, np.uint8)
    layout = Layout(side=8, mean=(0.5, 0.25, 0.0), deviation=(0.5, 0.75, 2.0))
    batch, _ = layout.on_cpu([white])
    assert torch.allclose(layout.normalised(batch)[0, :, 0, 0], torch.tensor([1.0, 1.0, 0.5]))
    assert torch.equal(Layout(side=8).normalised(batch), batch)
