"""What a campaign of accidents found, as one row of a table."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came of one kind of accident.

    Attributes:
        kind: What was done.
        tried: How often.
        lost: Answers that were stored and are gone.
        doubled: Answers that were stored and were paid for again.
        tracebacks: Unexpected exceptions.
        different: Results that differ without a word.
        notes: The first of each, in words.
    """

    kind: str
    tried: int = 0
    lost: int = 0
    doubled: int = 0
    tracebacks: int = 0
    different: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing of what is promised was broken."""
        return not (self.lost or self.doubled or self.tracebacks or self.different)

    def note(self, sentence: str) -> None:
        """Keep a few sentences for whoever fixes it."""
        if len(self.notes) < 20:
            self.notes.append(sentence)


def table(tallies: list[Tally]) -> str:
    """The rows as a table in plain text."""
    lines = [f"{'':26}{'tried':>8}{'lost':>8}{'doubled':>9}{'tracebacks':>12}{'different':>11}"]
    lines += [f"{t.kind:26}{t.tried:>8,}{t.lost:>8}{t.doubled:>9}{t.tracebacks:>12}{t.different:>11}" for t in tallies]
    return "\n".join([*lines, *(f"{t.kind}: {note}" for t in tallies for note in t.notes)])
