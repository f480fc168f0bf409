"""The samples that a run needs, with their seeds and keys, planned before anything is generated."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from countcheck.resources import printable_path
from countcheck.suites.suite import Conversation, Prompt, Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything about a generator that can change its pictures; part of every sample's key.

    Attributes:
        name: As the user calls it; rates are reported under it.
        revision: Of the model: a commit, a date, a hash of weights; empty when the provider gives none.
        settings: Steps, guidance, size, dtype family and so on; plain JSON values. Never a key, a batch size or a device.
        content: What local files contain, and which commit a hub id is: place to digest. It is no part of a sample's
            key; a run refuses to go on with other content.
    """

    name: str
    revision: str = ""
    settings: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    content: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Escape bytes of file names that are not UTF-8: a recipe is stored as JSON."""
        object.__setattr__(self, "name", printable_path(self.name))
        settings = {k: printable_path(v) if isinstance(v, str) else v for k, v in self.settings.items()}
        object.__setattr__(self, "settings", settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One (generator, prompt or conversation, repeat): the unit of work, of resume and of statistics.

    Attributes:
        key: 32 hex digits; names the picture file. Same key, same picture: nothing is made twice.
        asked: The prompt or the conversation.
        repeat: From 0.
        seed: 0 to 2**31 - 1, from prompt and repeat alone: the same for every generator, so that runs pair.
    """

    key: str
    generator: str
    asked: Prompt | Conversation
    repeat: int
    seed: int

    @property
    def text(self) -> str:
        """The prompt, or the first message of the conversation."""
        return self.asked.text


def seed_of(asked: Prompt | Conversation, repeat: int) -> int:
    """Return a seed from 0 to 2**31 - 1 that depends on the text and the repeat, and on nothing else.

    >>> seed_of(Prompt(id="a", text="three pigs"), 0) == seed_of(Prompt(id="b", text="three pigs"), 0)
    True
    """
    digest = hashlib.sha256(f"{_messages(asked)}\x00{repeat}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def key_of(recipe: Recipe, asked: Prompt | Conversation, repeat: int) -> str:
    """Return 32 hex digits that change with anything that can change the picture, and with nothing else."""
    body = orjson.dumps(
        [
            recipe.name,
            recipe.revision,
            dict(recipe.settings),
            asked.id,
            _messages(asked),
            _extra(asked),
            repeat,
            seed_of(asked, repeat),
        ],
        option=orjson.OPT_SORT_KEYS,
        default=dict,
    )
    return hashlib.sha256(body).hexdigest()[:32]


def plan(suite: Suite, recipe: Recipe, *, repeats: int = 1) -> Iterator[Sample]:
    """Yield the samples that one generator makes of a suite, repeat by repeat, so that stopping early leaves a balanced run.

    Args:
        suite: The prompts and conversations.
        recipe: The generator's.
        repeats: Samples per prompt or conversation, 1 or more.

    >>> suite = Suite(name="pigs", prompts=(Prompt(id="a", text="three pigs"), Prompt(id="b", text="two pigs")))
    >>> [(sample.asked.id, sample.repeat) for sample in plan(suite, Recipe(name="tiny"), repeats=2)]
    [('a', 0), ('b', 0), ('a', 1), ('b', 1)]
    """
    for repeat in range(repeats):
        for asked in suite.asked:
            yield Sample(
                key=key_of(recipe, asked, repeat),
                generator=recipe.name,
                asked=asked,
                repeat=repeat,
                seed=seed_of(asked, repeat),
            )


def shuffle_prompts(samples: Sequence[Sample], seed: int = 0) -> list[Sample]:
    """Shuffle the prompts and keep each prompt's repeats together, so that a part of the run is a fair sample of it."""
    prompts: dict[str, list[Sample]] = {}
    for sample in samples:
        prompts.setdefault(sample.asked.id, []).append(sample)
    order = sorted(prompts)
    random.Random(seed).shuffle(order)
    return [sample for prompt_id in order for sample in sorted(prompts[prompt_id], key=lambda s: s.repeat)]


def _messages(asked: Prompt | Conversation) -> str:
    if isinstance(asked, Prompt):
        return asked.text
    return "\x1e".join(turn.say for turn in asked.turns)


def _extra(asked: Prompt | Conversation) -> list[object]:
    # The next message of a conversation depends on which targets its picture missed, so they are part of its key;
    # the `scenes` generator draws a prompt's targets, so they are too.
    if isinstance(asked, Prompt):
        return [list(asked.targets), dict(asked.tags)]
    return [asked.repairs, asked.on_refusal, [[list(t.targets), dict(t.tags)] for t in asked.turns]]
