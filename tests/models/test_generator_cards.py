"""Every generator card that ships can be used as it stands."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from countcheck.cards import generator_cards, read_card
from countcheck.generators.price import price_of
from countcheck.generators.remote.client import RemoteGenerator
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
    assert (card.price is None and not card.pricing) == (card.priced == "")
    if card.priced:
        datetime.date.fromisoformat(card.priced)


@pytest.mark.parametrize("name", CARDS)
def test_what_a_remote_picture_costs_at_most_is_stated(name: str) -> None:
    card = read_card(CARDS[name])
    family = load_generator_class(card.family)
    if not issubclass(family, RemoteGenerator):
        return
    price = price_of(card, {**family.defaults, **card.settings})
    assert price.bound is not None
    assert price.known_range is not None or price.note
    if card.pricing:
        assert price.source


@pytest.mark.parametrize("name", [name for name in CARDS if read_card(CARDS[name]).batch_price])
def test_a_batch_costs_half(name: str) -> None:
    card = read_card(CARDS[name])
    defaults = load_generator_class(card.family).defaults
    full, half = (price_of(replace(card, settings={**card.settings, "mode": mode}), defaults) for mode in ("", "batch"))
    assert full.bound and half.bound == pytest.approx(full.bound / 2)
    assert half.rates == pytest.approx({field: rate / 2 for field, rate in full.rates.items()})


@pytest.mark.parametrize("name", CARDS)
def test_an_adapter_takes_its_card(name: str) -> None:
    card = read_card(CARDS[name])
    generator = load_generator_class(card.family)(card)
    assert generator.name == name
    assert generator.recipe.settings
