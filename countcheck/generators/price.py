"""What a picture costs: a number, or a formula over the tokens that a reply says were used.

A card states one of these under ``price``, with its day (``priced``) and its place (``price_source``)::

    price: 0.04                    # USD a picture

    price:                         # a formula
      per_million:                 # USD per million tokens, by field of `FIELDS`
        input_text: 5.00
        output_image: 30.00
      classes:                     # what one picture takes; the first class whose settings are the generator's holds
        - when: {quality: low, size: 1024x1024}
          tokens: {input_text: [5, 500], output_image: [196, 196]}     # least and most
        - tokens: {input_text: [5, 500], output_image: [129, 24000]}   # any other
        # or, for a price that a class alone decides:  usd: 0.08   or   usd: [0.04, 0.08]

The classes say what a picture costs before any reply came: the range that a dry run shows, and the upper bound that a
budget holds by. After a reply, its usage says it.

>>> card = Card(name="m", family="openai", pricing={"per_million": {"input_text": 5, "output_image": 30}})
>>> price = price_of(card)
>>> price.cost_of({"input_text": 20, "output_image": 1000})
0.0301
>>> price.cost_of({"input_text": 20}) is None, price.cost_of({"input_text": 20}, pictured=False)
(True, 0.0001)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from countcheck.cards import Card
from countcheck.errors import BadSettings, near_hint

# What a formula may name: kinds of tokens that a reply says were used.
FIELDS = (
    "input_text",
    "cached_input_text",
    "input_image",
    "cached_input_image",
    "output_text",
    "output_image",
    "chat_input",  # of a chat model that draws with a tool: what it read and wrote itself
    "cached_chat_input",
    "chat_output",
)
# Where a rate is not stated for tokens read from a cache, they cost as much as others.
_UNCACHED = {"cached_input_text": "input_text", "cached_input_image": "input_image", "cached_chat_input": "chat_input"}
_MILLION = 1_000_000

Usage: TypeAlias = Mapping[str, int]
Range: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceClass:
    """What one picture takes under some settings.

    Attributes:
        when: Settings and the values they must have; none holds for all.
        tokens: By field, the fewest and the most tokens of one picture.
        usd: USD a picture, least and most, where tokens do not decide it.
    """

    when: Mapping[str, Any] = field(default_factory=dict)
    tokens: Mapping[str, Range] = field(default_factory=dict)
    usd: Range | None = None

    def holds(self, settings: Mapping[str, Any]) -> bool:
        """Tell whether the class is that of a generator with these settings."""
        return all(str(settings.get(name, "")) == str(value) for name, value in self.when.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a generator's pictures cost, as its card says.

    Attributes:
        flat: USD a picture; ``None`` for a formula, and when unknown.
        rates: USD per million tokens, by field; empty without a formula.
        known_range: Least and most USD of one picture before any reply came; ``None`` when nothing says it.
        assumed_bound: USD that a picture is taken to cost at most although no price says so.
        priced, source, note: The day and the place of the price, and what to mind about it.
    """

    flat: float | None = None
    rates: Mapping[str, float] = field(default_factory=dict)
    known_range: Range | None = None
    assumed_bound: float | None = None
    priced: str = ""
    source: str = ""
    note: str = ""

    @property
    def bound(self) -> float | None:
        """Return the USD that one picture costs at most, as stated or assumed; ``None`` when nothing says it."""
        return self.known_range[1] if self.known_range is not None else self.assumed_bound

    def cost_of(self, usage: Usage, *, pictured: bool = True) -> float | None:
        """Return the USD of a reply by its usage; ``None`` without a formula, or when the usage does not decide it.

        A usage that names tokens without a rate decides nothing, nor does one of a picture that names no image tokens.

        Args:
            usage: Tokens by field of `FIELDS`.
            pictured: The reply holds a picture.
        """
        used = {name: count for name, count in usage.items() if count}
        if not self.rates or not used or (pictured and not used.get("output_image")):
            return None
        rates = {name: self._rate(name) for name in used}
        if None in rates.values():
            return None
        return sum(count * (rates[name] or 0.0) for name, count in used.items()) / _MILLION

    def _rate(self, name: str) -> float | None:
        rate = self.rates.get(name)
        return self.rates.get(_UNCACHED.get(name, "")) if rate is None else rate

    def in_words(self) -> str:
        """Write the price for people: a number, a range, a formula; or why it is unknown.

        >>> Price(flat=0.04, known_range=(0.04, 0.04)).in_words()
        '0.04 USD'
        >>> Price(note="the provider sets its own", assumed_bound=0.1).in_words()
        'unknown: the provider sets its own (taken as at most 0.1 USD)'
        """
        if self.known_range is not None:
            low, high = self.known_range
            return f"{low:.3g} USD" if low == high else f"{low:.2g} to {high:.2g} USD"
        assumed = "" if self.assumed_bound is None else f" (taken as at most {self.assumed_bound:g} USD)"
        if self.rates:
            return f"by the tokens that a reply says were used{assumed}"
        return f"unknown: {self.note or 'the card states none'}{assumed}"

    def formula(self) -> str:
        """Write the formula for people; empty without one."""
        rates = [f"{rate:g} {name.replace('_', ' ')}" for name, rate in self.rates.items()]
        return f"USD per million tokens: {', '.join(rates)}" if rates else ""


def price_of(card: Card, settings: Mapping[str, Any] | None = None) -> Price:
    """Read the price of a card.

    Args:
        card: Of the generator. With ``mode: batch`` among its settings, the price is that of a batch.
        settings: All settings of the generator, to find the class; the card's alone when left out.

    Raises:
        BadSettings: When the formula names an unknown field, or a number is none; says which and what to give.
    """
    settings = {**card.settings, **(settings or {})}
    share = 1.0
    if card.settings.get("mode") == "batch":
        share = 1.0 if card.batch_price is None else card.batch_price
    rates = _rates(card)
    note = card.price_note.rstrip(".")
    bound = None if card.price_bound is None else card.price_bound * share
    found = next((each for each in _classes(card) if each.holds(settings)), None)
    flat, known = _class_price(found, rates, share)
    if card.price is not None:
        flat = card.price * share
        known = (flat, flat)
    return Price(
        flat=flat,
        rates={name: rate * share for name, rate in rates.items()},
        known_range=known,
        assumed_bound=bound,
        priced=card.priced,
        source=card.price_source,
        note=note,
    )


def _class_price(
    found: PriceClass | None, rates: Mapping[str, float], share: float
) -> tuple[float | None, Range | None]:
    if found is None:
        return None, None
    if found.usd is not None:
        low, high = found.usd[0] * share, found.usd[1] * share
        return (low if low == high and not rates else None), (low, high)
    low, high = (
        sum(tokens[side] * rates[name] for name, tokens in found.tokens.items()) * share / _MILLION for side in (0, 1)
    )
    return None, (low, high)


def _rates(card: Card) -> dict[str, float]:
    for name in card.pricing:
        if name not in ("per_million", "classes"):
            raise BadSettings(
                f"{_place(card)}: price has no part {name!r}.{near_hint(name, ('per_million', 'classes'))} "
                "Give a number, or per_million and classes."
            )
    given = _mapping(card, "per_million", card.pricing.get("per_million", {}))
    for name, rate in given.items():
        _check_field(card, name, FIELDS)
        if not _is_number(rate):
            raise BadSettings(f"{_place(card)}: price.per_million.{name} is {rate!r}. Give USD per million tokens.")
    return {name: float(rate) for name, rate in given.items()}


def _classes(card: Card) -> list[PriceClass]:
    rates = card.pricing.get("per_million", {})
    listed = card.pricing.get("classes", [])
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise BadSettings(f"{_place(card)}: price.classes is {listed!r}. Give a list of classes.")
    classes = []
    for each in listed:
        body = _mapping(card, "classes", each)
        strange = next((name for name in body if name not in ("when", "tokens", "usd")), None)
        if strange is not None:
            raise BadSettings(f"{_place(card)}: a class of the price has no {strange!r}. Give when, tokens or usd.")
        tokens = _mapping(card, "classes.tokens", body.get("tokens", {}))
        for name in tokens:
            _check_field(card, name, [known for known in FIELDS if known in rates])
        classes.append(
            PriceClass(
                when=_mapping(card, "classes.when", body.get("when", {})),
                tokens={name: _range(card, name, value) for name, value in tokens.items()},
                usd=_range(card, "usd", body["usd"]) if "usd" in body else None,
            )
        )
    return classes


def _check_field(card: Card, name: object, known: Sequence[str]) -> None:
    if name not in known:
        hint = near_hint(str(name), known)
        rates = ", ".join(known) or "none, as per_million is empty"
        raise BadSettings(f"{_place(card)}: the price names an unknown field {name!r}.{hint} Known: {rates}.")


def _range(card: Card, name: str, value: Any) -> Range:
    ends = list(value) if isinstance(value, list | tuple) else [value, value]
    if len(ends) != 2 or not all(map(_is_number, ends)) or ends[0] > ends[1]:
        raise BadSettings(f"{_place(card)}: the price's {name} is {value!r}. Give a number, or [least, most].")
    return float(ends[0]), float(ends[1])


def _mapping(card: Card, name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadSettings(f"{_place(card)}: price.{name} is {value!r}. Give names and values.")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


def _place(card: Card) -> str:
    return str(card.path or card.name)
