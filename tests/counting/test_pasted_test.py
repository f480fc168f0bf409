"""Things of known number pasted into pictures."""

import random

import numpy as np
import pytest

from countcheck.cards import Card
from countcheck.counting.counter import Counter, load_counter
from countcheck.counting.pasted_test import paste_things, pieces_of, run_pasted_test
from countcheck.counting.rule import CountingRule
from countcheck.detectors.base import Detections
from countcheck.scenes import compose, render
from tests.detectors.bright import Bright, field


def scenes(number=8):
    return [render(compose({}, seed=seed), 256) for seed in range(number)]


def test_a_counter_for_drawings_counts_what_is_pasted_into_drawings():
    score = run_pasted_test(load_counter("tiny"), scenes(4), [set()] * 4, total=8)
    assert score.total == 8 and score.right >= 6


def test_a_counter_that_passes_on_drawings_and_not_here_is_caught():
    dice = np.random.default_rng(0)
    rough = [dice.integers(0, 255, (40, 60, 3)).astype(np.uint8).repeat(6, 0).repeat(6, 1) for _ in range(8)]
    score = run_pasted_test(load_counter("tiny"), rough, [set()] * 8, total=8)
    assert score.total == 0 or score.right < 0.5 * score.total


def test_nouns_that_may_be_in_the_picture_are_never_pasted():
    counter = load_counter("tiny")
    assert run_pasted_test(counter, scenes(2), [set(counter.vocabulary)] * 2).total == 0
    assert run_pasted_test(counter, [], []).total == 0


def test_things_keep_apart_and_a_picture_too_small_for_any_takes_none():
    shown, pasted = paste_things(np.full((300, 400, 3), 90, np.uint8), "star", 4, random.Random(2))
    assert pasted == 4 and shown.shape == (300, 400, 3) and (shown != 90).any()
    _, pasted = paste_things(np.full((4, 4, 3), 90, np.uint8), "star", 2, random.Random(2))
    assert pasted == 0


def test_things_are_dimmer_in_the_dark():
    light, _ = paste_things(np.full((200, 200, 3), 160, np.uint8), "star", 1, random.Random(5))
    dark, _ = paste_things(np.full((200, 200, 3), 8, np.uint8), "star", 1, random.Random(5))
    assert dark.max() < 0.5 * light.max()


def test_pieces_are_cut_from_boxes_that_stand_alone_and_pasted_elsewhere():
    picture = field()
    picture[40:80, 50:90] = 250
    found = Detections(
        boxes=np.array([[50, 40, 90, 80], [0, 90, 40, 130], [120, 20, 130, 30]], np.float32),
        scores=np.full(3, 0.9, np.float32),
        nouns=("pig",) * 3,
        size=(picture.shape[1], picture.shape[0]),
    )
    pieces = pieces_of(picture, found, [0, 1, 2])
    (piece,) = pieces["pig"]  # the others touch the edge, or are too small
    assert piece.cover.shape[:2] == (40, 40)
    counter = Counter(Card(name="bright", family="x"), Bright(), rule=CountingRule(threshold=0.5))
    wide = np.full((200, 900, 3), 20, np.uint8)
    score = run_pasted_test(counter, [wide], [set()], things=pieces, total=1)
    assert (score.right, score.total) == (1, 1)
    assert run_pasted_test(counter, [wide], [{"pig"}], things=pieces, total=4).total == 0


@pytest.mark.parametrize("style", [None, "noir"])
def test_the_same_pictures_are_tried_every_time(style):
    counter = load_counter("tiny")
    first, second = (run_pasted_test(counter, scenes(3), [set()] * 3, styles=[style] * 3, total=3) for _ in range(2))
    assert first == second
