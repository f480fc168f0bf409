"""The money of a run: USD spent against USD allowed.

>>> budget = Budget(limit=1.0, spent=0.5)
>>> budget.add(0.25)
>>> budget.empty()
False
>>> budget.add(0.25)
>>> budget.empty()
True
"""

from __future__ import annotations

import threading

_ROUNDING = 1e-9  # USD: ten times 0.01 adds up to a little less than 0.1


class Budget:
    """USD spent against USD allowed. Safe to use from several threads.

    Args:
        limit: USD allowed, 0 or more; ``None`` for no limit.
        spent: USD spent before, 0 or more.
    """

    def __init__(self, limit: float | None, spent: float) -> None:
        self.limit = limit
        self._spent = spent
        self._lock = threading.Lock()

    @property
    def spent(self) -> float:
        """USD spent so far."""
        return self._spent

    def add(self, cost: float | None) -> None:
        """Add a cost in USD; ``None``, an unknown cost, adds nothing."""
        with self._lock:
            self._spent += cost or 0.0

    def empty(self) -> bool:
        """Whether nothing more may be bought."""
        return self.limit is not None and self._spent > self.limit - _ROUNDING
