"""One attempt at a request: what came of it, whether another is worth it, and how long to wait before that."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from countcheck.generators.outcome import Failure, Fault, Outcome
from countcheck.generators.refusals.reading import Ended, Reading
from countcheck.generators.remote.reply import Reply

MIN_TOLD_WAIT = 0.5  # seconds; a service that says "at once" again and again is not asked for ever
_THROTTLE = re.compile(r"rate.?limit|throttl|slow.?down|too.?many|resource.?exhausted", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt and its outcomes.

    Attributes:
        again: Another attempt may bring a picture.
        wait: Seconds that the service asked to wait; ``None`` when it did not say.
    """

    reply: Reply
    outcomes: tuple[Outcome, ...]
    again: bool
    wait: float | None

    @property
    def is_limited(self) -> bool:
        """Tell whether the service told when its limit ends. Waiting for that uses up no attempt."""
        return self.wait is not None and self.wait >= MIN_TOLD_WAIT

    def pause(self, made: int, first_wait: float) -> float:
        """Return seconds before the next attempt: as the server asks, or doubling with full jitter.

        Args:
            made: Attempts so far, 1 or more.
            first_wait: Seconds before the second attempt.
        """
        if self.wait is not None:
            return self.wait + random.uniform(0, 0.25)
        longest = min(60.0, first_wait * 2.0 ** (made - 1))
        return random.uniform(longest / 2, longest * 1.5)


def interrupted(outcome: Outcome) -> Outcome:
    """Return the outcome of an attempt that would have been followed by another; only a failure changes by that."""
    return replace(outcome, fault=Fault.INTERRUPTED) if isinstance(outcome, Failure) else outcome


def is_throttled(reply: Reply, readings: Sequence[Reading]) -> bool:
    """Tell whether the service was asked too often."""
    passing = any(reading.fault is Fault.TRANSIENT for reading in readings)
    return passing and (reply.status == 429 or any(_THROTTLE.search(code) for code in reply.codes))


def is_worth_another(reply: Reply, readings: Sequence[Reading], *, first: bool) -> bool:
    """Tell whether another attempt may bring a picture: after a passing fault, and once after a doubtful answer."""
    if any(reading.ended is Ended.PICTURE for reading in readings):
        return False
    pictures_came = any(slot.has_picture for slot in reply.slots)
    passing = (
        any(reading.fault is Fault.TRANSIENT and not reading.lasting for reading in readings) and not pictures_came
    )
    return passing or (first and any(reading.again for reading in readings))


def in_words(readings: Sequence[Reading]) -> str:
    """Name what came of an attempt, for its record.

    >>> in_words([Reading(ended=Ended.FAILURE, fault=Fault.TRANSIENT, code="slow_down")])
    'transient slow_down'
    """
    ended = "+".join(dict.fromkeys(str(r.fault or r.reason or r.ended) for r in readings))
    code = next((reading.code for reading in readings if reading.code), "")
    return f"{ended} {code}".strip()[:120]
