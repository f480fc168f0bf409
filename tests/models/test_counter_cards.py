"""Every counter card that ships reads, names a known family, and sets only what its adapter knows."""

import importlib

import pytest

from countcheck.cards import counter_cards, fill, read_card, read_counter_card
from countcheck.counting.counter import COUNTER_SETTINGS
from countcheck.counting.rule_settings import rule_of_card
from countcheck.registry import detector_families

CARDS = counter_cards()


@pytest.mark.parametrize("name", CARDS)
def test_a_card_tells_what_a_user_must_know(name):
    card = read_card(CARDS[name])
    assert card.family in detector_families()
    assert card.licence and card.about
    rule = rule_of_card(card)
    assert 0 < rule.threshold < 1
    assert rule.margin > 0


@pytest.mark.parametrize("name", [name for name in CARDS if read_card(CARDS[name]).family != "tiny"])
def test_a_card_sets_only_what_its_adapter_knows(name):
    card = read_card(CARDS[name])
    module = importlib.import_module(detector_families()[card.family].partition(":")[0])
    fill(card, {**module.DEFAULTS, **COUNTER_SETTINGS})


def test_a_free_open_vocabulary_is_among_them():
    card = read_counter_card("owlv2")
    assert card.licence == "Apache-2.0" and card.vocabulary.startswith("open")
