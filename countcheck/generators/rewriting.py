"""Whether a generator draws the prompt as it was written, or a text that its provider made of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from countcheck.cards import Card
from countcheck.generators.remote.http import given_fields


class Rewriting(StrEnum):
    """Whether a prompt is rewritten before it is drawn.

    ``NEVER``: nothing can rewrite it. ``OFF``: the settings turn rewriting off. ``ON``: they leave it on. ``ALWAYS``: it
    cannot be turned off. ``UNKNOWN``: nobody says.
    """

    NEVER = "never"
    OFF = "off"
    ON = "on"
    ALWAYS = "always"
    UNKNOWN = "unknown"

    @property
    def happens(self) -> bool:
        """Tell whether prompts are known to be rewritten."""
        return self in (Rewriting.ON, Rewriting.ALWAYS)


def rewriting_of(card: Card, settings: Mapping[str, Any]) -> Rewriting:
    """Tell whether a prompt is rewritten.

    Args:
        card: Says whether the model's provider rewrites.
        settings: With which the model is asked, the adapter's defaults included.

    >>> card = Card(name="m", family="dashscope", rewrites="unless", rewrites_unless={"prompt_extend": False})
    >>> str(rewriting_of(card, {"prompt_extend": False})), str(rewriting_of(card, {"prompt_extend": True}))
    ('off', 'on')
    """
    match card.rewrites:
        case "never" | "always":
            return Rewriting(card.rewrites)
        case "unless":
            return Rewriting.OFF if _holds(card.rewrites_unless, settings) else Rewriting.ON
        case _:
            return Rewriting.UNKNOWN


def rewriting_sentence(card: Card, rewriting: Rewriting) -> str:
    """Return what a person must know before such prompts are drawn; nothing where they are not known to be rewritten.

    >>> rewriting_sentence(Card(name="m", family="openai", rewrites="always"), Rewriting.ALWAYS)
    'm rewrites prompts, which cannot be turned off: what is counted may not be what was asked'
    """
    match rewriting:
        case Rewriting.ALWAYS:
            return (
                f"{card.name} rewrites prompts, which cannot be turned off: what is counted may not be what was asked"
            )
        case Rewriting.ON:
            off = ",".join(_written(name, value) for name, value in card.rewrites_unless.items())
            return f"{card.name} rewrites prompts: what is counted may not be what was asked. {off} turns that off"
        case _:
            return ""


def _holds(wanted: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Tell whether settings, or the fields inside them, have the wanted values."""
    for name, value in wanted.items():
        given = settings.get(name)
        if isinstance(value, Mapping):
            if not (isinstance(given, Mapping | str) and _holds(value, given_fields(given, name=name))):
                return False
        elif given not in (value if isinstance(value, list) else [value]):
            return False
    return True


def _written(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(_written(f"{name}.{inner}", each) for inner, each in value.items())
    value = value[0] if isinstance(value, list) else value
    return f"{name}={str(value).lower() if isinstance(value, bool) or value is None else value}"
