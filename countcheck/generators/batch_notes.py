"""What must be remembered of requests that were handed in together and are answered later, perhaps to another process.

A note is written before the batch is handed in, under a token that the service keeps beside the batch. So a process that
died at any step leaves what the next one needs: it finds the batch by its token, or knows that there is none.

>>> from dataclasses import replace
>>> notes = MemoryNotes()
>>> note = BatchNote(token="t1", generator="painter", keys=("a", "b"), at=0.0)
>>> notes.write(note)
>>> notes.write(replace(note, id="batch_7", sent=True))
>>> [(each.id, each.keys) for each in notes.of("painter")]
[('batch_7', ('a', 'b'))]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNote:
    """One batch.

    Attributes:
        token: Our own name for it, which the service keeps beside it.
        generator: The name of the generator that handed it in.
        keys: Of the samples that it asks for, in their order.
        at: When it was begun, in seconds since 1970.
        id: The service's name for it; empty until that is known.
        sent: All of its requests are with the service.
        round: How often its samples were asked for, this time included, from 1.
    """

    token: str
    generator: str
    keys: tuple[str, ...]
    at: float
    id: str = ""
    sent: bool = False
    round: int = 1


class BatchNotes(Protocol):
    """Where notes are kept. What a method wrote is safe when it returns."""

    def of(self, generator: str) -> Sequence[BatchNote]:
        """Return the notes of a generator, oldest first."""
        ...

    def write(self, note: BatchNote) -> None:
        """Add a note, or replace the one with its token."""
        ...

    def remove(self, note: BatchNote, then: BatchNote | None = None) -> None:
        """Remove a note; ``then`` takes its place at the same moment."""
        ...


class MemoryNotes:
    """Notes of a generator that nobody gave a place to keep them: they end with the process."""

    def __init__(self) -> None:
        self._notes: dict[str, BatchNote] = {}

    def of(self, generator: str) -> Sequence[BatchNote]:
        """Return the notes of a generator, oldest first."""
        return [note for note in self._notes.values() if note.generator == generator]

    def write(self, note: BatchNote) -> None:
        """Add a note, or replace the one with its token."""
        self._notes[note.token] = note

    def remove(self, note: BatchNote, then: BatchNote | None = None) -> None:
        """Remove a note; ``then`` takes its place."""
        del self._notes[note.token]
        if then is not None:
            self._notes[then.token] = then


@runtime_checkable
class KeepsBatches(Protocol):
    """A generator that may hand requests in together, and fetch the answers later.

    The engine sets both before it asks for samples: where notes are kept, and whether to wait for answers. Without that a
    generator waits.
    """

    batch_notes: BatchNotes
    waits_for_batches: bool
