"""The protocol that every generator implements, and one protocol for each optional ability.

A new generator is one file: a class that is made from a `countcheck.cards.Card` (its only argument) and has ``name``,
``traits``, ``recipe`` and ``generate``. An optional ability is a method of a protocol below; the engine asks for it
with ``isinstance``, so a class need not inherit from anything. `countcheck.registry` finds built-in generators and
installed plug-ins (entry-point group ``countcheck.generators``) in the same way.

>>> class Silent:
...     def stop(self) -> None: ...
>>> isinstance(Silent(), Stoppable), isinstance(Silent(), Closable)
(True, False)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol, runtime_checkable

from countcheck.generators.outcome import Outcome
from countcheck.generators.prompt_limits import Truncation
from countcheck.images.types import Pixels
from countcheck.suites.samples import Recipe, Sample
from countcheck.suites.suite import Target, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """Describe what a generator can do. The engine plans by it.

    Attributes:
        seeded: The same seed gives the same picture.
        batched: The generator is faster with several samples at a time.
        converses: The generator implements `Converses`: it keeps the history of a conversation as its provider does.
        edits: The generator implements `Edits`: it changes a given picture.
        remote: The generator waits for a network. Many samples may be in progress at once, and pictures may cost money.
        concurrency: Largest number of samples or conversations in progress at once, 1 or more.
        on_cores: The generator computes on all cores of this machine, so counting alternates with it: running both at
            once would slow both down.
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
    """Turn samples into outcomes.

    ``generate`` yields exactly one outcome for every sample (identified by its key), in any order, as soon as it is
    known. A sample that cannot be made is a `Failure` or a `Refusal`, never an exception. An exception means that the
    generator can do nothing more, for example a `countcheck.errors.GeneratorClosed`.
    """

    @property
    def name(self) -> str:
        """Name the generator as the user does."""
        ...

    @property
    def traits(self) -> Traits:
        """Describe what the generator can do."""
        ...

    @property
    def recipe(self) -> Recipe:
        """Describe everything that can change a picture."""
        ...

    def generate(self, samples: Sequence[Sample]) -> Iterator[Outcome]:
        """Yield one outcome per sample, in any order."""
        ...


@runtime_checkable
class Stoppable(Protocol):
    """A generator that can end early."""

    def stop(self) -> None:
        """Finish the samples in progress and begin no others. Any thread may call it."""
        ...


@runtime_checkable
class Closable(Protocol):
    """Something that holds memory, connections or a suspended computation."""

    def close(self) -> None:
        """Release what is held. A second call does nothing."""
        ...


@runtime_checkable
class CoversSamples(Protocol):
    """A generator that has a fixed set of samples, such as a recording."""

    def covers(self, sample: Sample) -> bool:
        """Tell whether the generator has this sample. Samples that it does not have are not planned."""
        ...


@runtime_checkable
class LimitsPrompts(Protocol):
    """A generator that knows how much of a prompt its model reads."""

    def truncation(self, text: str) -> Truncation | None:
        """Return what of a prompt the model does not read; ``None`` when it reads all of it. Loads no weights."""
        ...


@runtime_checkable
class ReportsCost(Protocol):
    """A generator whose class knows whether every reply states its cost."""

    @property
    def reports_cost(self) -> bool:
        """Tell whether every outcome carries its cost in USD, so that a budget holds without a price in the card."""
        ...


@runtime_checkable
class ListsModels(Protocol):
    """A generator whose service lists the models that it offers."""

    def list_models(self) -> Mapping[str, date | None]:
        """Return every model with the day on which the service says that it ends; ``None`` where it names none.

        Raises:
            Exception: Whatever the service's client raises.
        """
        ...


@runtime_checkable
class SavesOutcomes(Protocol):
    """A paid generator that has every outcome stored before another request takes its place.

    ``save`` does nothing until the engine sets it. The generator calls it once for every outcome, in the thread that sent
    the request; it returns when the outcome is safely on disk. ``generate`` yields the outcome afterwards.
    """

    save: Callable[[Outcome], None]


class Admission(Protocol):
    """What a paid generator asks before it spends. Any thread may call it."""

    def room(self) -> int | None:
        """Return how many more pictures may be begun now; ``None`` for any number."""
        ...

    def begin(self, pictures: int, stopped: Callable[[], bool]) -> bool:
        """Wait until so many more pictures may be asked for; ``False`` when they may not be."""
        ...

    def commit(self, pictures: int) -> None:
        """Count pictures as begun that an earlier process asked for."""
        ...

    def end(self, pictures: int, outcomes: Sequence[Outcome]) -> None:
        """Tell what became of pictures that were begun; their cost is counted by this."""
        ...


class FreeAdmission:
    """The admission of a generator that nobody gave a budget.

    >>> FreeAdmission().begin(3, stopped=lambda: False)
    True
    """

    def room(self) -> int | None:
        """Return ``None``: any number may be begun."""
        return None

    def begin(self, pictures: int, stopped: Callable[[], bool]) -> bool:
        """Return ``True``."""
        return True

    def commit(self, pictures: int) -> None:
        """Do nothing."""

    def end(self, pictures: int, outcomes: Sequence[Outcome]) -> None:
        """Do nothing."""


@runtime_checkable
class AsksAdmission(Protocol):
    """A paid generator that asks before it spends, and tells the cost of every outcome by itself.

    ``admission`` lets everything through until the engine sets it.
    """

    admission: Admission


@runtime_checkable
class ReportsWaits(Protocol):
    """A generator that can say when it waits for a limit of its service."""

    def report_waits(self, report: Callable[[str, float], None]) -> None:
        """Call ``report`` with the reason and the seconds whenever requests are held back. Any thread may call it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One message of the user in a conversation.

    Attributes:
        script: Index of the turn of the suite's conversation that it belongs to, from 0.
        repair: 0 for the turn as scripted, 1 for the first repair, and so on.
        text: What is said to the model.
        rewind: Go back to the state after the last picture first.
        wording: Of a repair: its ``tone`` and ``explicitness``.
    """

    script: int
    repair: int
    text: str
    rewind: bool = False
    wording: Mapping[str, str] = field(default_factory=dict)


class Dialogue(Protocol):
    """One conversation in progress."""

    def say(self, text: str, turn: int, expected: Turn) -> Outcome:
        """Send one message and return the outcome. ``expected`` is what must hold now; only rule-based generators use it."""
        ...

    def rewind(self) -> None:
        """Forget everything after the last picture, as a user does who edits an earlier message."""
        ...


@runtime_checkable
class Restorable(Protocol):
    """A dialogue that another process can continue, so that no turn of an interrupted conversation is paid for twice."""

    def state(self) -> Any:
        """Return what the next turn needs: plain JSON that may hold ``bytes``; ``None`` when there is no such state.

        The engine calls it after every turn.
        """
        ...

    def restore(self, state: Any, picture: Callable[[int], Pixels]) -> None:
        """Continue from a state. Sends nothing.

        Args:
            state: What `state` returned.
            picture: Reads the picture of a turn from the run.

        Raises:
            Exception: Any, when the dialogue cannot be continued.
        """
        ...


@runtime_checkable
class Recorded(Protocol):
    """A dialogue that took place elsewhere: its messages are known."""

    @property
    def steps(self) -> Sequence[Step]:
        """Return every message in order; at least one."""
        ...


@runtime_checkable
class Converses(Protocol):
    """A generator that can hold a conversation."""

    def open(self, sample: Sample) -> Dialogue:
        """Begin a conversation. Sends nothing yet."""
        ...


@runtime_checkable
class Edits(Protocol):
    """A generator that can change a given picture."""

    def edit(self, sample: Sample, pixels: Pixels, instruction: str, turn: int, targets: Sequence[Target]) -> Outcome:
        """Change a picture as the instruction says, and return the outcome."""
        ...
