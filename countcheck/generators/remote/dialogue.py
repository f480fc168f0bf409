"""Conversations with a remote generator: the provider's own history, kept between turns and between processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from countcheck.credentials import hidden
from countcheck.generators.outcome import Failure, Outcome, Picture
from countcheck.generators.remote.client import RemoteGenerator
from countcheck.generators.remote.reply import Ask
from countcheck.images.types import Pixels
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Turn


class ConversingGenerator(RemoteGenerator):
    """A remote generator that keeps conversations.

    A `countcheck.generators.remote.reply.Reply.history` of plain JSON (an id, a list of messages) is kept as it is, so
    that an interrupted conversation can go on. A provider whose history holds anything else overrides `pack` and
    `unpack`.
    """

    converses: ClassVar[bool] = True

    def pack(self, history: Any) -> Any:
        """Return a history as plain JSON that may hold ``bytes``, for pictures and other large parts."""
        return history

    def unpack(self, packed: Any) -> Any:
        """Return the history that was packed."""
        return packed

    def open(self, sample: Sample) -> RemoteDialogue:
        """Begin a conversation. Sends nothing yet."""
        return RemoteDialogue(self, sample)


class RemoteDialogue:
    """One conversation: the provider's history, turn after turn, and the history after the last picture."""

    def __init__(self, generator: ConversingGenerator, sample: Sample) -> None:
        self._generator = generator
        self._sample = sample
        self._history: Any = None
        self._history_at_picture: Any = None

    def state(self) -> Any:
        """Return both histories, without the key in case the service repeated it."""
        pack = self._generator.pack
        state = {
            "history": None if self._history is None else pack(self._history),
            "good": None if self._history_at_picture is None else pack(self._history_at_picture),
        }
        return hidden(state, self._generator.secrets)

    def restore(self, state: Any, picture: Callable[[int], Pixels]) -> None:
        """Continue from a state."""
        unpack = self._generator.unpack
        self._history = None if state["history"] is None else unpack(state["history"])
        self._history_at_picture = None if state["good"] is None else unpack(state["good"])

    def say(self, text: str, turn: int, expected: Turn) -> Outcome:
        """Send one message and return the outcome. A failure leaves the history as it was."""
        sample = self._sample
        asked = Ask(text=text, seed=sample.seed, key=sample.key, turn=turn, history=self._history)
        reply, outcome = self._generator.respond(asked)
        if not isinstance(outcome, Failure):
            self._history = reply.history
            if isinstance(outcome, Picture):
                self._history_at_picture = reply.history
        return outcome

    def rewind(self) -> None:
        """Forget everything after the last picture."""
        self._history = self._history_at_picture
