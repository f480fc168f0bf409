"""Every card of a diffusers model names a class of the installed library that takes every setting the card gives."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import diffusers
import pytest

from countcheck.cards import Card, generator_cards, read_card
from countcheck.generators.diffusers import _CALL_SETTINGS, _KEYWORDS
from countcheck.generators.diffusers_settings import DEFAULTS
from countcheck.generators.pipeline_arguments import CALL, LOAD, check_call, of_kind

CARDS = {name: card for name, path in generator_cards().items() if (card := read_card(path)).family == "diffusers"}


# Where the class is, of a pipeline that the library hides as long as a package that it needs is not installed.
HIDDEN = {"KolorsPipeline": "diffusers.pipelines.kolors.pipeline_kolors"}


def class_of(pipeline: str) -> Any:
    """The class of that name, or ``None``."""
    kind = getattr(diffusers, pipeline, None)
    if hasattr(kind, "_backends"):
        kind = getattr(importlib.import_module(HIDDEN[pipeline]), pipeline)
    return kind


def untaken(card: Card) -> list[str]:
    """What of a card its pipeline's class does not take, or the family does not know."""
    kind = class_of(card.pipeline)
    if kind is None:
        return [f"class {card.pipeline!r}"]
    arguments = inspect.signature(kind.__call__).parameters
    parts = inspect.signature(kind.__init__).parameters
    wrong = []
    for name in card.settings:
        if name.startswith(CALL):
            known = name.removeprefix(CALL) in arguments
        elif name.startswith(LOAD):
            known = name.removeprefix(LOAD) in parts
        elif name in _CALL_SETTINGS:
            known = _KEYWORDS.get(name, name) in arguments
        else:
            known = name in DEFAULTS
        if not known:
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("name", CARDS)
def test_the_class_exists_and_takes_every_setting(name):
    card = CARDS[name]
    assert untaken(card) == []
    kind = class_of(card.pipeline)
    assert issubclass(kind, diffusers.DiffusionPipeline)
    check_call(of_kind(card.settings, CALL), kind, name)
    assert not {"num_frames"} & inspect.signature(kind.__call__).parameters.keys(), "it makes videos"


@pytest.mark.parametrize("name", CARDS)
def test_steps_and_size_are_set(name):
    assert {"steps", "width", "height"} <= CARDS[name].settings.keys()


def test_a_card_with_a_wrong_class_or_setting_is_found():
    card = Card(name="m", family="diffusers", pipeline="FluxPipeline", settings={"steps": 4, "call.no_such": 1})
    assert untaken(card) == ["call.no_such"]
    assert untaken(Card(name="m", family="diffusers", pipeline="NoSuchPipeline")) == ["class 'NoSuchPipeline'"]
    klein = Card(name="m", family="diffusers", pipeline="HunyuanImagePipeline", settings={"guidance": 3.5})
    assert untaken(klein) == ["guidance"]
