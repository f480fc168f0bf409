"""Choose a counter where none is named: the one that ships for what ships, else one with an open vocabulary."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path

from countcheck.cards import Card, counter_cards, read_card
from countcheck.errors import BadSettings
from countcheck.resources import shipped

AUTO = "auto"
SHIPPED = "tiny"
# Counters with an open vocabulary, in the order in which they are tried.
OPEN = ("owlv2", "grounding-dino-tiny", "mm-grounding-dino", "llmdet", "omdet-turbo", "grounding-dino", "owlv2-large", "sam3")  # fmt: skip


def choose_counter(generators: Iterable[Card] | None) -> str:
    """Name the counter for the pictures of some generators.

    Args:
        generators: Their cards; ``None`` for pictures from elsewhere.

    Raises:
        BadSettings: When pictures do not come from what ships, and no counter with an open vocabulary is installed; names
            the two commands that would do.

    >>> from countcheck.cards import read_generator_card
    >>> choose_counter([read_generator_card("scenes"), read_generator_card("tiny")])
    'tiny'
    """
    cards = None if generators is None else list(generators)
    if cards is not None and all(map(ships, cards)):
        return SHIPPED
    for name in OPEN:
        if is_installed(read_card(counter_cards()[name])):
            return name
    raise BadSettings(
        "no counter for pictures of every kind is installed. Write -d owlv2, which downloads its weights once "
        f"(155 M parameters), or -d {SHIPPED}, which ships and counts 20 nouns in drawings but not in photographs."
    )


def ships(card: Card) -> bool:
    """Tell whether a generator's pictures are of the kind that the counter that ships was made for."""
    return card.family == "scenes" or (card.family == "diffusers" and (shipped("models") / card.source).is_dir())


def is_installed(card: Card) -> bool:
    """Tell whether the weights of a counter on transformers are on this machine, and the packages that run them."""
    if importlib.util.find_spec("transformers") is None or importlib.util.find_spec("torch") is None:
        return False
    if Path(card.source).is_dir():
        return True
    from huggingface_hub import try_to_load_from_cache

    revision = card.revision or None
    files = ("model.safetensors", "model.safetensors.index.json")
    return any(isinstance(try_to_load_from_cache(card.source, file, revision=revision), str) for file in files)
