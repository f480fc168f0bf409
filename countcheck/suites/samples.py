"""Samples, seeds and keys: which pictures a run needs, decided before anything is made."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from countcheck.suites.suite import Conversation, Prompt, Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything of a generator that can change its pictures: part of every sample's key.

    Attributes:
        name: As the user calls it; rates are reported under it.
        revision: Of the model: a commit, a date, a hash of weights; empty when the provider tells none.
        settings: Steps, guidance, size, dtype family and so on; plain JSON values. Never a key, a batch size or a device.
    """

    name: str
    revision: str = ""
    settings: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)


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
        """What is said first."""
        return self.asked.text


def seed_of(asked: Prompt | Conversation, repeat: int) -> int:
    """A seed from 0 to 2**31 - 1 that depends on what is asked and the repeat, on nothing else."""
    digest = hashlib.sha256(f"{_saying(asked)}\x00{repeat}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


def key_of(recipe: Recipe, asked: Prompt | Conversation, repeat: int) -> str:
    """32 hex digits that change with anything that can change the picture, and with nothing else."""
    body = orjson.dumps(
        [
            recipe.name,
            recipe.revision,
            dict(recipe.settings),
            asked.id,
            _saying(asked),
            _extra(asked),
            repeat,
            seed_of(asked, repeat),
        ],
        option=orjson.OPT_SORT_KEYS,
        default=dict,
    )
    return hashlib.sha256(body).hexdigest()[:32]


def plan(suite: Suite, recipe: Recipe, *, repeats: int = 1) -> Iterator[Sample]:
    """The samples that one generator owes a suite: repeat by repeat, so that stopping early leaves a balanced run."""
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
    """Shuffle the prompts and keep each prompt's repeats together, so that looking at a part of the run is fair."""
    prompts: dict[str, list[Sample]] = {}
    for sample in samples:
        prompts.setdefault(sample.asked.id, []).append(sample)
    order = sorted(prompts)
    random.Random(seed).shuffle(order)
    return [sample for prompt_id in order for sample in sorted(prompts[prompt_id], key=lambda s: s.repeat)]


def _saying(asked: Prompt | Conversation) -> str:
    if isinstance(asked, Prompt):
        return asked.text
    return "\x1e".join(turn.say for turn in asked.turns)


def _extra(asked: Prompt | Conversation) -> list[object]:
    # What a conversation says next depends on what it finds wrong, so its targets are part of its key;
    # the `scenes` generator draws targets, so a prompt's are too.
    if isinstance(asked, Prompt):
        return [list(asked.targets), dict(asked.tags)]
    return [asked.repairs, asked.on_refusal, [[list(t.targets), dict(t.tags)] for t in asked.turns]]
