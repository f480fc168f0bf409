"""All that can be set, as frozen types: cards, specs, and what one run was told to do.

A *card* (``models/generators/NAME.yaml``, ``models/counters/NAME.yaml``) describes a generator or a counter under a
short name. A *spec* is what a user types: ``tiny``, ``sdxl-turbo?steps=2``, ``diffusers:org/model?dtype=bf16``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countcheck.counting.rule import Rule
from countcheck.errors import BadSettings, UnknownName
from countcheck.registry import detector_families, generator_families, is_path
from countcheck.resources import shipped
from countcheck.yaml_loader import read_yaml

Setting = str | int | float | bool | None


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
        price: USD per picture; ``None`` when unknown. ``priced``: the date of the price.
        rule: How a counter's detections become counts; counters only.
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
    settings: Mapping[str, Any] = field(default_factory=dict)
    price: float | None = None
    priced: str = ""
    rule: Rule = field(default_factory=Rule)
    measured: Mapping[str, Any] = field(default_factory=dict)
    vocabulary: str = ""
    size: str = ""
    path: Path | None = None


class _RuleFields(BaseModel):
    model_config = ConfigDict(extra="forbid")
    threshold: float = Field(default=0.3, ge=0, le=1)
    thresholds: dict[str, float] = {}
    by_style: dict[str, float] = {}
    margin: float = Field(default=0.0, ge=0, le=1)
    margin_below: float | None = Field(default=None, ge=0, le=1)
    merge_iou: float = Field(default=0.7, ge=0, le=1)
    containment: float = Field(default=0.9, ge=0, le=1)
    group_share: float = Field(default=0.8, ge=0, le=1)
    rival_iou: float = Field(default=0.8, ge=0, le=1)
    rival_lead: float = Field(default=1.0, ge=1)
    cut_off: bool = True
    of_best: float = Field(default=0.0, ge=0, le=1)
    glimpse: float = Field(default=1.0, ge=0, le=1)
    sure_to: int | None = Field(default=None, ge=0)
    floor: float = Field(default=0.05, ge=0, le=1)
    name: Literal["countcheck", "geneval"] = "countcheck"


class _CardFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    family: str
    source: str = ""
    revision: str = ""
    licence: str = ""
    about: str = ""
    settings: dict[str, Any] = {}
    price: float | None = Field(default=None, ge=0)
    priced: str = ""
    rule: _RuleFields = _RuleFields()
    measured: dict[str, Any] = {}
    vocabulary: str = ""
    size: str = ""


def generator_cards() -> dict[str, Path]:
    """Every generator card that ships: name to file."""
    return _cards("generators")


def counter_cards() -> dict[str, Path]:
    """Every counter card that ships: name to file."""
    return _cards("counters")


def read_generator_card(spec: str) -> Card:
    """The card behind a generator spec, with the spec's settings laid over it. Raises `UnknownName`, `BadSettings`."""
    return _resolve("generator", spec, generator_cards(), generator_families())


def read_counter_card(spec: str) -> Card:
    """The card behind a counter spec, with the spec's settings laid over it. Raises `UnknownName`, `BadSettings`."""
    return _resolve("counter", spec, counter_cards(), detector_families())


def open_counters() -> list[str]:
    """Names of the counters whose cards say that their vocabulary is open."""
    return [name for name, path in counter_cards().items() if read_card(path).vocabulary.startswith("open")]


def read_card(path: Path, *, name: str = "") -> Card:
    """One card file. Raises `BadSettings` naming file and field."""
    try:
        fields = _CardFile.model_validate(read_yaml(path, error=BadSettings, what="card").data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadSettings(f"{path}: {place}: {first['msg']}. Mend the card.") from error
    plain = fields.model_dump(exclude={"rule"})
    return Card(name=name or path.stem, path=path, rule=Rule(**fields.rule.model_dump()), **plain)


def _cards(kind: str) -> dict[str, Path]:
    return {path.stem: path for path in sorted((shipped("models") / kind).glob("*.yaml"))}


def _resolve(kind: str, spec: str, cards: Mapping[str, Path], families: Mapping[str, str]) -> Card:
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
        card = replace(read_card(cards[family]), source=source)
    elif family in families:
        card = Card(name=head, family=family, source=unquote(source))
    else:
        raise UnknownName(kind, family, [*cards, *families])
    changes: dict[str, Any] = {"name": spec, "settings": {**card.settings, **settings}}
    if "revision" in settings:
        changes["revision"] = str(settings.pop("revision"))
        changes["settings"] = {**card.settings, **settings}
    if kind == "counter":
        changes |= _rule_changes(spec, card, settings)
    return replace(card, **changes)


def _rule_changes(spec: str, card: Card, settings: dict[str, Setting]) -> dict[str, Any]:
    """A counter's spec may set plain fields of its rule: ``tiny?threshold=0.4``."""
    plain = set(_RuleFields.model_fields) - {"thresholds", "by_style", "name"}
    ruled = {name: settings.pop(name) for name in list(settings) if name in plain}
    try:
        fields = _RuleFields.model_validate(ruled).model_dump(include=set(ruled))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadSettings(f"{spec}: {first['loc'][0]}: {first['msg']}.") from error
    return {"rule": replace(card.rule, **fields), "settings": {**card.settings, **settings}}


def _settings(spec: str, query: str) -> dict[str, Setting]:
    pairs = parse_qsl(query, keep_blank_values=True)
    if query and not pairs:
        raise BadSettings(f"{spec}: {query!r} is not a list of settings. Write NAME?key=value&key=value.")
    return {name: _plain(value) for name, value in pairs}


def _plain(value: str) -> Setting:
    """Numbers, true and false become what they say; anything else stays text."""
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
    """The card's settings over an adapter's defaults; an adapter calls this first.

    Raises:
        BadSettings: For a setting the adapter does not know, with near names, or one of the wrong type.
    """
    for name, value in card.settings.items():
        if name not in defaults:
            near = difflib.get_close_matches(name, defaults, n=1, cutoff=0.6)
            hint = f" Did you mean {near[0]!r}?" if near else ""
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
