"""What a run must meet before any rate is judged."""

import pytest
from verdict_rows import row, rows, run_info

from countcheck.gate.decide import decide_gate
from countcheck.gate.evidence import evidence_of_run
from tests.gate.gating import drawn, gated, policy


def test_failed_controls_outrank_every_rate():
    controls = {"passed": False, "right": 31, "total": 48, "needed": 46}
    found = gated([{"rate": "exact_rate", "at_least": 0.9}], drawn(0.2, 1), controls=controls)
    assert found.exit_code == 3
    assert found.rules[0].reason == "the counter tiny got 31 of 48 control pictures right; 46 are needed"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"untested_styles": ["cubism", "photo"]}, "untested in the styles cubism, photo"),
        ({"pictures": {"unlike": 20, "compared": 22}}, "20 of 22 pictures look unlike"),
        ({"passed": None}, "no control picture could be drawn in the words of the counter tiny"),
    ],
)
def test_a_policy_that_asks_for_controls_cannot_decide_where_the_counter_is_untested(more, words):
    controls = {"passed": True, "right": 48, "total": 48, "needed": 46, **more}
    rule = {"rate": "exact_rate", "at_least": 0.9}
    evidence = evidence_of_run(drawn(1, 1), run_info(controls=controls))
    found = decide_gate(policy(rule, limits={"controls": True}), evidence)
    assert found.exit_code == 3
    assert words in " ".join(result.reason for result in found.rules)
    assert decide_gate(policy(rule), evidence).exit_code == 0, "the default asks only that no test was failed"


def test_a_policy_can_do_without_controls():
    controls = {"passed": False, "right": 31, "total": 48, "needed": 46, "untested_styles": ["photo"]}
    rule = {"rate": "exact_rate", "at_least": 0.9}
    evidence = evidence_of_run(drawn(1, 1), run_info(controls=controls))
    assert decide_gate(policy(rule, limits={"controls": False}), evidence).exit_code == 0


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


@pytest.mark.parametrize(("hits", "decision"), [(29, "pass"), (30, "cannot_decide")])
def test_a_limit_is_met_by_exactly_so_many(hits, decision):
    given = [row("f" if i < hits else "e", f"p{i}") for i in range(100)]
    rule = {"rate": "exact_rate", "at_least": 0.1}
    found = decide_gate(policy(rule, limits={"lost": 0.29}), evidence_of_run(given, run_info()))
    assert found.decision == decision
