"""How the decisions on rules combine."""

import pytest

from countcheck.gate.decision import Decision, RuleResult, overall


def result(decision, **fields):
    return RuleResult(rule="r", decision=decision, reason="because", **fields)


@pytest.mark.parametrize(
    ("decisions", "whole"),
    [
        ([], "pass"),
        (["pass", "pass"], "pass"),
        (["pass", "cannot_decide"], "cannot_decide"),
        (["fail", "cannot_decide"], "fail"),
    ],
)
def test_a_failed_rule_outranks_an_undecided_one(decisions, whole):
    assert overall([result(decision) for decision in decisions]) == whole


def test_a_limit_that_cannot_be_decided_outranks_a_failed_rule():
    assert overall([result("fail"), result("cannot_decide", limits=True)]) == "cannot_decide"
    assert overall([result("fail", limits=True), result("pass")]) == "fail"


@pytest.mark.parametrize(("decision", "code"), [("pass", 0), ("fail", 1), ("cannot_decide", 3)])
def test_exit_codes(decision, code):
    assert Decision(decision=decision, rules=()).exit_code == code


def test_a_reason_names_its_generator_where_there_is_one():
    assert result("pass", generator="g").named().reason == "g: because"
    assert result("pass").named().reason == "because"
