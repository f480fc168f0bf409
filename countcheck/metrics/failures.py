"""Why samples failed: the reasons, most frequent first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from countcheck.storage.result_table import FAILURE, Results, first_seen, table_of

MAX_REASONS = 5
"""Most reasons that are kept of one generator."""
MAX_MESSAGE = 300
"""Most characters that are kept of a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureReason:
    """One reason for which samples or turns failed.

    Attributes:
        failure: Its class, such as ``transient``.
        message: What the service or the machine said, cut to `MAX_MESSAGE` characters; text from outside.
        n: How often, 1 or more.
    """

    failure: str
    message: str
    n: int

    def to_json(self) -> dict[str, Any]:
        """Return the published shape."""
        return {"failure": self.failure, "message": self.message, "n": self.n}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> FailureReason:
        """Read what `to_json` wrote. Raises ``KeyError``, ``TypeError`` or ``ValueError`` when it is something else."""
        return cls(failure=str(body["failure"]), message=str(body["message"]), n=int(body["n"]))


def failure_reasons(results: Results) -> tuple[FailureReason, ...]:
    """Return the reasons of failed samples and turns, most frequent first; at most `MAX_REASONS`.

    >>> from countcheck.storage.rows import ResultRow
    >>> row = ResultRow(key="1", generator="g", prompt_id="p", repeat=0, seed=1, text="", outcome="failure",
    ...                 failure="transient", message="Connection refused")
    >>> failure_reasons([row, row])[0].n
    2
    """
    table = table_of(results)
    failed = table.ending[table.outcome == FAILURE]
    tally: Counter[tuple[str, str]] = Counter()
    for code, n in zip(*_in_order(failed), strict=True):
        ending = table.endings[code]
        tally[ending.failure or "unknown", " ".join(ending.message.split())[:MAX_MESSAGE]] += n
    return tuple(
        FailureReason(failure=failure, message=message, n=n) for (failure, message), n in tally.most_common(MAX_REASONS)
    )


def _in_order(codes: NDArray[np.int32]) -> tuple[list[int], list[int]]:
    """Return the distinct codes in the order in which they are first seen, and how often each is."""
    distinct, which = first_seen(codes)
    return distinct.tolist(), np.bincount(which, minlength=len(distinct)).tolist()
