"""What a run was made with, typed: suite, generators, counter, self-test, settings, versions.

The ledger keeps it as JSON by name; only `countcheck.storage` reads those names. A record of an older version may lack
parts: they read as empty, and are written back as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from countcheck.counting.setting_names import OLD_RULE_NAMES, renamed
from countcheck.storage.stored_json import as_stored

_NAMED = (
    "name",
    "suite",
    "suite_digest",
    "suite_body",
    "generators",
    "generators_body",
    "repeats",
    "limit",
    "only",
    "versions",
    "device",
    "created",
    "counter",
    "controls",
    "counting",
    "until_decided",
    "counting_name",
    "countings",
    "default_counting",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorInfo:
    """One generator of a run, as recorded.

    Attributes:
        revision, settings: Its recipe: everything that can change a picture.
        content: Digests of the local files it is loaded from, and commits of hub ids, by place; empty in older runs.
        family: The name of its adapter.
        source: What the adapter loads or asks.
        price: USD a picture; ``None`` when unknown.
        priced: When the price was looked up.
        price_formula: The price in words, where the reply's usage decides it; empty in older runs.
        price_source: Where the price was read.
        traits: What it can do (seeded, batched, converses, edits, remote ...).
        skipped_conversations: Conversations of the suite that it cannot hold.
        rewrites: Whether prompts are rewritten before they are drawn (``never``, ``off``, ``on``, ``always``, ``unknown``); empty
            in older runs.
        recorded: The record as it stands in the ledger; empty for one that is not written yet.
    """

    revision: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    content: Mapping[str, str] = field(default_factory=dict)
    family: str = ""
    source: str = ""
    licence: str = ""
    price: float | None = None
    priced: str = ""
    price_formula: str = ""
    price_source: str = ""
    traits: Mapping[str, Any] = field(default_factory=dict)
    skipped_conversations: int = 0
    rewrites: str = ""
    recorded: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, body: Any) -> Self:
        """Read a record; older ones keep the recipe's parts beside the rest."""
        body = _mapping(body)
        recipe = _mapping(body.get("recipe")) or body
        return cls(
            revision=_text(recipe.get("revision")),
            settings=_mapping(recipe.get("settings")),
            content=_mapping(recipe.get("content")),
            family=_text(body.get("family")),
            source=_text(body.get("source")),
            licence=_text(body.get("licence")),
            price=body.get("price"),
            priced=_text(body.get("priced")),
            price_formula=_text(body.get("price_formula")),
            price_source=_text(body.get("price_source")),
            traits=_mapping(body.get("traits")),
            skipped_conversations=_whole(body.get("skipped_conversations")) or 0,
            rewrites=_text(body.get("rewrites")),
            recorded=body,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, as the ledger keeps them."""
        return dict(self.recorded) or {
            "recipe": {
                "revision": self.revision,
                "settings": dict(self.settings),
                **({"content": dict(self.content)} if self.content else {}),
            },
            "family": self.family,
            "source": self.source,
            "licence": self.licence,
            "price": self.price,
            "priced": self.priced,
            **({"price_formula": self.price_formula} if self.price_formula else {}),
            **({"price_source": self.price_source} if self.price_source else {}),
            "traits": dict(self.traits),
            "skipped_conversations": self.skipped_conversations,
            "rewrites": self.rewrites,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorInfo:
    """What identifies a detector: two countings with equal ones saw the same boxes."""

    family: str = ""
    source: str = ""
    revision: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, body: Any) -> Self:
        """Read a record."""
        body = _mapping(body)
        return cls(
            family=_text(body.get("family")),
            source=_text(body.get("source")),
            revision=_text(body.get("revision")),
            settings=renamed(_mapping(body.get("settings"))),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "family": self.family,
            "source": self.source,
            "revision": self.revision,
            "settings": dict(self.settings),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterInfo:
    """The counter of a run, as recorded; all empty when nothing was counted yet.

    Attributes:
        name: As in the counter's card.
        detector: What identifies its detector.
        rule: The counting rule's parameters by name; those of older versions under their new names.
        licence: Of the detector's weights.
        measured: What is known of its errors; ``calibrated_on`` names a run whose labels it was fitted to.
        vocabulary: The nouns it knows; ``None`` for any.
        recorded: The record as it stands in the ledger; empty for one that is not written yet.
    """

    name: str = ""
    detector: DetectorInfo = field(default_factory=DetectorInfo)
    rule: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""
    measured: Mapping[str, Any] = field(default_factory=dict)
    vocabulary: tuple[str, ...] | None = None
    recorded: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, body: Any) -> Self:
        """Read a record; ``None`` reads as an empty one."""
        body = _mapping(body)
        vocabulary = body.get("vocabulary")
        measured = _mapping(body.get("measured"))
        if "calibrated_on" in body and "calibrated_on" not in measured:
            measured = {**measured, "calibrated_on": body["calibrated_on"]}
        return cls(
            name=_text(body.get("name")),
            detector=DetectorInfo.from_json(body.get("detector")),
            rule=renamed(_mapping(body.get("rule")), OLD_RULE_NAMES),
            licence=_text(body.get("licence")),
            measured=measured,
            vocabulary=tuple(vocabulary) if isinstance(vocabulary, list | tuple) else None,
            recorded=body,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, as the ledger keeps them."""
        return dict(self.recorded) or {
            "name": self.name,
            "detector": self.detector.to_json(),
            "rule": dict(self.rule),
            "licence": self.licence,
            "measured": dict(self.measured),
            "vocabulary": None if self.vocabulary is None else list(self.vocabulary),
        }

    @property
    def calibrated(self) -> bool:
        """Whether the counter was calibrated by people's labels."""
        return bool(self.measured.get("calibrated_on"))

    def stored(self) -> CounterInfo:
        """The counter as it reads back out of a ledger, for comparing."""
        return CounterInfo.from_json(as_stored(self.to_json()))


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestScoreInfo:
    """How many control pictures of one style the counter counted right, of how many, and how many are needed."""

    passed: bool | None = None
    right: int | None = None
    total: int | None = None
    needed: int | None = None

    @classmethod
    def from_json(cls, body: Any) -> Self:
        """Read a record."""
        body = _mapping(body)
        return cls(
            passed=None if body.get("passed") is None else bool(body["passed"]),
            right=_whole(body.get("right")),
            total=_whole(body.get("total")),
            needed=_whole(body.get("needed")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestInfo:
    """The counter's self-test of a run, as recorded; all ``None`` when it could not be tested.

    Attributes:
        plain: On plain pictures.
        by_style: On pictures in each style of the suite.
        untested_styles: Styles of the suite in which no test picture can be drawn.
        unlike: Pictures of the run that look unlike those of the test, of ``compared``; 0 of 0 when none was compared.
        pasted, pasted_right: Pictures of the run with things of known number pasted in that were tried, and those counted
            right.
        recorded: The record as it stands in the ledger.
    """

    plain: SelfTestScoreInfo = field(default_factory=SelfTestScoreInfo)
    by_style: Mapping[str, SelfTestScoreInfo] = field(default_factory=dict)
    untested_styles: tuple[str, ...] = ()
    unlike: int = 0
    compared: int = 0
    pasted: int = 0
    pasted_right: int = 0
    recorded: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, body: Any) -> Self:
        """Read a record; ``None`` reads as an untested one."""
        body = _mapping(body)
        return cls(
            plain=SelfTestScoreInfo.from_json(body),
            by_style={
                style: SelfTestScoreInfo.from_json(score) for style, score in _mapping(body.get("by_style")).items()
            },
            untested_styles=tuple(map(str, body.get("untested_styles") or ())),
            unlike=_whole(_mapping(body.get("pictures")).get("unlike")) or 0,
            compared=_whole(_mapping(body.get("pictures")).get("compared")) or 0,
            pasted=_whole(_mapping(body.get("pictures")).get("pasted")) or 0,
            pasted_right=_whole(_mapping(body.get("pictures")).get("pasted_right")) or 0,
            recorded=body,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, as the ledger keeps them."""
        if self.recorded or self == SelfTestInfo():
            return dict(self.recorded)
        return {**asdict(self.plain), "by_style": {style: asdict(score) for style, score in self.by_style.items()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What a run was made with.

    Attributes:
        name: The run's, as recorded; empty when none is.
        suite, suite_digest: The suite's name, and a digest that changes with anything asked.
        suite_body: The suite itself; see `countcheck.suites.serialize`.
        generators: Name to what is recorded of it, in the order in which they were given.
        repeats: Tries of each prompt; ``None`` when not recorded.
        limit: At most this many samples of each generator; ``None`` for all.
        only: Tags that a prompt must have.
        versions: Program to version.
        device: What it ran on.
        created: When, ISO 8601, UTC.
        counter, self_test: Of the counting that is shown.
        counting: The id of the counting that is shown, from 1; 0 when nothing was counted yet.
        counting_name: Its name; empty when nothing was counted yet.
        countings: Names of all countings, the run's own first.
        until_decided: Why a gate ended the run early; empty when none did.
        extra: Whatever else is recorded.
    """

    name: str = ""
    suite: str = ""
    suite_digest: str = ""
    suite_body: Mapping[str, Any] = field(default_factory=dict)
    generators: Mapping[str, GeneratorInfo] = field(default_factory=dict)
    repeats: int | None = None
    limit: int | None = None
    only: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    device: str = ""
    created: str = ""
    counter: CounterInfo = field(default_factory=CounterInfo)
    self_test: SelfTestInfo = field(default_factory=SelfTestInfo)
    counting: int = 0
    counting_name: str = ""
    countings: tuple[str, ...] = ()
    until_decided: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read the record of a run: names to values, as the ledger keeps them."""
        generators = _mapping(body.get("generators"))
        return cls(
            name=_text(body.get("name")),
            suite=_text(body.get("suite")),
            suite_digest=_text(body.get("suite_digest")),
            suite_body=_mapping(body.get("suite_body")),
            generators={name: GeneratorInfo.from_json(generator) for name, generator in generators.items()},
            repeats=_whole(body.get("repeats")),
            limit=_whole(body.get("limit")),
            only=_mapping(body.get("only")),
            versions=_mapping(body.get("versions")),
            device=_text(body.get("device")),
            created=_text(body.get("created")),
            counter=CounterInfo.from_json(body.get("counter")),
            self_test=SelfTestInfo.from_json(body.get("controls")),
            counting=_whole(body.get("counting")) or 0,
            counting_name=_text(body.get("counting_name")),
            countings=tuple(body.get("countings") or ()),
            until_decided=_text(body.get("until_decided")),
            extra={name: value for name, value in body.items() if name not in _NAMED},
        )

    def to_json(self) -> dict[str, Any]:
        """What is recorded before the first sample: names to plain JSON values. A counting is recorded on its own."""
        body: dict[str, Any] = {
            "repeats": self.repeats,
            "limit": self.limit,
            "only": dict(self.only),
            "suite": self.suite,
            "suite_digest": self.suite_digest,
            "generators": {name: generator.to_json() for name, generator in self.generators.items()},
            "suite_body": dict(self.suite_body),
            "versions": dict(self.versions),
            "device": self.device,
            "created": self.created,
            **self.extra,
        }
        return {"name": self.name, **body} if self.name else body

    def called(self, name: str) -> RunInfo:
        """The same under a name, where none is recorded."""
        return self if self.name else replace(self, name=name)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) else None
