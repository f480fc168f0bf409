"""A conversation with a generator that only edits pictures: each turn changes the last picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from countcheck.generators.base import Edits, Generator
from countcheck.generators.outcome import Failure, Fault, Outcome, Picture
from countcheck.images.types import Pixels
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Prompt, Turn


class EditingDialogue:
    """A `countcheck.generators.base.Dialogue` made of edits.

    Args:
        generator: Makes the first picture.
        editor: The same generator, as one that edits.
        sample: The conversation.
    """

    def __init__(self, generator: Generator, editor: Edits, sample: Sample) -> None:
        self._generator = generator
        self._editor = editor
        self._sample = sample
        self._picture: Pixels | None = None
        self._picture_turn: int | None = None

    def state(self) -> Any:
        """Return the turn that made the last picture; the picture itself lies in the run."""
        return {"drawn": self._picture_turn}

    def restore(self, state: Any, picture: Callable[[int], Pixels]) -> None:
        """Continue with the last picture as it lies in the run."""
        self._picture_turn = state["drawn"]
        self._picture = None if self._picture_turn is None else picture(self._picture_turn)

    def say(self, text: str, turn: int, expected: Turn) -> Outcome:
        """Edit the last picture, or make the first one."""
        if self._picture is None:
            outcome = self._generate(text, turn, expected)
        else:
            outcome = self._editor.edit(self._sample, self._picture, text, turn, expected.targets)
        if isinstance(outcome, Picture):
            self._picture, self._picture_turn = outcome.pixels, turn
        return outcome

    def rewind(self) -> None:
        """Do nothing: an editor is only ever shown the last picture."""

    def _generate(self, text: str, turn: int, expected: Turn) -> Outcome:
        prompt = Prompt(id=self._sample.asked.id, text=text, targets=expected.targets, tags=expected.tags)
        for outcome in self._generator.generate([replace(self._sample, asked=prompt)]):
            return replace(outcome, turn=turn)
        return Failure(key=self._sample.key, turn=turn, fault=Fault.INTERRUPTED, message="stopped before it was asked.")
