"""A counter is checked against a suite before anything is made."""

from __future__ import annotations

from dataclasses import replace

import pytest
import squares

from countcheck.counting.counter import load_counter
from countcheck.counting.self_test import SelfTest, SelfTestScore
from countcheck.engine.counter_check import check_counter, fit_counter, report_self_test
from countcheck.errors import BadInput, CannotDecide
from countcheck.suites.suite import Prompt, Suite, Target

WOLVES = Suite(name="wolves", prompts=(Prompt(id="p", text="two wolves", targets=(Target(noun="wolf", count=2),)),))


def test_a_noun_that_the_counter_does_not_know_is_named_with_the_suite():
    with pytest.raises(BadInput, match=r"squares cannot know 'wolf' \(asked for in wolves\)"):
        fit_counter(squares.counter(), WOLVES, lambda sentence: None)


def test_a_counter_that_chooses_no_views_stays_as_it_is():
    counter = squares.counter()
    assert fit_counter(counter, squares.suite("3 squares"), lambda sentence: None) is counter


def test_a_counter_that_fails_its_self_test_cannot_judge():
    counter = load_counter("tiny")
    blind = counter.with_rule(replace(counter.rule, threshold=0.999))
    with pytest.raises(CannotDecide, match="of 48 control pictures right"):
        check_counter(blind, WOLVES)


def test_what_a_passed_self_test_leaves_open_is_reported():
    counter = squares.counter()
    said = []
    report_self_test(SelfTest(plain=None), counter, said.append)
    failed = SelfTestScore(right=12, total=24, needed=20)
    passed = SelfTestScore(right=24, total=24, needed=20)
    report_self_test(SelfTest(plain=passed, by_style={"noir": failed, "oil": passed}), counter, said.append)
    assert len(said) == 2
    assert "squares" in said[0] and "untested" in said[0]
    assert "style noir" in said[1] and "12 of 24" in said[1]
