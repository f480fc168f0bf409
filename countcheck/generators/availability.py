"""Compare cards with what services and the Hugging Face hub say of their models now. Asks over the network.

Services are asked that list their models (`countcheck.generators.base.ListsModels`) and whose key is set; the hub is
asked for the models of local cards.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from countcheck.cards import Card
from countcheck.credentials import redact
from countcheck.errors import CountcheckError, MissingExtra
from countcheck.generators.base import Closable, ListsModels
from countcheck.registry import load_generator_class, provider_families

HUB_FAMILIES = ("diffusers", "transformers")
HUB = "the hub"
_AT_ONCE = 8  # requests to the hub
_TIMEOUT = 20.0  # seconds for one request to the hub


class Standing(StrEnum):
    """How a card compares with what was found: it ``AGREES``, it ``DIFFERS``, or nobody could be ``ASKED`` (``UNASKED``)."""

    AGREES = "agrees"
    DIFFERS = "differs"
    UNASKED = "unasked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is known of one card's model now.

    Attributes:
        card: The card's name.
        asked: Who was asked: a family, or the hub.
        says: A sentence without its full stop; empty when the card agrees and there is nothing to say.
    """

    card: str
    asked: str
    standing: Standing
    says: str = ""


def check_availability(cards: Iterable[Card], day: date) -> list[Finding]:
    """Ask every service that lists its models, and the hub, about the models of cards; in the order of the cards.

    Args:
        cards: Cards of generators; those nobody can be asked about are left out.
        day: The day that ends are compared with.
    """
    cards, services = list(cards), provider_families()
    of_hub = [card for card in cards if card.family in HUB_FAMILIES and card.source.count("/") == 1]
    of_services: dict[str, list[Card]] = {}
    for card in cards:
        if card.family not in services or card.settings.get("base_url"):
            continue
        if issubclass(load_generator_class(card.family), ListsModels):
            of_services.setdefault(card.family, []).append(card)
    findings = [finding for group in of_services.values() for finding in _of_service(group, day)]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        findings += pool.map(_of_hub, of_hub)
    place = {card.name: number for number, card in enumerate(cards)}
    return sorted(findings, key=lambda finding: place[finding.card])


def _of_service(cards: Sequence[Card], day: date) -> list[Finding]:
    family = cards[0].family
    try:
        listed = _models_of(replace(cards[0], settings={"timeout": _TIMEOUT}))
    except Exception as error:  # clients fail in their own ways; each is a reason why nothing was learned
        reason = str(error) if isinstance(error, CountcheckError) else f"{type(error).__name__}: {error}"
        said = redact(" ".join(reason.split()), ())[:200].rstrip(".")
        return [Finding(card=card.name, asked=family, standing=Standing.UNASKED, says=said) for card in cards]
    return [_compared(card, listed, day) for card in cards]


def _models_of(card: Card) -> Mapping[str, date | None]:
    generator = load_generator_class(card.family)(card)
    assert isinstance(generator, ListsModels)
    try:
        return generator.list_models()
    finally:
        if isinstance(generator, Closable):
            generator.close()


def _compared(card: Card, listed: Mapping[str, date | None], day: date) -> Finding:
    """Compare a card's end with the service's list.

    >>> card = Card(name="old", family="openai", source="old", ends=date(2026, 12, 1))
    >>> _compared(card, {"old": date(2026, 11, 1)}, date(2026, 10, 1)).says
    'the service says that it ends on 2026-11-01, the card 2026-12-01'
    """
    over = card.ends is not None and day >= card.ends
    if card.source not in listed:
        says = "" if over else "the service does not list it"
    elif (end := listed[card.source]) is not None and end != card.ends:
        says = f"the service says that it ends on {end}, the card {card.ends or 'names no end'}"
    elif over:
        says = f"the service still lists it, past the card's {card.ends}"
    else:
        says = ""
    standing = Standing.DIFFERS if says else Standing.AGREES
    return Finding(card=card.name, asked=card.family, standing=standing, says=says)


def _of_hub(card: Card) -> Finding:
    try:
        standing, says = _asked_of_hub(card)
    except Exception as error:  # no network, no package, an odd answer: nothing was learned
        standing, says = Standing.UNASKED, f"{type(error).__name__}: {' '.join(str(error).split())}"[:200].rstrip(".")
    return Finding(card=card.name, asked=HUB, standing=standing, says=says)


def _asked_of_hub(card: Card) -> tuple[Standing, str]:
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
    except ImportError as error:
        raise MissingExtra("local", feature="asking the hub") from error
    hub = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)
    try:
        found = hub.model_info(card.source, revision=card.revision or None, timeout=_TIMEOUT)
    except GatedRepoError:
        return Standing.AGREES, "asks for consent to its licence on the hub"
    except RevisionNotFoundError:
        return Standing.DIFFERS, f"the hub has no revision {card.revision!r} of {card.source}"
    except RepositoryNotFoundError:
        return Standing.DIFFERS, f"the hub shows no model {card.source}: it is gone, renamed or private"
    if getattr(found, "disabled", None):
        return Standing.DIFFERS, f"the hub has disabled {card.source}"
    if found.id and found.id != card.source:
        return Standing.DIFFERS, f"the hub calls it {found.id} now"
    return Standing.AGREES, "asks for consent to its licence on the hub" if found.gated else ""
