"""What a rule is held against."""

import re

import pytest
from verdict_rows import row, run_info

from countcheck.errors import UnknownName
from countcheck.gate.decide import decide_gate
from countcheck.gate.evidence import evidence_of_run, evidence_of_summary
from countcheck.metrics.comparison import compare
from countcheck.metrics.sides import sides_of_run
from countcheck.metrics.summary import summarize
from tests.gate.gating import LOSS, drawn, gated, policy


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"style": "noirr"}, "no value of the tag style named 'noirr'. Did you mean 'noir'"),
        ({"stile": "noir"}, "no tag named 'stile'. Did you mean 'style'"),
        ({"number": 44}, "no value of the tag number named '44'. Did you mean '4'"),
    ],
)
def test_tags_that_no_prompt_has_are_refused_with_near_names(where, said):
    rule = {"rate": "exact_rate", "where": where, "at_least": 0.1}
    with pytest.raises(UnknownName, match=re.escape(said)):
        gated([rule], drawn(0.5, 1))
    with pytest.raises(UnknownName, match=re.escape(said)):
        decide_gate(policy(rule), evidence_of_summary(summarize(drawn(0.5, 1), run_info())))


def test_tags_that_exist_but_never_together_cannot_be_decided():
    found = gated([{"rate": "exact_rate", "where": {"number": 1, "style": "noir"}, "at_least": 0.1}], drawn(0.5, 1))
    assert found.rules[0].reason == "exact at 1 in noir: no prompt has all of these tags"


def test_a_kept_summary_answers_rules_of_one_tag_as_the_run_does():
    rule = {"rate": "exact_rate", "where": {"style": "noir"}, "at_least": 0.5}
    kept = decide_gate(policy(rule), evidence_of_summary(summarize(drawn(0.7, 1), run_info())))
    assert kept.rules == gated([rule], drawn(0.7, 1)).rules
    both = {"rate": "exact_rate", "where": {"style": "noir", "number": 2}, "at_least": 0.5}
    found = decide_gate(policy(both), evidence_of_summary(summarize(drawn(0.7, 1), run_info())))
    assert found.decision == "cannot_decide" and "several tags at once" in found.rules[0].reason


def test_a_kept_summary_is_as_good_a_baseline_as_the_run():
    before, now = drawn(0.8, 1), drawn(0.7, 2)
    kept = evidence_of_summary(summarize(before, run_info()))
    rules = [LOSS, {**LOSS, "where": {"number": 4}}]
    by_summary = decide_gate(policy(*rules), evidence_of_run(now, run_info()), kept)
    by_run = gated(rules, now, before)
    assert [one.estimate for one in by_summary.rules] == [one.estimate for one in by_run.rules]


def test_a_rate_that_the_summary_withholds_decides_nothing():
    blind = {"passed": True, "by_style": {"noir": {"passed": False, "right": 3, "total": 24}}}
    noir = {"where": {"style": "noir"}}
    rules = [{"rate": "exact_rate", "at_least": 0.5, **noir}, {"rate": "refusal_rate", "at_most": 0.1, **noir}]
    found = gated(rules, drawn(0.9, 1), controls=blind)
    assert [one.decision for one in found.rules] == ["cannot_decide", "pass"]
    assert "3 of 24 control pictures" in found.rules[0].reason


def test_what_a_run_ended_early_never_asked_for_was_not_lost():
    given = [row("e" if i < 100 else "-", f"p{i}") for i in range(200)]
    rule = {"rate": "lost_rate", "at_most": 0.1}
    assert gated([rule], given, until_decided="pass").decision == "pass"
    assert decide_gate(policy(rule, limits={"lost": None}), evidence_of_run(given, run_info())).decision == "fail"


def test_the_rates_of_a_comparison_are_over_its_pairs_and_add_up():
    before = [row("e", f"x{i}") for i in range(100)] + [row("e" if i % 2 else "u", f"p{i}") for i in range(100)]
    now = [row("e" if i % 2 else "u", f"p{i}") for i in range(100)]
    assert "exact: 50 % [40, 60], was 50 %: no change" in gated([LOSS], now, before).rules[0].reason


def test_an_interval_of_another_level_decides_nothing():
    kept = evidence_of_summary(summarize(drawn(0.7, 1), run_info(), level=0.8))
    rules = [{"rate": "mean_abs_error", "at_most": 0.9}, {"rate": "exact_rate", "at_least": 0.5}]
    found = decide_gate(policy(*rules), kept)
    assert [one.decision for one in found.rules] == ["cannot_decide", "pass"]
    assert "kept at level 0.8" in found.rules[0].reason
    found = decide_gate(
        policy({"rate": "mean_abs_error", "no_worse_by": 1}), evidence_of_run(drawn(0.7, 1), run_info()), kept
    )
    assert "the baseline was kept at level 0.8" in found.rules[0].reason


def test_a_mean_error_is_compared_in_pairs_as_compare_does_it():
    before, now = drawn(0.7, 1, 120), drawn(0.6, 2, 120)
    found = gated([{"rate": "mean_abs_error", "no_worse_by": 0.5}], now, before).rules[0]
    told = compare(*(sides_of_run(side, run_info())["g"] for side in (before, now))).rates["mean_abs_error"]
    assert found.estimate == told.difference and "(unpaired)" not in found.reason
    assert told.a.low < told.a.value < told.a.high
    rule = {"rate": "mean_abs_error", "no_worse_by": 0.5, "where": {"style": "noir"}}
    assert gated([rule], now, before).rules[0].estimate.n == 60
