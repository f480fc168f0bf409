"""Views are chosen on the scenes that ship, with the counter that ships, made blind in the dark."""

import numpy as np
import pytest

from countcheck.cards import Card
from countcheck.counting.counter import Counter
from countcheck.counting.view_search import choose_views, trial
from countcheck.detectors.base import Detections
from countcheck.detectors.tiny import TinyDetector


class BlindInTheDark:
    """The counter that ships; of a picture with a mean below ``limit`` of 255 it finds nothing."""

    def __init__(self, limit):
        self.limit = limit
        self.detector = TinyDetector(Card(name="tiny", family="tiny"))
        self.name, self.vocabulary = "blind in the dark", frozenset({"pig", "wolf"})

    def detect(self, pictures, nouns):
        return [
            self.detector.detect([picture], nouns)[0]
            if np.mean(picture) >= self.limit
            else Detections.nothing((picture.shape[1], picture.shape[0]))
            for picture in pictures
        ]


def counter(limit=70, **settings):
    card = Card(name="blind", family="x", rule={"threshold": 0.33}, settings=settings)
    return Counter(card, BlindInTheDark(limit))


@pytest.fixture(scope="module")
def chosen():
    sentences = []
    return choose_views(counter(views="auto"), ["pig", "wolf"], ["noir"], says=sentences.append), sentences


def test_views_are_chosen_where_they_pay_and_only_there(chosen):
    counter, _ = chosen
    assert "light" in counter.views("noir") or "contrast" in counter.views("noir")
    assert counter.views("plain") == ()
    assert not counter.chooses_views


def test_the_gain_and_the_cost_of_chosen_views_are_said(chosen):
    _, sentences = chosen
    noir = next(line for line in sentences if "style noir" in line)
    assert "of 36 tuning pictures right, against" in noir and "times the time" in noir
    assert "one view is enough" in next(line for line in sentences if "style plain" in line)


def test_the_chosen_views_count_at_least_three_pictures_more():
    result = trial(counter(views="auto"), ["pig"], "noir")
    assert result.best >= result.plain + 3
    assert result.total == 36


def test_a_counter_that_does_not_ask_is_left_alone():
    plain = counter(views="as_is,flip")
    assert choose_views(plain, ["pig"], ["noir"]) is plain
