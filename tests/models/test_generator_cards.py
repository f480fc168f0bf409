"""Every generator card that ships can be used as it stands."""

from __future__ import annotations

import datetime

import pytest

from countcheck.cards import generator_cards, read_card
from countcheck.registry import generator_families, load_generator_class

CARDS = generator_cards()


@pytest.mark.parametrize("name", CARDS)
def test_a_card_reads_and_names_a_known_family(name: str) -> None:
    card = read_card(CARDS[name])
    assert card.family in generator_families()
    assert card.about


@pytest.mark.parametrize("name", CARDS)
def test_a_price_has_its_date(name: str) -> None:
    card = read_card(CARDS[name])
    assert (card.price is None) == (card.priced == "")
    if card.priced:
        datetime.date.fromisoformat(card.priced)


@pytest.mark.parametrize("name", CARDS)
def test_an_adapter_takes_its_card(name: str) -> None:
    card = read_card(CARDS[name])
    generator = load_generator_class(card.family)(card)
    assert generator.name == name
    assert generator.recipe.settings
