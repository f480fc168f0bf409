"""What was spent, against what may be."""

from __future__ import annotations

import threading

from countcheck.engine.scoring import cost_of
from countcheck.generators.outcome import Outcome

_DUST = 1e-9  # USD: ten times 0.01 adds up to a little less than 0.1


class Budget:
    """What was spent, against what may be."""

    def __init__(self, budget: float | None, spent: float) -> None:
        self.budget = budget
        self.spent = spent
        self._paying = threading.Lock()

    def pay(self, outcome: Outcome, price: float | None) -> None:
        """Spend as soon as an outcome is there; waiting until it is counted would let more be asked for."""
        with self._paying:
            self.spent += cost_of(outcome, price) or 0.0

    def empty(self) -> bool:
        """Whether nothing more may be bought."""
        return self.budget is not None and self.spent > self.budget - _DUST
