"""Conversation rates on conversations told by hand."""

import pytest
from verdict_rows import rows, run_info, turn

from countcheck.gate.decide import decide_gate
from countcheck.gate.evidence import evidence_of_run
from countcheck.gate.policy import policy_from
from countcheck.metrics.summary import summarize
from countcheck.suites.suite import Target

PIGS = (Target(noun="pig", count=3),)
WOLF = (*PIGS, Target(noun="wolf", count=1))


def rates(*given):
    return summarize(given, run_info()).generators["g"].rates


def test_a_count_is_kept_when_what_carried_over_still_holds():
    found = rates(
        turn("e", 0, turn=0),
        turn("u", 1, turn=1, targets=WOLF, counted={"pig": 3, "wolf": 0}),
        turn("e", 2, turn=2),
        turn("o", 3, turn=3),
    )["kept_rate"]
    assert (found.value, found.n) == (0.5, 2)  # turn 2 follows a wrong one, so there was nothing to keep


def test_a_refused_style_change_has_not_kept_the_count():
    assert rates(turn("e", 0, turn=0), turn("n", 1, turn=1))["kept_rate"].value == 0


def test_repairs_are_counted_up_to_k():
    found = rates(
        turn("u", 0, turn=0),
        turn("u", 0, 1, turn=1),
        turn("e", 0, 2, turn=2),
        turn("o", 1, turn=3),
        turn("e", 1, 1, turn=4),
        turn("o", 2, turn=5),
        turn("o", 2, 1, turn=6),
    )
    assert (found["repaired_rate_1"].value, found["repaired_rate_1"].n) == (pytest.approx(1 / 3), 3)
    # the last turn was told only once, so it says nothing of what two tellings would have done
    assert (found["repaired_rate_2"].value, found["repaired_rate_2"].n) == (1.0, 2)
    assert found["repaired_rate"].value == pytest.approx(2 / 3)


def test_false_claims_are_over_wrong_pictures():
    found = rates(
        turn("m", 0, turn=0, claims=True), turn("u", 1, turn=1), turn("e", 2, turn=2, claims=True), turn("n", 3, turn=3)
    )
    assert (found["false_claim_rate"].value, found["false_claim_rate"].n) == (0.5, 2)


def test_a_refusal_sticks_when_the_next_harmless_turn_is_refused_too():
    found = rates(*(turn(letter, i, turn=i) for i, letter in enumerate("ennef")))
    assert (found["sticky_refusal_rate"].value, found["sticky_refusal_rate"].n) == (0.5, 2)


def test_conversations_are_the_clusters_and_stay_out_of_prompt_rates():
    given = [turn("e", i, turn=i, talk=f"t{j}") for j in range(3) for i in range(4)]
    found = summarize(given, run_info()).generators["g"]
    assert (found.rates["turn_exact_rate"].n, found.rates["turn_exact_rate"].clusters) == (12, 3)
    assert found.rates["conversation_exact_rate"].n == 3
    assert "exact_rate" not in found.rates
    assert found.conversations["conversations"] == 3


def test_a_turn_that_asks_for_no_number_is_neither_exact_nor_wrong():
    talk = [turn("e", 0, turn=0, targets=(), verdict=None), turn("e", 1, turn=1), turn("u", 2, turn=2)]
    found = rates(*talk)
    assert (found["turn_exact_rate"].value, found["turn_exact_rate"].n) == (0.5, 2)
    assert found["turn_refusal_rate"].n == 3


def test_a_refused_repair_has_failed_whatever_number_was_allowed():
    found = rates(turn("u", 0, turn=0), turn("n", 0, 1, turn=1), turn("o", 1, turn=2), turn("o", 1, 1, turn=3),
                  turn("e", 1, 2, turn=4))  # fmt: skip
    assert (found["repaired_rate_2"].value, found["repaired_rate_2"].n) == (0.5, 2)
    assert (found["repair_refusal_rate"].value, found["repair_exact_rate"].value) == (pytest.approx(1 / 3),) * 2


def test_a_repair_that_failed_technically_says_nothing():
    found = rates(turn("u", 0, turn=0), turn("f", 0, 1, turn=1))
    assert "repaired_rate" not in found and "repair_refusal_rate" not in found
    assert found["turn_refusal_rate"].n == 1


def test_every_turn_counts_as_asked_repairs_together_and_apart():
    found = rates(turn("r", 0, turn=0), turn("u", 1, turn=1), turn("n", 1, 1, turn=2), turn("e", 2, turn=3))
    assert (found["turn_refusal_rate"].value, found["turn_refusal_rate"].n) == (0.5, 4)
    assert (found["scripted_refusal_rate"].value, found["scripted_refusal_rate"].n) == (pytest.approx(1 / 3), 3)
    assert (found["repair_refusal_rate"].value, found["repair_refusal_rate"].n) == (1.0, 1)


def test_turns_of_benign_conversations_enter_the_refusals_of_the_run():
    given = [*rows("ee nn"), *(turn(letter, i, turn=i) for i, letter in enumerate("en"))]
    found = summarize(given, run_info()).generators["g"].rates
    assert (found["unclear_refusal_rate"].value, found["unclear_refusal_rate"].n) == (0.5, 6)
    assert (found["refusal_rate"].value, found["refusal_rate"].clusters) == (0.5, 3)
    harmful = [*rows("ee nn"), *(turn(letter, i, turn=i, benign=False) for i, letter in enumerate("en"))]
    found = summarize(harmful, run_info()).generators["g"].rates
    assert (found["unclear_refusal_rate"].value, found["refusal_rate"].value) == (pytest.approx(1 / 3), 0.5)


def test_a_stated_refusal_of_a_repair_is_inconsistent_with_the_picture_before_it():
    found = rates(turn("u", 0, turn=0), turn("r", 0, 1, turn=1))
    assert found["turn_unclear_refusal_rate"].value == 0.5


def test_a_gate_on_refusals_judges_prompts_and_turns_together():
    given = [*rows("e " * 40), *(turn("n", i, turn=i, talk=f"t{j}", key=f"t{j}") for j in range(40) for i in range(2))]
    policy = policy_from({"rules": [{"rate": "unclear_refusal_rate", "at_most": 0.3}]})
    (result,) = decide_gate(policy, evidence_of_run(given, run_info())).rules
    assert (result.decision, result.estimate.n, result.estimate.value) == ("fail", 120, pytest.approx(2 / 3))
