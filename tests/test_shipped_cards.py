"""Every generator card that ships can be used as it stands."""

from __future__ import annotations

import datetime

import pytest

from countcheck.plugins import generator_families
from countcheck.settings import generator_cards, read_card

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
