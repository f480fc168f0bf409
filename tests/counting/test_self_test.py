"""The self-test, on the counter that ships and on counters that are wrongly set up."""

import numpy as np
import pytest

from countcheck.cards import Card
from countcheck.counting import self_test
from countcheck.counting.counter import Counter, load_counter
from countcheck.counting.self_test import (
    PLAIN,
    STYLED,
    SelfTest,
    SelfTestScore,
    count_exact,
    draw_pictures,
    drawable_nouns,
    require_passed,
    run_self_test,
)
from countcheck.detectors.base import Detections
from countcheck.errors import CannotDecide


class Blind:
    """Finds nothing."""

    def __init__(self, vocabulary=None):
        self.name, self.vocabulary = "blind", vocabulary

    def detect(self, pictures, nouns):
        return [Detections.nothing((picture.shape[1], picture.shape[0])) for picture in pictures]


def blind(vocabulary=None):
    return Counter(Card(name="blind", family="x"), Blind(vocabulary))


def test_the_counter_that_ships_passes_plain_and_in_a_style():
    result = run_self_test(load_counter("tiny"), nouns=["pig", "wolf"], styles=["plain", "noir", "cubism"])
    assert result.plain.passed and result.plain.total == PLAIN
    assert set(result.by_style) == {"noir"}, "plain is no style of its own, and scenes cannot imitate cubism"
    assert result.by_style["noir"].passed and result.by_style["noir"].total == STYLED
    assert result.nouns[:2] == ("pig", "wolf")


def test_a_counter_that_finds_nothing_fails_and_cannot_judge():
    result = run_self_test(blind(), nouns=["pig"])
    assert not result.plain.passed
    with pytest.raises(CannotDecide, match=r"the counter blind got \d+ of 48 control pictures right; 46 are needed"):
        require_passed(result, "blind")


def test_a_counter_of_nouns_that_cannot_be_drawn_is_untested():
    result = run_self_test(blind(frozenset({"spanner"})), nouns=["spanner"])
    assert result == SelfTest(plain=None)
    require_passed(result, "blind")
    assert result.to_json() == {"passed": None, "by_style": {}, "nouns": []}


def test_a_single_noun_is_tested_beside_others():
    nouns = [noun.name for noun in drawable_nouns(load_counter("tiny"), ["wolf", "spanner"])]
    assert nouns[0] == "wolf" and len(nouns) == 6 and "spanner" not in nouns


def test_pictures_hold_what_they_are_said_to_hold_and_another_salt_draws_others(monkeypatch):
    monkeypatch.setattr(self_test, "_picture", self_test._picture.draw)  # anew each time
    pictures, truth = draw_pictures(["pig", "wolf"], "plain", 6)
    again, _ = draw_pictures(["pig", "wolf"], "plain", 6)
    others, _ = draw_pictures(["pig", "wolf"], "plain", 6, salt="tuning")
    assert all(np.array_equal(a, b) for a, b in zip(pictures, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(pictures, others, strict=True))
    assert [counts["pig" if n % 2 == 0 else "wolf"] for n, counts in enumerate(truth)] == [0, 1, 2, 3, 4, 5]
    assert truth[2]["wolf"] >= 1, "every third picture holds two nouns"


def test_a_picture_is_right_when_every_noun_of_it_is():
    counter = load_counter("tiny")
    nouns = drawable_nouns(counter, ["pig", "wolf"])[:2]
    pictures, truth = draw_pictures(["pig", "wolf"], "plain", 6)
    assert count_exact(counter, nouns, "plain", pictures, truth) == 6
    assert count_exact(counter, nouns, "plain", pictures, [{**counts, "wolf": 9} for counts in truth]) == 0


def test_the_json_says_passed_right_total_and_needed():
    body = SelfTest(plain=SelfTestScore(right=47, total=48, needed=46), nouns=("pig",)).to_json()
    assert body == {"passed": True, "right": 47, "total": 48, "needed": 46, "by_style": {}, "nouns": ["pig"]}
