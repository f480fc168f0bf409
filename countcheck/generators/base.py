"""Who draws: the seam every generator stands behind, and the three ways a sample can end.

A new generator is one file: a class made from a `countcheck.cards.Card` (its only argument) that has a ``name``,
``traits``, ``recipe`` and ``generate``. Built-ins are found
in `countcheck.registry` through the same door as strangers (entry-point group ``countcheck.generators``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from countcheck.generators.outcome import Outcome
from countcheck.images.types import Pixels
from countcheck.suites.samples import Recipe, Sample
from countcheck.suites.suite import Target, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a generator can do; the engine plans by it.

    Attributes:
        seeded: The same seed gives the same picture.
        batched: Likes several samples at a time.
        converses: Has `Converses.open`: speaks turn after turn, with the history kept as its provider keeps it.
        edits: Has `Edits.edit`: changes a picture it is given.
        remote: Waits on a network, so many samples may be under way at once, and pictures may cost money.
        concurrency: Most samples or conversations under way at once.
        on_cores: Computes on all cores of this machine: counting takes turns with it, since beside it both would lose.
    """

    seeded: bool = False
    batched: bool = False
    converses: bool = False
    edits: bool = False
    remote: bool = False
    concurrency: int = 1
    on_cores: bool = False


@runtime_checkable
class Generator(Protocol):
    """Turns samples into outcomes.

    ``generate`` yields exactly one outcome for every sample (told by its key), in any order, as soon as it is there.
    A sample that cannot be drawn is a `Failure` or a `Refusal`, never an exception; an exception means that nothing
    more can be done (a `countcheck.errors.GeneratorClosed`, say). A generator may have ``stop()``: finish what is
    under way, start nothing more; and ``close()``: give back memory and connections.
    """

    @property
    def name(self) -> str:
        """As the user calls it."""
        ...

    @property
    def traits(self) -> Traits:
        """What it can do."""
        ...

    @property
    def recipe(self) -> Recipe:
        """Everything of it that can change a picture."""
        ...

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """One outcome per sample, in any order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to say in a conversation.

    Attributes:
        script: Which turn of the suite's conversation it belongs to, from 0.
        repair: 0 for the turn as scripted, 1 for the first repair, and so on.
        text: What to say.
        rewind: Go back to the last picture first.
        wording: Of a repair: its ``tone`` and ``explicitness``.
    """

    script: int
    repair: int
    text: str
    rewind: bool = False
    wording: Mapping[str, str] = field(default_factory=dict)


class Dialogue(Protocol):
    """One conversation under way."""

    def say(self, text: str, turn: int, expected: Turn) -> Outcome:
        """Speak, and get what the model answers. ``expected`` is what must hold now; only rule-based generators use it."""
        ...

    def rewind(self) -> None:
        """Forget everything after the last picture, as a user does who goes back and tries again."""
        ...


@runtime_checkable
class Restorable(Protocol):
    """A dialogue that another process can go on with, so that no turn of a conversation cut off is paid for again."""

    def state(self) -> Any:
        """What the next turn needs, asked for after every turn: plain JSON in which ``bytes`` may stand, for pictures
        and the like; ``None`` when it cannot be told."""
        ...

    def restore(self, state: Any, picture: Callable[[int], Pixels]) -> None:
        """Go on from a state. ``picture(turn)`` reads that turn's picture from the run. Nothing is sent; it may raise
        when there is no going on."""
        ...


@runtime_checkable
class Recorded(Protocol):
    """A dialogue that was held elsewhere: what was said in it is known."""

    @property
    def steps(self) -> Sequence[Step]:
        """Everything that was said, in order; at least one."""
        ...


@runtime_checkable
class Converses(Protocol):
    """A generator that can hold a conversation."""

    def open(self, sample: Sample) -> Dialogue:
        """Begin a conversation; nothing is sent yet."""
        ...


@runtime_checkable
class Edits(Protocol):
    """A generator that can change a picture it is given."""

    def edit(self, sample: Sample, pixels: Pixels, instruction: str, turn: int, targets: Sequence[Target]) -> Outcome:
        """The picture changed as the instruction says."""
        ...
