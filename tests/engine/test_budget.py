"""USD spent against USD allowed."""

from __future__ import annotations

import threading

import pytest

from countcheck.engine.budget import Budget


@pytest.mark.parametrize(("cost", "times"), [(0.01, 10), (0.1, 1), (0.05, 2)])
def test_a_budget_is_empty_once_as_much_is_spent_whatever_rounding_does(cost, times):
    budget = Budget(0.1, 0.0)
    for _ in range(times - 1):
        budget.add(cost)
    assert not budget.empty() or times == 1
    budget.add(cost)
    assert budget.empty()


def test_what_was_spent_before_counts():
    assert Budget(0.1, 0.1).empty()
    assert not Budget(0.1, 0.05).empty()


def test_without_a_limit_it_is_never_empty():
    budget = Budget(None, 0.0)
    budget.add(1e6)
    assert not budget.empty()


def test_an_unknown_cost_adds_nothing():
    budget = Budget(1.0, 0.5)
    budget.add(None)
    assert budget.spent == 0.5


def test_several_threads_pay_at_once():
    budget = Budget(None, 0.0)
    threads = [threading.Thread(target=lambda: [budget.add(1.0) for _ in range(2000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert budget.spent == 8000
