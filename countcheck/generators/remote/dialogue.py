"""One conversation with a remote generator: the adapter's own history, kept between turns and between processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from countcheck.credentials import hidden
from countcheck.generators.outcome import Failure, Outcome, Picture
from countcheck.generators.remote.reply import Ask
from countcheck.images.types import Pixels
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Turn

if TYPE_CHECKING:
    from countcheck.generators.remote.client import ConversingGenerator


class RemoteDialogue:
    """One conversation: the adapter's own history, turn after turn, and the place to rewind to."""

    def __init__(self, generator: ConversingGenerator, sample: Sample) -> None:
        self._generator = generator
        self._sample = sample
        self._history: Any = None
        self._good: Any = None

    def state(self) -> Any:
        """The history, and the one to rewind to; without the key, should the service have repeated it."""
        pack = self._generator.pack
        state = {
            "history": None if self._history is None else pack(self._history),
            "good": None if self._good is None else pack(self._good),
        }
        return hidden(state, self._generator.secrets)

    def restore(self, state: Any, picture: Callable[[int], Pixels]) -> None:
        """Go on from a state."""
        unpack = self._generator.unpack
        self._history = None if state["history"] is None else unpack(state["history"])
        self._good = None if state["good"] is None else unpack(state["good"])

    def say(self, text: str, turn: int, expected: Turn) -> Outcome:
        """Speak, and get what the model answers; a failure leaves the history as it was."""
        sample = self._sample
        asked = Ask(text=text, seed=sample.seed, key=sample.key, turn=turn, history=self._history)
        reply, outcome = self._generator.respond(asked)
        if not isinstance(outcome, Failure):
            self._history = reply.history
            if isinstance(outcome, Picture):
                self._good = reply.history
        return outcome

    def rewind(self) -> None:
        """Forget everything after the last picture."""
        self._history = self._good
