"""What a provider's rewriting of prompts did to the numbers, and how exact the pictures are with and without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from countcheck.metrics.columns import columns_of
from countcheck.metrics.estimate_rates import estimate_rates
from countcheck.stats.estimate import Estimate
from countcheck.storage.result_table import PICTURE, REFUSAL, Results, table_of
from countcheck.suites.language.rewritten import Numbers

RATE = "exact_rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class RewritingSummary:
    """What rewriting did to the prompts of one generator.

    Attributes:
        state: As recorded of the generator: see `countcheck.generators.rewriting.Rewriting`; empty in older runs.
        rewritten: Tries of which the provider told another text than the prompt.
        numbers: What became of their numbers, to how often.
        exact_rate: Of the tries whose numbers were ``kept``, those that were not rewritten among them, and of those
            whose numbers were ``changed``; a group without tries is left out.
    """

    state: str = ""
    rewritten: int = 0
    numbers: Mapping[str, int] = field(default_factory=dict)
    exact_rate: Mapping[str, Estimate] = field(default_factory=dict)

    @property
    def happens(self) -> bool:
        """Tell whether prompts were rewritten, or are known to be."""
        return bool(self.rewritten) or self.state in ("on", "always")

    def to_json(self) -> dict[str, Any]:
        """Return the published shape."""
        return {
            "state": self.state,
            "rewritten": self.rewritten,
            "numbers": dict(self.numbers),
            RATE: {group: estimate.to_json() for group, estimate in self.exact_rate.items()},
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> RewritingSummary:
        """Read what `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: If it is something else.
        """
        return cls(
            state=str(body["state"]),
            rewritten=int(body["rewritten"]),
            numbers={name: int(n) for name, n in body["numbers"].items()},
            exact_rate={group: Estimate.from_json(estimate) for group, estimate in body[RATE].items()},
        )


def summarize_rewriting(results: Results, state: str = "", level: float = 0.95) -> RewritingSummary:
    """Tell what rewriting did to the prompts behind results of one generator.

    >>> from countcheck.storage.rows import ResultRow
    >>> pigs = dict(generator="g", repeat=0, seed=1, text="three pigs", outcome="picture")
    >>> rows = [ResultRow(key="1", prompt_id="a", **pigs, rewritten="Pigs.", extra={"numbers": "changed"})]
    >>> summarize_rewriting(rows).numbers
    {'changed': 1}
    """
    table = table_of(results)
    table = table.take((table.outcome == PICTURE) | (table.outcome == REFUSAL))
    counts = np.bincount(table.rewriting + 1, minlength=len(Numbers) + 1).tolist()[1:]
    found = {str(numbers): n for numbers, n in zip(Numbers, counts, strict=True) if n}
    estimates = {}
    for numbers in (Numbers.KEPT, Numbers.CHANGED) if found else ():
        of_group = table.rewriting == tuple(Numbers).index(numbers)
        if numbers is Numbers.KEPT:
            of_group |= table.rewriting < 0
        estimate = estimate_rates(columns_of(table.take(of_group)), level).get(RATE) if of_group.any() else None
        if estimate is not None:
            estimates[str(numbers)] = estimate
    return RewritingSummary(
        state=state, rewritten=sum(found.values()), numbers=dict(sorted(found.items())), exact_rate=estimates
    )
