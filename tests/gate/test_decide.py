"""What a policy says of a run."""

import json
import random

import jsonschema
import pytest
from verdict_rows import row, rows, run_info

from countcheck.errors import BadInput, UnknownName
from countcheck.gate.decide import decide_gate
from countcheck.gate.evidence import evidence_of_run, evidence_of_summary
from countcheck.gate.policy import policy_from
from countcheck.metrics.comparison import compare
from countcheck.metrics.sides import sides_of_run
from countcheck.metrics.summary import summarize
from countcheck.schemas import schema


def policy(*rules, **more):
    return policy_from({"rules": list(rules), **more})


def drawn(rate, seed, n=400, repeats=1, **fields):
    toss = random.Random(seed)
    return [
        row("e" if toss.random() < rate else "u", f"p{i}", k, asked=i % 4 + 1, tags={"style": ["plain", "noir"][i % 2]})
        for i in range(n)
        for k in range(repeats)
    ]


def gated(rules, given, baseline=None, **changes):
    evidence = evidence_of_run(given, run_info(**changes))
    return decide_gate(
        policy(*rules), evidence, None if baseline is None else evidence_of_run(baseline, run_info(**changes))
    )


LOSS = {"rate": "exact_rate", "no_worse_by": 0.05}


def test_a_candidate_that_lost_ten_points_fails():
    found = gated([LOSS], drawn(0.6, 2, 1500), drawn(0.75, 1, 1500))
    assert (found.decision, found.exit_code) == ("fail", 1)


def test_an_identical_twin_passes():
    found = gated([LOSS], drawn(0.75, 1), drawn(0.75, 1))
    assert (found.decision, found.exit_code) == ("pass", 0)


def test_five_prompts_cannot_decide():
    found = gated([LOSS], drawn(0.6, 2, 5), drawn(0.75, 1, 5))
    assert (found.decision, found.exit_code) == ("cannot_decide", 3)
    assert "prompts would decide" in found.rules[0].reason


def test_a_reason_is_a_sentence_for_a_release_owner():
    before = [row("u" if i < 26 else "e", f"p{i}", asked=4) for i in range(100)]
    now = [row("u" if i < 61 else "e", f"p{i}", asked=4) for i in range(100)]
    found = gated([{"rate": "under_rate", "where": {"number": 4}, "no_worse_by": 0.05}], now, before)
    assert found.rules[0].reason == (
        "under-counts at 4: 61 % [51, 70], was 26 %: 35 points worse [25, 44]; the limit is a loss of 5 points"
    )
    assert found.decision == "fail"


@pytest.mark.parametrize(
    ("rule", "hits", "n", "decision"),
    [
        ({"at_least": 0.5}, 80, 100, "pass"),
        ({"at_least": 0.75}, 80, 100, "cannot_decide"),
        ({"at_least": 0.95}, 80, 100, "fail"),
        ({"at_most": 0.9}, 80, 100, "pass"),
        ({"at_most": 0.85}, 80, 100, "cannot_decide"),
        ({"at_most": 0.7}, 80, 100, "fail"),
        ({"at_least": 0.75, "side": "value"}, 80, 100, "pass"),
        ({"at_least": 0.75, "side": "low"}, 80, 100, "fail"),
        ({"at_least": 0.75, "side": "high"}, 80, 100, "pass"),
        ({"at_least": 0.85, "side": "high"}, 80, 100, "pass"),
        ({"at_least": 0.75, "when_unsure": "fail"}, 80, 100, "fail"),
        ({"at_least": 0.75, "when_unsure": "pass"}, 80, 100, "pass"),
        ({"at_least": 0.6, "at_most": 0.9}, 80, 100, "pass"),
    ],
)
def test_a_bound_on_80_of_100_whose_interval_is_71_to_87(rule, hits, n, decision):
    given = rows(" ".join("e" * hits + "o" * (n - hits)))
    assert gated([{"rate": "exact_rate", **rule}], given).rules[0].decision == decision


def test_rules_hold_where_tags_match():
    given = [row("e" if i % 2 else "u", f"p{i}", tags={"style": ["plain", "noir"][i % 2]}) for i in range(80)]
    found = gated([{"rate": "exact_rate", "where": {"style": s}, "at_least": 0.5} for s in ("noir", "plain")], given)
    assert [one.decision for one in found.rules] == ["pass", "fail"]
    assert found.rules[0].reason.startswith("exact in noir: 100 %")


@pytest.mark.parametrize(
    ("where", "said"), [({"style": "noirr"}, "did you mean 'noir'"), ({"stile": "noir"}, "did you mean 'style'")]
)
def test_tags_that_match_nothing_cannot_be_decided_and_near_names_are_given(where, said):
    found = gated([{"rate": "exact_rate", "where": where, "at_least": 0.1}], drawn(0.5, 1))
    assert found.decision == "cannot_decide" and said in found.rules[0].reason


def test_failed_controls_outrank_every_rate():
    controls = {"passed": False, "right": 31, "total": 48, "needed": 46}
    found = gated([{"rate": "exact_rate", "at_least": 0.9}], drawn(0.2, 1), controls=controls)
    assert found.exit_code == 3
    assert found.rules[0].reason == "the counter tiny got 31 of 48 control pictures right; 46 are needed"


@pytest.mark.parametrize(
    ("limits", "spec", "decision", "said"),
    [
        ({"lost": 0.1}, "e e e e f -", "cannot_decide", "2 of 6 samples were lost"),
        ({"lost": 0.5}, "e e e e f -", "pass", ""),
        ({"lost": None, "failures": 0.1}, "e e e f", "cannot_decide", "1 of 4 samples failed"),
        ({"lost": None, "missing": 0}, "e e e -", "cannot_decide", "1 of 4 samples were not made"),
        ({"uncertain": 0.2}, "e e e ?", "cannot_decide", "1 of 4 samples are uncertain"),
        ({"refusals": 0.2}, "e e e r", "fail", "1 of 4 samples were refused"),
        ({"refusals": 0.5}, "e e e r", "pass", ""),
        ({"samples": 10}, "e e e e", "cannot_decide", "only 4 samples"),
        ({"prompts": 10}, "ee ee", "cannot_decide", "only 2 prompts"),
        ({"calibrated": True}, "e e e e", "cannot_decide", "never calibrated"),
        ({}, "f f", "cannot_decide", "nothing was scored"),
    ],
)
def test_limits_on_the_run_itself(limits, spec, decision, said):
    given = policy({"rate": "exact_rate", "at_least": 0.01, "when_unsure": "pass"}, limits=limits)
    found = decide_gate(given, evidence_of_run(rows(spec), run_info()))
    assert found.decision == decision
    assert said in " ".join(one.reason for one in found.rules)


def test_a_kept_summary_is_as_good_a_baseline_as_the_run():
    before, now = drawn(0.8, 1), drawn(0.7, 2)
    kept = evidence_of_summary(summarize(before, run_info()))
    rules = [LOSS, {**LOSS, "where": {"number": 4}}]
    by_summary = decide_gate(policy(*rules), evidence_of_run(now, run_info()), kept)
    by_run = gated(rules, now, before)
    assert [one.estimate for one in by_summary.rules] == [one.estimate for one in by_run.rules]


def test_a_baseline_of_another_suite_is_unpaired_and_said():
    found = decide_gate(
        policy(LOSS),
        evidence_of_run(drawn(0.7, 1), run_info()),
        evidence_of_run(drawn(0.7, 2), run_info(suite_digest="1")),
    )
    assert "unpaired" in found.warnings[0] and "(unpaired)" in found.rules[0].reason


def test_means_and_costs_have_rules_too():
    rules = [
        {"rate": "mean_abs_error", "at_most": 0.5},
        {"rate": "mean_abs_error", "where": {"number": 2}, "at_most": 0.5},
        {"rate": "seconds_per_exact", "at_most": 60},
        {"rate": "mean_abs_error", "no_worse_by": 0.3},
    ]
    found = gated(rules, drawn(0.8, 1), drawn(0.8, 1))
    assert [one.decision for one in found.rules] == ["pass"] * 4
    assert "mean error of the count: 0.2" in found.rules[0].reason


def test_every_generator_must_pass_and_is_named():
    given = [*drawn(0.9, 1), *(row("u", f"p{i}", generator="h") for i in range(100))]
    found = gated([{"rate": "exact_rate", "at_least": 0.5}], given)
    assert found.decision == "fail"
    assert [one.reason.split(":")[0] for one in found.rules] == ["g", "h"]
    only = gated([{"rate": "exact_rate", "at_least": 0.5, "generator": "g"}], given)
    assert only.decision == "pass"


def test_rules_without_what_they_need():
    with pytest.raises(BadInput, match="--baseline"):
        gated([LOSS], drawn(0.5, 1))
    with pytest.raises(UnknownName, match="no generator named 'x'"):
        gated([{"rate": "exact_rate", "at_least": 0.1, "generator": "x"}], drawn(0.5, 1))
    with pytest.raises(BadInput, match="has no generator 'g'"):
        both = [*drawn(0.5, 1), row("e", generator="h")]
        decide_gate(
            policy(LOSS), evidence_of_run(both, run_info()), evidence_of_run([row("e", generator="z")], run_info())
        )
    corrected = gated([{"rate": "exact_rate", "at_least": 0.1, "corrected": True}], drawn(0.5, 1))
    assert corrected.decision == "cannot_decide" and "no labels" in corrected.rules[0].reason


def test_json_is_as_published():
    body = json.loads(json.dumps(gated([LOSS], drawn(0.7, 1, 40), drawn(0.7, 2, 40)).to_json()))
    jsonschema.validate(body, schema("gate"))
    assert list(body["rules"][0]) == ["rule", "generator", "decision", "reason", "estimate"]


def test_a_baseline_counted_otherwise_is_warned_of():
    before = evidence_of_run(drawn(0.7, 1), run_info(counter={"name": "yolo"}))
    found = decide_gate(policy(LOSS), evidence_of_run(drawn(0.7, 1), run_info()), before)
    assert found.warnings == (
        "the counters differ (yolo, tiny), and so do their errors: correct the rates by labels, or recount.",
    )
    assert not gated([LOSS], drawn(0.7, 1), drawn(0.7, 1)).warnings


def test_a_rate_that_the_summary_withholds_decides_nothing():
    blind = {"passed": True, "by_style": {"noir": {"passed": False, "right": 3, "total": 24}}}
    noir = {"where": {"style": "noir"}}
    rules = [{"rate": "exact_rate", "at_least": 0.5, **noir}, {"rate": "refusal_rate", "at_most": 0.1, **noir}]
    found = gated(rules, drawn(0.9, 1), controls=blind)
    assert [one.decision for one in found.rules] == ["cannot_decide", "pass"]
    assert "3 of 24 control pictures" in found.rules[0].reason


@pytest.mark.parametrize(("hits", "decision"), [(29, "pass"), (30, "cannot_decide")])
def test_a_limit_is_met_by_exactly_so_many(hits, decision):
    given = [row("f" if i < hits else "e", f"p{i}") for i in range(100)]
    rule = {"rate": "exact_rate", "at_least": 0.1}
    found = decide_gate(policy(rule, limits={"lost": 0.29}), evidence_of_run(given, run_info()))
    assert found.decision == decision


def test_what_a_run_ended_early_never_asked_for_was_not_lost():
    given = [row("e" if i < 100 else "-", f"p{i}") for i in range(200)]
    rule = {"rate": "lost_rate", "at_most": 0.1}
    assert gated([rule], given, until_decided="pass").decision == "pass"
    assert decide_gate(policy(rule, limits={"lost": None}), evidence_of_run(given, run_info())).decision == "fail"


def test_the_rates_of_a_comparison_are_over_its_pairs_and_add_up():
    before = [row("e", f"x{i}") for i in range(100)] + [row("e" if i % 2 else "u", f"p{i}") for i in range(100)]
    now = [row("e" if i % 2 else "u", f"p{i}") for i in range(100)]
    assert "exact: 50 % [40, 60], was 50 %: no change" in gated([LOSS], now, before).rules[0].reason


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"at_least": 0.625}, "exact: 74 % [72, 77]; the limit is at least 62.5 %"),
        ({"at_least": 0.7449, "side": "value"}, "exact: 74.5 % [71.7, 77.1]; the limit is at least 74.49 %"),
        ({"at_least": 0.7454, "side": "value"}, "exact: 74 % [72, 77]; the limit is at least 74.54 %"),
    ],
)
def test_a_reason_is_not_rounded_onto_its_limit(rule, said):
    given = [row("e" if i < 745 else "u", f"p{i}") for i in range(1000)]
    assert gated([{"rate": "exact_rate", **rule}], given).rules[0].reason.startswith(said)


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
