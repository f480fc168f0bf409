"""What one run is told to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from countcheck.cards import Card
from countcheck.suites.suite import Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What one run was told to do.

    Attributes:
        limit: At most this many samples of each generator; ``None`` for all.
        only: Tags that a prompt must have.
        budget: USD that must not be exceeded by more than the requests under way.
        retry_failed: Owe failed samples again.
    """

    suite: Suite
    generators: Sequence[Card]
    path: Path
    repeats: int = 1
    limit: int | None = None
    only: Mapping[str, str] | None = None
    budget: float | None = None
    retry_failed: bool = False
