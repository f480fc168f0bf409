"""When models end, and how that is said."""

from datetime import date

import pytest

from countcheck.cards import Card, generator_cards, read_card
from countcheck.errors import BadSettings
from countcheck.generators.lifetime import Lifetime, end_in_words, lifetime_of, require_served, today

CARD = Card(name="old", family="openai", ends=date(2026, 12, 1), replaced_by="new")
ENDING = [name for name, path in generator_cards().items() if read_card(path).ends]


@pytest.mark.parametrize(
    ("day", "lifetime", "words"),
    [
        ("2026-10-01", Lifetime.SERVED, "ends 2026-12-01; use new"),
        ("2026-10-02", Lifetime.ENDING, "ends 2026-12-01, in 60 days; use new"),
        ("2026-11-30", Lifetime.ENDING, "ends 2026-12-01, in 1 day; use new"),
        ("2026-12-01", Lifetime.ENDED, "ended 2026-12-01; use new"),
    ],
)
def test_an_end_on_a_day(day, lifetime, words):
    day = date.fromisoformat(day)
    assert (lifetime_of(CARD, day), end_in_words(CARD, day)) == (lifetime, words)


def test_the_day_is_the_machines_unless_it_is_set(monkeypatch):
    monkeypatch.delenv("COUNTCHECK_TODAY", raising=False)
    before = date.today()
    assert before <= today() <= date.today()
    monkeypatch.setenv("COUNTCHECK_TODAY", "2026-12-02")
    assert today() == date(2026, 12, 2)


def test_a_model_without_a_successor_is_refused_without_one():
    card = Card(name="old", family="openai", ends=date(2026, 12, 1))
    with pytest.raises(
        BadSettings, match=r"announced for 2026-12-01\. Add ends=none to its settings if it still answers"
    ):
        require_served(card, date(2026, 12, 1))


def test_the_eight_models_that_end_are_known():
    assert set(ENDING) == {
        "bedrock-nova-canvas",
        "chatgpt-image",
        "gemini-2.5-flash-image",
        "gpt-image-1-mini",
        "gpt-image-1.5",
        "imagen-4",
        "imagen-4-fast",
        "imagen-4-ultra",
    }


@pytest.mark.parametrize("name", ENDING)
def test_a_model_that_ends_is_replaced_by_a_card_that_does_not_end(name):
    replacement = read_card(generator_cards()[read_card(generator_cards()[name]).replaced_by])
    assert replacement.ends is None
