"""How long models are served: what a card says of a model's end, on the day that is asked about.

``COUNTCHECK_TODAY`` sets that day, to see what a command will say on it.
"""

from __future__ import annotations

import os
from datetime import date, timedelta
from enum import StrEnum

from countcheck.cards import Card
from countcheck.errors import BadSettings

SOON = timedelta(days=60)
"""How long before a model's end it is marked."""
_TODAY = "COUNTCHECK_TODAY"


class Lifetime(StrEnum):
    """Where a model stands on a day: served with no end near, ending within `SOON`, or ended."""

    SERVED = "served"
    ENDING = "ending"
    ENDED = "ended"


def today() -> date:
    """Return the day that ends are compared with: ``COUNTCHECK_TODAY``, or the machine's own.

    Raises:
        BadSettings: When the variable holds no date.
    """
    given = os.environ.get(_TODAY, "").strip()
    if not given:
        return date.today()
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise BadSettings(f"{_TODAY} is {given!r}. Give a date such as 2026-12-02.") from None


def lifetime_of(card: Card, day: date) -> Lifetime:
    """Tell where a card's model stands on a day.

    >>> card = Card(name="old", family="openai", ends=date(2026, 12, 1))
    >>> [str(lifetime_of(card, date.fromisoformat(day))) for day in ("2026-09-01", "2026-11-28", "2026-12-01")]
    ['served', 'ending', 'ended']
    """
    if card.ends is None or card.ends - day > SOON:
        return Lifetime.SERVED
    return Lifetime.ENDED if day >= card.ends else Lifetime.ENDING


def end_in_words(card: Card, day: date) -> str:
    """Say in a few words when a card's model ends or ended, and what to use instead; nothing without an end.

    >>> card = Card(name="old", family="openai", ends=date(2026, 12, 1), replaced_by="new")
    >>> end_in_words(card, date(2026, 11, 28)), end_in_words(card, date(2026, 12, 2))
    ('ends 2026-12-01, in 3 days; use new', 'ended 2026-12-01; use new')
    """
    if card.ends is None:
        return ""
    instead = f"; use {card.replaced_by}" if card.replaced_by else ""
    match lifetime_of(card, day):
        case Lifetime.ENDED:
            return f"ended {card.ends}{instead}"
        case Lifetime.ENDING:
            days = (card.ends - day).days
            return f"ends {card.ends}, in {days} day{'' if days == 1 else 's'}{instead}"
        case _:
            return f"ends {card.ends}{instead}"


def ended_sentence(card: Card, day: date) -> str:
    """Return what is wrong with asking for pictures of a model on a day; nothing while it is served.

    >>> card = Card(name="old", family="openai", ends=date(2026, 12, 1), replaced_by="new")
    >>> ended_sentence(card, date(2026, 12, 2))
    'old: its end was announced for 2026-12-01. Use new, or add ends=none to its settings if it still answers.'
    """
    if lifetime_of(card, day) is not Lifetime.ENDED:
        return ""
    otherwise = "add ends=none to its settings if it still answers"
    what = f"Use {card.replaced_by}, or {otherwise}." if card.replaced_by else f"{otherwise.capitalize()}."
    return f"{card.name}: its end was announced for {card.ends}. {what}"


def require_served(card: Card, day: date) -> None:
    """Accept a card whose model is served on a day.

    Raises:
        BadSettings: When it has ended; names the replacement.
    """
    if sentence := ended_sentence(card, day):
        raise BadSettings(sentence)
