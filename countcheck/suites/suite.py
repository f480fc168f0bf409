"""What is asked: targets, prompts, conversations and the suite that holds them. No files here, no YAML."""

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
    """What must be seen of one noun.

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

    def holds(self, counts: Mapping[str, int]) -> bool:
        """Whether the counts meet the target. Raises ``KeyError`` when one of its nouns was not counted."""
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
        """The target in plain words: "exactly 3 pig", "more cat than dog".

        Args:
            number: Words a number that stands alone.
            things: Words a number of a noun.
            many: Words a noun without a number.
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
    """What a suite says of one noun.

    Attributes:
        name: Singular; the word used in targets.
        phrase: What an open-vocabulary detector is asked for; the name when empty.
        plural: For wording templates; made by rule when empty.
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
    """One text and what its picture must show.

    Attributes:
        id: Unique in its suite.
        text: What the generator is told.
        targets: What must hold; empty when only refusals are of interest.
        tags: Style, scene, number form and so on: the axes that rates are split by.
        group: Prompts that ask the same in other words or styles share one.
        benign: Nothing in it gives a reason to refuse.
    """

    id: str
    text: str
    targets: tuple[Target, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    benign: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One thing said in a conversation, and what must hold after it (already carried over from earlier turns)."""

    say: str
    targets: tuple[Target, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Turns, and how many repairs to try after a turn whose picture is wrong.

    Attributes:
        id: Unique in its suite, among prompts too.
        repairs: Most repairs to ask for after one turn, 0 or more.
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
        """What opens the conversation; shown where a prompt's text would be."""
        return self.turns[0].say


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A line that was left out, and why; as a remark, a line that was kept and what of it could not be read."""

    line: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Prompts and conversations with what each must show, the nouns they speak of, and the lines left out."""

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
        found = {noun for target in self.targets for noun in target.nouns}
        return tuple(sorted(found))

    @property
    def targets(self) -> tuple[Target, ...]:
        """Every target of every prompt and turn."""
        turns = (turn for talk in self.conversations for turn in talk.turns)
        asked: list[Prompt | Turn] = [*self.prompts, *turns]
        return tuple(target for said in asked for target in said.targets)

    @property
    def asked(self) -> tuple[Prompt | Conversation, ...]:
        """Prompts, then conversations: each is one sample a repeat."""
        return (*self.prompts, *self.conversations)

    @property
    def digest(self) -> str:
        """32 hex digits that change when anything asked changes; texts of description and source aside."""
        body = orjson.dumps(
            [self.prompts, self.conversations, dict(self.nouns)],
            default=_plain,
            option=orjson.OPT_SORT_KEYS,
        )
        return hashlib.sha256(body).hexdigest()[:32]


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"cannot digest {type(value).__name__}")
