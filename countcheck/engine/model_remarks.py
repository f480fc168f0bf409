"""What must be known of the models before anything is asked of them: which are no longer served, which rewrite prompts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from countcheck.cards import Card
from countcheck.generators.lifetime import Lifetime, end_in_words, lifetime_of, require_served
from countcheck.generators.remote.client import RemoteGenerator
from countcheck.generators.rewriting import Rewriting, rewriting_of, rewriting_sentence
from countcheck.registry import load_generator_class, provider_families


def rewriting_of_card(card: Card) -> Rewriting:
    """Tell whether prompts are rewritten with a card's settings, laid over its adapter's defaults.

    >>> from countcheck.cards import read_generator_card
    >>> str(rewriting_of_card(read_generator_card("ideogram-4"))), str(rewriting_of_card(read_generator_card("scenes")))
    ('off', 'unknown')
    """
    defaults: Mapping[str, Any] = {}
    if card.rewrites_unless and card.family in provider_families():
        adapter = load_generator_class(card.family)
        defaults = adapter.defaults if issubclass(adapter, RemoteGenerator) else {}
    return rewriting_of(card, {**defaults, **card.settings})


def remarks_on(cards: Iterable[Card], day: date) -> Iterator[str]:
    """Yield a sentence for every model that rewrites prompts, and for every one whose end is announced."""
    for card in cards:
        if sentence := rewriting_sentence(card, rewriting_of_card(card)):
            yield sentence
    for card in cards:
        if card.ends is not None and lifetime_of(card, day) is not Lifetime.ENDED:
            yield f"{card.name} {end_in_words(card, day)}"


def require_all_served(cards: Iterable[Card], day: date) -> None:
    """Accept cards whose models are served on a day.

    Raises:
        BadSettings: When one has ended; names its replacement.
    """
    for card in cards:
        require_served(card, day)
