import random

import numpy as np
import pytest
import torch

from countcheck.cards import Card
from countcheck.detectors.tiny import TinyDetector
from countcheck.scenes import NOUNS
from models.train.art import OWN
from models.train.counter import Batch, Plan, Training, collate, export, losses, source, train
from models.train.pictures import Recipe, make

RECIPE = Recipe(families=(OWN,), size=64)
SMALL = (8, 16, 24, 32)


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_few_seconds_of_training_lower_the_loss_and_give_weights_that_load(tmp_path, one_thread):
    plan = Plan(pictures=400, batch=8, size=64, early=64, rate=4e-3, seed=3)
    training = Training(plan, tmp_path / "work", "cpu", widths=SMALL)
    held = collate([make(RECIPE, 10_000 + k) for k in range(16)], 64, random.Random(1))
    before = sum(loss.item() for loss in losses(training.net, held))
    train(training, source(RECIPE, plan.seed), log_every=25, check_every=1000)
    after = sum(loss.item() for loss in losses(training.net.eval(), held))
    assert after < 0.8 * before
    assert (tmp_path / "work" / "log.jsonl").read_text().count("\n") == 2

    export(training.mean, tmp_path / "out", size=64, about={})
    detector = TinyDetector(Card(name="mine", family="tiny", source=str(tmp_path / "out")))
    (found,) = detector.detect([make(RECIPE, 1).pixels], list(NOUNS))
    assert found.size == (64, 64)


def test_training_goes_on_from_its_checkpoint(tmp_path, one_thread):
    plan = Plan(pictures=32, batch=16, size=64, early=64)
    first = Training(plan, tmp_path, "cpu", widths=SMALL)
    train(first, source(RECIPE, 1))
    second = Training(plan, tmp_path, "cpu", widths=SMALL)
    second.resume()
    assert second.shown == 32
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.mean.state_dict().values(), second.mean.state_dict().values(), strict=True)
    )


def test_the_same_seed_makes_the_same_picture():
    first, second = make(RECIPE, 7), make(RECIPE, 7)
    assert np.array_equal(first.pixels, second.pixels)
    assert np.array_equal(first.boxes, second.boxes)


def test_every_labelled_thing_lies_in_its_picture():
    for seed in range(60):
        labelled = make(RECIPE, seed)
        assert labelled.pixels.shape == (64, 64, 3)
        assert (labelled.boxes >= 0).all()
        assert (labelled.boxes <= 64).all()
        assert (labelled.boxes[:, 2:] > labelled.boxes[:, :2]).all()


def test_the_maps_mark_every_sure_thing_once():
    pictures = [make(RECIPE, seed) for seed in range(12)]
    batch = collate(pictures, 64, random.Random(0))
    assert isinstance(batch, Batch)
    for labelled, heat in zip(pictures, batch.heat, strict=True):
        assert int((heat == 1).sum()) <= int(labelled.sure.sum())
        assert bool((heat == 1).any()) == bool(labelled.sure.any())
