import numpy as np
import pytest
import torch

from countcheck.scenes import NOUNS
from models.train.painted import paint, read, write
from models.train.painter_latents import NOUNS as PAINTED
from models.train.painter_parts import SMALL, make_autoencoder


@pytest.fixture
def painter(tmp_path):
    torch.manual_seed(0)
    (tmp_path / "decoder").mkdir()
    torch.save(make_autoencoder(**SMALL.autoencoder).decoder.state_dict(), tmp_path / "decoder" / "average.pt")
    return tmp_path


def test_painted_pictures_come_with_what_is_in_them(painter):
    made = paint(12, painter, seed=3, batch=6, size=64, sizes=SMALL)
    assert len(made) == 12
    assert {NOUNS[k] for one in made for k in one.nouns} <= set(PAINTED)
    assert sum(len(one.nouns) for one in made) > 12
    for one in made:
        assert one.pixels.shape == (64, 64, 3)
        assert (one.boxes >= 0).all()
        assert (one.boxes <= 64).all()


def test_what_was_written_is_read_back(painter, tmp_path):
    made = paint(5, painter, seed=4, batch=5, size=64, sizes=SMALL)
    write(made, tmp_path / "painted.npz")
    for one, again in zip(made, read(tmp_path / "painted.npz"), strict=True):
        assert np.array_equal(one.pixels, again.pixels)
        assert np.array_equal(one.boxes, again.boxes)
        assert np.array_equal(one.sure, again.sure)
