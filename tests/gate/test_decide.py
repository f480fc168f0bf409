"""What a policy says of a run."""

import json

import jsonschema
import pytest
from verdict_rows import row, rows, run_info

from countcheck.errors import BadInput, UnknownName
from countcheck.gate.decide import decide_gate
from countcheck.gate.evidence import evidence_of_run
from countcheck.schemas import schema
from countcheck.stats.intervals import wilson
from tests.gate.gating import LOSS, drawn, gated, policy


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


def test_a_baseline_of_another_suite_decides_nothing_unless_unpaired_is_said():
    now, other = evidence_of_run(drawn(0.7, 1), run_info()), evidence_of_run(drawn(0.7, 2), run_info(suite_digest="1"))
    found = decide_gate(policy(LOSS), now, other)
    assert found.exit_code == 3
    assert found.rules[0].reason.startswith("exact: the baseline was asked another suite")
    assert "--unpaired" in found.rules[0].reason
    for said in (
        decide_gate(policy(LOSS), now, other, unpaired=True),
        decide_gate(policy(LOSS, unpaired=True), now, other),
    ):
        assert "unpaired" in said.warnings[0] and "(unpaired)" in said.rules[0].reason


def test_a_rule_that_compares_with_nothing_is_decided_beside_a_baseline_of_another_suite():
    now, other = evidence_of_run(drawn(0.7, 1), run_info()), evidence_of_run(drawn(0.7, 2), run_info(suite_digest="1"))
    found = decide_gate(policy({"rate": "exact_rate", "at_least": 0.5}), now, other)
    assert found.decision == "pass"


def test_a_version_of_the_suite_with_one_prompt_more_is_another_suite():
    before = evidence_of_run(drawn(0.7, 1), run_info(suite_digest="a"))
    now = evidence_of_run([*drawn(0.7, 1), row("e", "new")], run_info(suite_digest="b"))
    assert decide_gate(policy(LOSS), now, before).decision == "cannot_decide"


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


@pytest.mark.parametrize("prompts", [10, 24, 30])
def test_the_promised_number_of_prompts_does_decide(prompts):
    """No refusal keeps "at most 10 %" from 35 prompts on: only there Wilson's upper end lies below 0.1."""
    found = gated([{"rate": "refusal_rate", "at_most": 0.1}], [row("e", f"p{i}") for i in range(prompts)])
    assert "about 35 prompts would decide" in found.rules[0].reason
    assert wilson(0, 35).high < 0.1 <= wilson(0, 34).high
