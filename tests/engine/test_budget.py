"""USD spent against USD allowed."""

from __future__ import annotations

import threading

import pytest
from PIL import Image

from countcheck.engine.budget import Budget
from countcheck.generators.outcome import Picture


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


def picture(cost):
    return Picture(key="k", pixels=Image.new("RGB", (8, 8)), cost=cost)


def test_pictures_in_progress_are_reserved_as_stated_and_then_as_seen():
    budget = Budget(1.0, 0.0)
    account = budget.account("painter", 0.3)
    assert account.room() == 3
    assert account.begin(3, stopped=lambda: False)
    assert account.room() == 0
    account.end(1, [picture(0.1)])
    assert account.each == 0.1
    assert account.room() == 7
    account.end(2, [picture(0.1), picture(0.25)])
    assert account.each == 0.25 and budget.spent == pytest.approx(0.45)
    assert account.room() == 2


def test_an_unknown_price_is_learnt_from_one_picture_alone():
    account = Budget(1.0, 0.0).account("painter")
    assert account.room() == 1
    assert account.begin(1, stopped=lambda: False)
    assert account.room() == 0
    account.end(1, [picture(0.2)])
    assert account.room() == 4


def test_a_picture_whose_cost_is_not_told_counts_as_the_most():
    budget = Budget(1.0, 0.0)
    account = budget.account("painter", 0.3)
    account.begin(1, stopped=lambda: False)
    account.end(1, [picture(None)])
    assert (budget.spent, account.undecided) == (0.3, 1)


def test_a_rest_that_covers_no_picture_ends_it_and_says_so():
    budget = Budget(1.0, 0.9)
    account = budget.account("painter", 0.3)
    assert not account.begin(1, stopped=lambda: False)
    assert budget.ended() == (
        "0.9 of 1 USD are spent, and the rest does not cover another picture (USD each: painter up to 0.3): "
        "no more pictures are made"
    )


def test_one_waits_for_what_another_may_leave_over():
    budget = Budget(1.0, 0.0)
    first, second = budget.account("first", 0.8), budget.account("second", 0.3)
    assert first.begin(1, stopped=lambda: False)
    began = []
    waiting = threading.Thread(target=lambda: began.append(second.begin(1, stopped=lambda: False)))
    waiting.start()
    first.end(1, [picture(0.1)])
    waiting.join()
    assert began == [True]
    assert not budget.ended()


def test_a_wait_ends_when_it_is_stopped():
    budget = Budget(1.0, 0.0)
    budget.account("first", 1.0).commit(1)
    assert not budget.account("second", 0.5).begin(1, stopped=lambda: True)
    assert not budget.ended()
