import pytest

from countcheck.cards import Card
from countcheck.counting import view_search as tuning
from countcheck.counting.counter import Counter
from countcheck.counting.rule import Rule
from countcheck.suites.suite import Noun
from tests.detectors.bright import Bright, field


@pytest.fixture(autouse=True)
def spots(monkeypatch):
    """Plain pictures are bright, those in noir dim: only a view with more contrast sees anything in them."""

    def drawn(names, style, total, *, salt):
        assert salt != "control"
        level = 120 if style == "noir" else 255
        pictures = [field(*[(20 + 40 * k, 30) for k in range(n % 4)], level=level) for n in range(total)]
        return pictures, [{"pig": n % 4} for n in range(total)]

    monkeypatch.setattr(tuning, "drawn", drawn)
    monkeypatch.setattr(tuning, "testable", lambda counter, nouns: [Noun(name="pig")])


def counter(**settings):
    card = Card(name="bright", family="x", rule=Rule(threshold=0.3), settings=settings)
    return Counter(card, Bright())


def test_looks_are_chosen_only_where_they_pay_and_their_gain_and_cost_are_said():
    said = []
    chosen = tuning.tuned(counter(views="auto"), ["pig"], ["noir", "rain"], says=said.append)
    assert chosen.views("noir") == ("as_is", "contrast")
    assert chosen.views("plain") == chosen.views("rain") == ()
    assert "for 2 times the time" in next(line for line in said if "noir" in line)
    assert not chosen.choosing


def test_a_counter_that_does_not_ask_is_left_alone():
    plain = counter(views="as_is,flip")
    assert tuning.tuned(plain, ["pig"], ["noir"]) is plain
