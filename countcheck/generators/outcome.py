"""The three ways a sample can end: picture, refusal or failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from countcheck.images.types import Pixels


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
    """What broke. Only ``TRANSIENT`` is worth another try; ``CLOSED`` ends the generator's part of the run.

    ``INTERRUPTED`` says that the generator was stopped, or closed, before the request was made for the last time: the
    engine writes no outcome, and the sample is made when the run goes on.
    """

    TRANSIENT = "transient"
    CLOSED = "closed"
    BAD_REQUEST = "bad_request"
    DAMAGED = "damaged"
    CRASH = "crash"
    UNKNOWN = "unknown"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request that was sent, whatever came of it. ``seconds`` is its duration, ``waited`` the pause before it."""

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
        turn: 0 for a prompt; in a conversation the number of the turn, repairs included, from 0.
        pixels: See `Pixels`. Counted as they are; from their file where saving them as JPEG changes them.
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
    """No picture, because the model or its service refused.

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
    """Something broke on the way. Failures never count for or against a model.

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


def is_interrupted(outcome: Outcome) -> bool:
    """Tell whether a sample was stopped before its last try: it is not done, and nothing is written of it."""
    return isinstance(outcome, Failure) and outcome.fault is Fault.INTERRUPTED
