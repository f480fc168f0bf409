"""Who is told how a run goes."""

from __future__ import annotations

from typing import Protocol

from countcheck.storage.records import OutcomeRecord


class Progress(Protocol):
    """Who is told how the run goes; the command line shows it."""

    def begins(self, generator: str, owed: int, done: int) -> None:
        """A generator starts (again)."""

    def made(self, generator: str, entry: OutcomeRecord) -> None:
        """An outcome is in the ledger."""

    def says(self, sentence: str) -> None:
        """Something a person should know."""


class NullProgress:
    """A watch that looks away."""

    def begins(self, generator: str, owed: int, done: int) -> None:
        """Nothing."""

    def made(self, generator: str, entry: OutcomeRecord) -> None:
        """Nothing."""

    def says(self, sentence: str) -> None:
        """Nothing."""
