"""The money of a run: USD spent and committed against USD allowed.

Every paid generator has an account. Before it asks for pictures it reserves what they may cost: as the card states until
the first reply came, and from then on as the dearest picture so far. What its outcomes really cost replaces that.

>>> budget = Budget(limit=1.0, spent=0.5)
>>> account = budget.account("painter", bound=0.2)
>>> account.room()
2
>>> account.begin(2, stopped=lambda: False)
True
>>> account.room(), budget.spent
(0, 0.5)
>>> budget.add(0.5)
>>> budget.empty()
True
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from countcheck.generators.outcome import Outcome, Picture

_ROUNDING = 1e-9  # USD: ten times 0.01 adds up to a little less than 0.1
_LOOK = 0.1  # seconds between two looks at whether a generator that waits for money was stopped


class Budget:
    """USD spent and committed against USD allowed. Safe to use from several threads.

    Args:
        limit: USD allowed, 0 or more; ``None`` for no limit.
        spent: USD spent before, 0 or more.
    """

    def __init__(self, limit: float | None, spent: float) -> None:
        self.limit = limit
        self._spent = spent
        self._changed = threading.Condition()
        self._accounts: list[Account] = []

    @property
    def spent(self) -> float:
        """USD spent so far."""
        return self._spent

    def account(self, name: str, bound: float | None = None) -> Account:
        """Open the account of a generator.

        Args:
            name: The generator's, for messages.
            bound: USD that one of its pictures costs at most; ``None`` when nothing says it. Then one picture is asked
                for alone, to learn it.
        """
        account = Account(self, name, bound)
        with self._changed:
            self._accounts.append(account)
        return account

    def add(self, cost: float | None) -> None:
        """Add a cost in USD; ``None``, an unknown cost, adds nothing."""
        with self._changed:
            self._spent += cost or 0.0
            self._changed.notify_all()

    def empty(self) -> bool:
        """Whether nothing more may be bought."""
        return self.limit is not None and self._spent > self.limit - _ROUNDING

    def ended(self) -> str:
        """Say why nothing more is bought; empty while something may be."""
        if self.empty():
            return f"the budget of {self.limit:g} USD is spent: no more pictures are made"
        refused = [account for account in self._accounts if account.refused]
        if not refused:
            return ""
        each = ", ".join(f"{account.name} up to {account.each or 0.0:.3g}" for account in refused)
        return (
            f"{self._spent:.3g} of {self.limit:g} USD are spent, and the rest does not cover another picture "
            f"(USD each: {each}): no more pictures are made"
        )


class Account:
    """What one generator may spend of a budget; made by `Budget.account`. Safe to use from several threads.

    Attributes:
        name: The generator's.
        refused: It was told that the rest of the budget covers no other picture.
        undecided: Number of pictures whose replies did not decide their cost; each is counted as `each`.
    """

    def __init__(self, budget: Budget, name: str, bound: float | None) -> None:
        self.name = name
        self.refused = False
        self.undecided = 0
        self._budget = budget
        self._bound = bound
        self._dearest: float | None = None
        self._in_progress = 0

    @property
    def each(self) -> float | None:
        """USD that the next picture may cost; ``None`` when nothing says it yet."""
        return self._bound if self._dearest is None else self._dearest

    def room(self) -> int | None:
        """Return how many more pictures may be begun now; ``None`` for any number."""
        with self._budget._changed:
            return self._room()

    def begin(self, pictures: int, stopped: Callable[[], bool]) -> bool:
        """Reserve the cost of so many pictures; waits while others in progress may turn out cheaper.

        Args:
            pictures: 1 or more.
            stopped: Ends the wait.

        Returns:
            ``False`` when they may not be asked for: stopped, or the budget does not cover them.
        """
        with self._budget._changed:
            while True:
                room = self._room()
                if room is None or room >= pictures:
                    self._in_progress += pictures
                    return True
                if stopped() or self._budget.empty():
                    return False
                if not any(account._in_progress for account in self._budget._accounts):
                    self.refused = True
                    return False
                self._budget._changed.wait(_LOOK)

    def commit(self, pictures: int) -> None:
        """Reserve the cost of pictures that were asked for already."""
        with self._budget._changed:
            self._in_progress += pictures

    def end(self, pictures: int, outcomes: Sequence[Outcome]) -> None:
        """Replace a reservation by what the outcomes cost."""
        with self._budget._changed:
            self._in_progress -= pictures
            for outcome in outcomes:
                cost = outcome.cost
                if isinstance(outcome, Picture):
                    if cost is None:
                        self.undecided += 1
                        cost = self.each
                    else:
                        self._dearest = cost if self._dearest is None else max(self._dearest, cost)
                self._budget._spent += cost or 0.0
            self._budget._changed.notify_all()

    def _room(self) -> int | None:
        limit = self._budget.limit
        if limit is None:
            return None
        if self._budget.empty():
            return 0
        each = self.each
        if each is None:
            return int(not self._in_progress)
        if each <= 0:
            return None
        reserved = sum(account._in_progress * (account.each or 0.0) for account in self._budget._accounts)
        return max(0, int((limit - self._budget._spent - reserved + _ROUNDING) / each + _ROUNDING))
