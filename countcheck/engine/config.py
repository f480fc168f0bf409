"""What one run is to make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from countcheck.cards import Card
from countcheck.engine.shard import Shard
from countcheck.errors import BadInput
from countcheck.images.encode import PNG
from countcheck.suites.suite import Conversation, Prompt, Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What one run is to make.

    Attributes:
        suite: What is asked.
        generators: Cards of the generators.
        path: The run folder, new or begun with the same settings.
        repeats: Samples of every prompt, 1 or more.
        limit: Largest number of samples of each generator, 1 or more; ``None`` for all.
        only: Tags that a prompt or conversation must have.
        budget: USD, 0 or more; nothing is begun that it may not cover, as cards state. ``None`` for no limit.
        retry_failed: Make the samples again that ended in a failure.
        truncated: ``judge`` to judge pictures of prompts of which the model did not read the end; ``leave out`` to
            count them as not scored.
        wait: Wait for the answers of batches instead of ending once they are handed in.
        forget_batches: Ask again for what was handed in and not fetched; it is paid for again.
        shard: The part of the run to make, in a folder of its own; ``None`` for all of it.
        image_format: Of saved pictures, one of `countcheck.images.encode.FORMATS`.
        pictures_url: Where pictures are saved, as in ``s3://bucket/pigs``; empty for the run folder.
    """

    suite: Suite
    generators: Sequence[Card]
    path: Path
    repeats: int = 1
    limit: int | None = None
    only: Mapping[str, str] | None = None
    budget: float | None = None
    retry_failed: bool = False
    truncated: Literal["leave out", "judge"] = "leave out"
    wait: bool = False
    forget_batches: bool = False
    shard: Shard | None = None
    image_format: str = PNG
    pictures_url: str = ""

    def selected_suite(self) -> Suite:
        """Return the suite without what lacks a tag of ``only``.

        Raises:
            BadInput: When nothing is left.
        """
        only = self.only or {}

        def selected(asked: Prompt | Conversation) -> bool:
            return all(asked.tags.get(tag) == value for tag, value in only.items())

        suite = self.suite
        if only:
            suite = replace(
                suite,
                prompts=tuple(prompt for prompt in suite.prompts if selected(prompt)),
                conversations=tuple(conversation for conversation in suite.conversations if selected(conversation)),
            )
        if not suite.asked:
            raise BadInput(f"no prompt of {suite.name} has the tags {dict(only)}. Nothing to make.")
        return suite
