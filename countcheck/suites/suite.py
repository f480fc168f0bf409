"""Targets, prompts, conversations and the suite that holds them: types only, no files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import orjson


class Relation(StrEnum):
    """How a counted number must stand to the asked one."""

    EXACTLY = "exactly"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BETWEEN = "between"
    NONE = "none"
    MORE_THAN = "more_than"
    AS_MANY_AS = "as_many_as"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How many instances of one noun a picture must show.

    Attributes:
        noun: Singular, lower case; the name under which it is counted.
        relation: How the counted number must stand to ``count`` (or to the number of ``other``).
        count: The asked number, 0 or more; ``None`` only for MORE_THAN and AS_MANY_AS.
        upper: The upper end for BETWEEN, inclusive.
        other: The second noun for MORE_THAN ("more cats than dogs": noun cat, other dog) and AS_MANY_AS.
        phrase: What an open-vocabulary detector is asked for ("red apple"); the noun when empty.
        words: The words of the prompt that this target came from; empty when a suite states it.
    """

    noun: str
    relation: Relation = Relation.EXACTLY
    count: int | None = None
    upper: int | None = None
    other: str | None = None
    phrase: str = ""
    words: str = ""

    def __post_init__(self) -> None:
        if self.relation is Relation.NONE and self.count is None:
            object.__setattr__(self, "count", 0)
        if not self.phrase:
            object.__setattr__(self, "phrase", self.noun)

    @property
    def nouns(self) -> tuple[str, ...]:
        """The nouns that must be counted to judge this target."""
        return (self.noun,) if self.other is None else (self.noun, self.other)

    def holds(self, counts: Mapping[str, float]) -> bool:
        """Return whether counts meet the target.

        Args:
            counts: Noun to counted number, 0 or more; a half, such as the median of people's counts, is equal to none.

        Raises:
            KeyError: When one of the target's nouns was not counted.

        >>> Target(noun="pig", count=3).holds({"pig": 2})
        False
        """
        n = counts[self.noun]
        match self.relation:
            case Relation.EXACTLY | Relation.NONE:
                return n == self.count
            case Relation.AT_LEAST:
                return n >= (self.count or 0)
            case Relation.AT_MOST:
                return n <= (self.count or 0)
            case Relation.BETWEEN:
                return (self.count or 0) <= n <= (self.upper or 0)
            case Relation.MORE_THAN:
                return n > counts[self.other or ""]
            case Relation.AS_MANY_AS:
                return n == counts[self.other or ""]

    def sentence(
        self,
        *,
        number: Callable[[int], str] = str,
        things: Callable[[int, str], str] = "{} {}".format,
        many: Callable[[str], str] = str,
    ) -> str:
        """Return the target in plain words.

        Args:
            number: Writes a number that stands alone.
            things: Writes a number and its noun.
            many: Writes a noun without a number.

        >>> Target(noun="pig", count=3).sentence()
        'exactly 3 pig'
        >>> Target(noun="cat", relation=Relation.MORE_THAN, other="dog").sentence()
        'more cat than dog'
        """
        match self.relation:
            case Relation.NONE:
                return f"no {many(self.noun)}"
            case Relation.BETWEEN:
                return f"between {number(self.count or 0)} and {things(self.upper or 0, self.noun)}"
            case Relation.MORE_THAN:
                return f"more {many(self.noun)} than {many(self.other or '')}"
            case Relation.AS_MANY_AS:
                return f"as many {many(self.noun)} as {many(self.other or '')}"
            case _:
                return f"{self.relation.replace('_', ' ')} {things(self.count or 0, self.noun)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """One noun as a suite describes it.

    Attributes:
        name: Singular; the word used in targets.
        phrase: What an open-vocabulary detector is asked for; the name when empty.
        plural: For templates and sentences; made by rule when empty.
        synonyms: Other names whose detections are joined to this noun.
        distractors: Lookalikes scored against it, so that a boar is not counted as a pig.
    """

    name: str
    phrase: str = ""
    plural: str = ""
    synonyms: tuple[str, ...] = ()
    distractors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One text and the targets that its picture must meet.

    Attributes:
        id: Unique in its suite.
        text: Sent to the generator.
        targets: Must all hold; empty when only refusals are of interest.
        tags: Style, scene, number form and so on: rates are split by them.
        group: Prompts that ask the same in other words or styles share one.
        benign: Whether nothing in it gives a reason to refuse.
        not_understood: Pieces of the text with a number that could not be read to a target; empty when a suite states its
            targets. No part of the suite's digest.
    """

    id: str
    text: str
    targets: tuple[Target, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    benign: bool = True
    not_understood: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message to the model in a conversation, and the targets of its picture (those of earlier turns included)."""

    say: str
    targets: tuple[Target, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Turns, and how many repairs to ask for after a turn whose picture is wrong.

    Attributes:
        id: Unique in its suite, among prompts too.
        repairs: The most repairs to ask for after one turn, 0 or more.
        on_refusal: ``continue`` with the next turn, ``rewind`` to the last picture first, or ``stop``.
    """

    id: str
    turns: tuple[Turn, ...]
    repairs: int = 0
    on_refusal: str = "continue"
    tags: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    benign: bool = True

    @property
    def text(self) -> str:
        """The first message; shown where a prompt's text would be."""
        return self.turns[0].say


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A line (from 1) that was left out, and why; as a remark, a line that was kept and what of it could not be read."""

    line: int
    why: str

    @classmethod
    def not_understood(cls, line: int, prompt: Prompt) -> Skipped:
        """Return the remark on a prompt of whose text something was not understood."""
        return cls(line=line, why=f"not understood: {', '.join(repr(piece) for piece in prompt.not_understood)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Prompts, conversations, the nouns in them, and the lines of the source that were left out."""

    name: str
    description: str = ""
    prompts: tuple[Prompt, ...] = ()
    conversations: tuple[Conversation, ...] = ()
    nouns: Mapping[str, Noun] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    remarks: tuple[Skipped, ...] = ()
    source: str = ""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every noun that some target needs counted, sorted."""
        return tuple(sorted({noun for target in self.targets for noun in target.nouns}))

    @property
    def targets(self) -> tuple[Target, ...]:
        """Every target of every prompt and turn."""
        turns = (turn for conversation in self.conversations for turn in conversation.turns)
        messages: list[Prompt | Turn] = [*self.prompts, *turns]
        return tuple(target for message in messages for target in message.targets)

    @property
    def not_understood(self) -> tuple[Prompt, ...]:
        """The prompts of whose text something with a number was not understood."""
        return tuple(prompt for prompt in self.prompts if prompt.not_understood)

    @property
    def asked(self) -> tuple[Prompt | Conversation, ...]:
        """Prompts, then conversations: each is one sample per repeat."""
        return (*self.prompts, *self.conversations)

    @property
    def digest(self) -> str:
        """32 hex digits that change when anything asked changes; description, source and remarks aside."""
        body = orjson.dumps(
            [[_DigestedPrompt.of(prompt) for prompt in self.prompts], self.conversations, dict(self.nouns)],
            default=_plain,
            option=orjson.OPT_SORT_KEYS,
        )
        return hashlib.sha256(body).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class _DigestedPrompt:
    """The fields of a prompt that its suite's digest covers, in the order that digests of older runs have."""

    id: str
    text: str
    targets: tuple[Target, ...]
    tags: Mapping[str, str]
    group: str | None
    benign: bool

    @classmethod
    def of(cls, prompt: Prompt) -> _DigestedPrompt:
        return cls(
            id=prompt.id,
            text=prompt.text,
            targets=prompt.targets,
            tags=prompt.tags,
            group=prompt.group,
            benign=prompt.benign,
        )


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"cannot digest {type(value).__name__}")
