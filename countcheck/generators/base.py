"""Who draws: the seam every generator stands behind, and the three ways a sample can end.

A new generator is one file: a class made from a `countcheck.settings.Card` (its only argument) that has a ``name``,
``traits``, ``recipe`` and ``generate``. Built-ins are found
in `countcheck.plugins` through the same door as strangers (entry-point group ``countcheck.generators``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from countcheck.plan import Recipe, Sample
from countcheck.suites.suite import Target, Turn

if TYPE_CHECKING:
    import numpy as np
    import torch
    from PIL import Image

    # A picture in memory: a PIL image, uint8 (height, width, 3) RGB, or a CHW RGB tensor on any device
    # (uint8 0-255 or floating 0-1).
    Pixels: TypeAlias = Image.Image | np.ndarray[Any, Any] | torch.Tensor
else:
    Pixels = Any


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


class Reason(StrEnum):
    """Why there is no picture, as far as the model said."""

    STATED = "stated"
    CAPABILITY = "capability"
    UNEXPLAINED = "unexplained"
    DEFLECTED = "deflected"
    SILENT = "silent"


class Stage(StrEnum):
    """What was objected to: the prompt, the finished picture, or unknown."""

    PROMPT = "prompt"
    PICTURE = "picture"
    UNKNOWN = "unknown"


class Fault(StrEnum):
    """What broke. Only ``TRANSIENT`` is worth another try; ``CLOSED`` ends the generator's part of the run."""

    TRANSIENT = "transient"
    CLOSED = "closed"
    BAD_REQUEST = "bad_request"
    DAMAGED = "damaged"
    CRASH = "crash"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request that was made, whatever came of it. ``seconds`` is its duration, ``waited`` the pause before it."""

    seconds: float
    what: str
    status: int | None = None
    request_id: str = ""
    waited: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A sample (or a turn of one) that ended in a picture.

    Attributes:
        key: The sample's.
        turn: 0 for a prompt; the how-maniest thing said, repairs included, in a conversation.
        pixels: See `Pixels`. Never counted from a file it was just written to.
        seconds: Time the picture took, its share of a batch.
        cost: In USD; ``None`` when unknown.
        words: What the model said beside the picture.
        rewritten: The prompt the provider really used, when it tells.
        extra: Anything worth keeping (plain JSON): versions, the seed really used, safety settings.
    """

    key: str
    pixels: Pixels
    turn: int = 0
    seconds: float = 0.0
    cost: float | None = None
    words: str = ""
    rewritten: str = ""
    attempts: tuple[Attempt, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """No picture, because the model would not.

    Attributes:
        reason: The class of the reason given.
        category: What it objects to, in the provider's or our own word (``violence``); empty when it names nothing.
        code: The provider's own code.
        words: The model's or provider's own words.
        stage: Whether the prompt or the finished picture was objected to.
        pixels: The withheld, black or blurred picture when one came; kept for the report, never counted.
    """

    key: str
    reason: Reason
    turn: int = 0
    category: str = ""
    code: str = ""
    words: str = ""
    stage: Stage = Stage.UNKNOWN
    request_id: str = ""
    seconds: float = 0.0
    cost: float | None = None
    rewritten: str = ""
    pixels: Pixels | None = None
    attempts: tuple[Attempt, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The plumbing broke; never counted for or against a model.

    Attributes:
        fault: What broke.
        message: One sentence with no secrets in it.
        raw: The redacted answer, when nothing matched it.
        retry_after: Seconds the server asked to wait, when it did.
    """

    key: str
    fault: Fault
    message: str
    turn: int = 0
    code: str = ""
    raw: str = ""
    request_id: str = ""
    retry_after: float | None = None
    seconds: float = 0.0
    cost: float | None = None
    attempts: tuple[Attempt, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


Outcome: TypeAlias = Picture | Refusal | Failure


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
