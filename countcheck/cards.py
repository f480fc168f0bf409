"""Model cards and specs: what a generator or a counter is, and what a user sets of it.

A *card* (``models/generators/NAME.yaml``, ``models/counters/NAME.yaml``) describes a generator or a counter under a
short name. A *spec* is what a user types: ``tiny``, ``sdxl-turbo?steps=2``, ``diffusers:org/model?steps=4,dtype=bf16``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from countcheck.errors import BadSettings, UnknownName, field_problem, near_hint
from countcheck.registry import detector_families, generator_families, is_path
from countcheck.resources import printable_path, shipped
from countcheck.yaml_loader import read_yaml

Setting = str | int | float | bool | None
_BETWEEN = re.compile(r",(?=[A-Za-z_][\w.]*=)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One generator or counter under a short name, as it will be used.

    Attributes:
        name: As the user calls it: the spec, so that two settings of one model are two names.
        family: The adapter: ``diffusers``, ``openai``, ``tiny``, ``ultralytics`` ...
        source: Hub id, folder, model name or URL that the adapter loads; empty where it needs none.
        revision: Pinned revision of the source.
        licence: Of the weights or the service.
        settings: Handed to the adapter; it refuses those it does not know.
        price: USD per picture; ``None`` when unknown, or when ``pricing`` says it. ``priced``: the date of the price.
        pricing: The price as a formula over what a reply says was used, as written; `countcheck.generators.price` reads it.
        price_source: Where the price was read.
        price_bound: USD that a picture is taken to cost at most where no price says so, for budgets.
        price_note: Why there is no price, or what to mind about it.
        batch_price: Share of the price that a picture of a batch costs; ``None`` where there are no batches.
        pipeline: The diffusers class that the source is loaded as, where a test checks the settings against it.
        ends: The first day on which the model is no longer served; ``None`` when no end was announced.
        replaced_by: The card, or the spec, to use instead.
        rewrites: Whether what is drawn may be another text than the prompt: ``never``, ``always``, or ``unless`` the
            settings are those of ``rewrites_unless``; ``unknown`` or empty when nobody says.
        rewrites_unless: Settings with which the prompt is drawn as it was written; a list names several values.
        rule: How a counter's detections become counts, as written; `countcheck.counting.rule_settings` reads it.
        rule_changes: Fields of the rule that the spec sets, as written.
        measured: What is known of its quality, free form.
        vocabulary: Of a counter, in words: "open", "80 COCO nouns".
        size: Of the weights, in words: "2 MB", "172 M parameters".
        path: The card's file; ``None`` for a spec without a card.
    """

    name: str
    family: str
    source: str = ""
    revision: str = ""
    licence: str = ""
    about: str = ""
    pipeline: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    price: float | None = None
    pricing: Mapping[str, Any] = field(default_factory=dict)
    priced: str = ""
    price_source: str = ""
    price_bound: float | None = None
    price_note: str = ""
    batch_price: float | None = None
    ends: date | None = None
    replaced_by: str = ""
    rewrites: str = ""
    rewrites_unless: Mapping[str, Any] = field(default_factory=dict)
    rule: Mapping[str, Any] = field(default_factory=dict)
    rule_changes: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)
    vocabulary: str = ""
    size: str = ""
    path: Path | None = None


class _CardFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    family: str
    source: str = ""
    revision: str = ""
    licence: str = ""
    about: str = ""
    pipeline: str = ""
    settings: dict[str, Any] = {}
    price: float | None = Field(default=None, ge=0)
    pricing: dict[str, Any] = {}
    priced: str = ""
    price_source: str = ""
    price_bound: float | None = Field(default=None, gt=0)
    price_note: str = ""
    batch_price: float | None = Field(default=None, gt=0, le=1)
    ends: date | None = None
    replaced_by: str = ""
    rewrites: str | dict[str, Any] = ""
    rule: dict[str, Any] = {}
    measured: dict[str, Any] = {}
    vocabulary: str = ""
    size: str = ""

    @field_validator("rewrites", mode="before")
    @classmethod
    def _says_when(cls, value: Any) -> Any:
        unless = value.get("unless") if isinstance(value, dict) and len(value) == 1 else None
        if value not in ("", "never", "always", "unknown") and not (isinstance(unless, dict) and unless):
            raise ValueError("Give never, always, unknown, or unless: {SETTING: VALUE}")
        return value


def generator_cards() -> dict[str, Path]:
    """List the generator cards that ship: name to file."""
    return _cards("generators")


def counter_cards() -> dict[str, Path]:
    """List the counter cards that ship: name to file."""
    return _cards("counters")


def read_generator_card(spec: str) -> Card:
    """Read the card behind a generator spec, with the spec's settings laid over it.

    Raises:
        UnknownName: For a name that is neither card nor family, with near names.
        BadSettings: For a card that cannot be read, naming file and field.

    >>> read_generator_card("scenes?error_rate=0.1").settings["error_rate"]
    0.1
    """
    return _resolve("generator", spec, generator_cards(), generator_families())


def read_counter_card(spec: str, *, rule_settings: Collection[str] = ()) -> Card:
    """Read the card behind a counter spec, with the spec's settings laid over it.

    Args:
        spec: As the user writes it: ``tiny``, ``tiny?threshold=0.4``, ``onnx:FILE``, a card's file.
        rule_settings: Settings of the spec that belong to the counting rule; they become ``card.rule_changes``.

    Raises:
        UnknownName: For a name that is neither card nor family, with near names.
        BadSettings: For a card that cannot be read, naming file and field.

    >>> read_counter_card("tiny?threshold=0.4", rule_settings=["threshold"]).rule_changes["threshold"]
    0.4
    """
    return _resolve("counter", spec, counter_cards(), detector_families(), rule_settings)


def open_counters() -> list[str]:
    """List the names of the counters whose cards say that their vocabulary is open."""
    return [name for name, path in counter_cards().items() if read_card(path).vocabulary.startswith("open")]


def read_card(path: Path, *, name: str = "") -> Card:
    """Read one card file.

    Raises:
        BadSettings: When it cannot be read or a field is wrong, naming file and field.
    """
    try:
        data = read_yaml(path, error=BadSettings, what="card").data
        if isinstance(data, Mapping) and isinstance(data.get("price"), Mapping):  # a formula is read where it is used
            data = {**data, "price": None, "pricing": data["price"]}
        fields = _CardFile.model_validate(data)
    except ValidationError as error:
        problem = error.errors()[0]
        at_field = ".".join(map(str, problem["loc"])) if problem["type"] not in ("extra_forbidden", "missing") else ""
        wrong = field_problem(problem, _CardFile.model_fields)
        raise BadSettings(f"{path}: {at_field + ': ' if at_field else ''}{wrong} Fix the card.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: cannot be read ({error}).") from error
    body = fields.model_dump()
    if isinstance(fields.rewrites, dict):
        body |= {"rewrites": "unless", "rewrites_unless": fields.rewrites["unless"]}
    return Card(name=name or path.stem, path=path, **body)


def _cards(kind: str) -> dict[str, Path]:
    return {path.stem: path for path in sorted((shipped("models") / kind).glob("*.yaml"))}


def _resolve(
    kind: str,
    spec: str,
    cards: Mapping[str, Path],
    families: Mapping[str, str],
    rule_settings: Collection[str] = (),
) -> Card:
    head, _, query = spec.partition("?")
    settings = _settings(spec, query)
    family, colon, source = head.partition(":")
    if head in cards:
        card = read_card(cards[head])
    elif head.endswith((".yaml", ".yml")) and (family not in families or Path(head).is_file()):
        card = read_card(Path(head))
    elif is_path(head):
        card = Card(name=head, family=head)
    elif colon and family in cards and family not in families:
        # Another model: nothing is known of its end.
        card = replace(read_card(cards[family]), source=source, pipeline="", ends=None, replaced_by="")
    elif family in families:
        card = _as_known(Card(name=head, family=family, source=unquote(source)), cards)
        if not settings.get("base_url"):  # another server has prices of its own
            card = _with_known_formula(card, cards)
    else:
        raise UnknownName(kind, family, [*cards, *families])
    if settings.get("base_url"):
        card = replace(card, ends=None, replaced_by="")  # another server, which may serve what its maker ended
    if kind == "generator" and "ends" in settings:
        card = replace(card, ends=_date(spec, settings.pop("ends")))
    revision = str(settings.pop("revision", card.revision))
    rule_changes = {name: settings.pop(name) for name in list(settings) if name in rule_settings}
    return replace(
        card,
        name=printable_path(spec),
        revision=revision,
        rule_changes=rule_changes,
        settings={**card.settings, **settings},
    )


def _as_known(card: Card, cards: Mapping[str, Path]) -> Card:
    """Return a card made of a bare spec, with what a card that ships knows of the same model at the same service."""
    for path in cards.values() if card.source else ():
        if card.source not in path.read_text(encoding="utf-8"):
            continue  # most of them: a card is parsed only when it may be the one
        known = read_card(path)
        if (known.family, known.source) == (card.family, card.source) and "base_url" not in known.settings:
            return replace(
                card,
                ends=known.ends,
                replaced_by=known.replaced_by,
                rewrites=known.rewrites,
                rewrites_unless=known.rewrites_unless,
            )
    return card


def _with_known_formula(card: Card, cards: Mapping[str, Path]) -> Card:
    """Return a bare spec's card with the price of the card that ships under its model's name, where that is a formula.

    A number would be the price of that card's own settings.
    """
    if card.source not in cards:
        return card
    known = read_card(cards[card.source])
    if known.family != card.family or not known.pricing:
        return card
    return replace(
        card,
        pricing=known.pricing,
        priced=known.priced,
        price_source=known.price_source,
        price_note=known.price_note,
        batch_price=known.batch_price,
    )


def _date(spec: str, value: Setting) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise BadSettings(f"{spec}: ends is {value!r}. Give a date such as 2026-12-01, or none.") from None


def split_settings(query: str) -> list[str]:
    """Split what stands behind the ``?`` of a spec into settings, ``name=value`` each, as they are written.

    Between settings stands ``,`` or ``&``. A comma belongs to the value unless a name and ``=`` follow it; in a value with
    braces (JSON) it always does.

    >>> split_settings("steps=4,dtype=bf16&views=as_is,flip")
    ['steps=4', 'dtype=bf16', 'views=as_is,flip']
    """
    parts = [part for part in query.split("&") if part]
    return [piece for part in parts for piece in ([part] if "{" in part else _BETWEEN.split(part))]


def _settings(spec: str, query: str) -> dict[str, Setting]:
    pairs = parse_qsl("&".join(split_settings(query)), keep_blank_values=True)
    if query and not pairs:
        raise BadSettings(f"{spec}: {query!r} is not a list of settings. Write NAME?key=value,key=value.")
    return {name: _plain(value) for name, value in pairs}


def _plain(value: str) -> Setting:
    """Read numbers, true, false and none; anything else stays text."""
    lowered = value.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    if lowered in ("none", "null"):
        return None
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def fill(card: Card, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Lay the card's settings over an adapter's defaults; an adapter calls this first.

    Raises:
        BadSettings: For a setting the adapter does not know, with near names, or one of the wrong type.
    """
    for name, value in card.settings.items():
        if name not in defaults:
            hint = near_hint(name, defaults, cutoff=0.6)
            known = ", ".join(sorted(defaults)) or "none"
            raise BadSettings(f"{card.name}: no setting {name!r} for {card.family}.{hint} Known: {known}.")
        default = defaults[name]
        if isinstance(default, bool) != isinstance(value, bool) and default is not None and value is not None:
            raise BadSettings(f"{card.name}: {name} is {value!r}. Give {_wanted(default)}.")
        if isinstance(default, int | float) and not isinstance(value, int | float | None):
            raise BadSettings(f"{card.name}: {name} is {value!r}. Give {_wanted(default)}.")
    return {**defaults, **card.settings}


def _wanted(default: object) -> str:
    if isinstance(default, bool):
        return "true or false"
    return "a number" if isinstance(default, int | float) else "text"
