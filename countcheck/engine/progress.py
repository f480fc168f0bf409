"""The protocol that receives what happens in a run, so that a command line or a notebook can show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from countcheck.storage.records import OutcomeRecord


class Progress(Protocol):
    """Receives what happens in a run. Several threads call it, one at a time."""

    def start(self, generator: str, planned: int, done: int) -> None:
        """Receive that a generator starts: samples it owes in all, and how many of them are done."""

    def advance(self, generator: str, entry: OutcomeRecord) -> None:
        """Receive an outcome that is in the ledger."""

    def message(self, sentence: str) -> None:
        """Receive a sentence for the user."""


@runtime_checkable
class ShowsWaits(Protocol):
    """A `Progress` that can show that a generator waits."""

    def wait(self, generator: str, reason: str, seconds: float) -> None:
        """Receive that a generator holds its requests back.

        Args:
            generator: Its name.
            reason: What the service says.
            seconds: Longest time until requests go out again.
        """


@runtime_checkable
class ShowsWorkers(Protocol):
    """A `Progress` that can show what each worker has made."""

    def workers(self, generator: str, made: Mapping[str, int]) -> None:
        """Receive how many outcomes each worker of a generator has brought since the run began, by its name."""


class NullProgress:
    """A `Progress` that shows nothing."""

    def start(self, generator: str, planned: int, done: int) -> None:
        """Do nothing."""

    def advance(self, generator: str, entry: OutcomeRecord) -> None:
        """Do nothing."""

    def message(self, sentence: str) -> None:
        """Do nothing."""

    def workers(self, generator: str, made: Mapping[str, int]) -> None:
        """Do nothing."""

    def wait(self, generator: str, reason: str, seconds: float) -> None:
        """Do nothing."""
