"""A gate that ends a run once it is decided."""

import pytest
from verdict_rows import row, run_info

from countcheck.gate.early_stop import SequentialGate
from countcheck.gate.policy import policy_from
from countcheck.metrics.sides import sides_of_run
from countcheck.storage.run_info import RunInfo
from countcheck.suites.samples import Sample, shuffle_prompts
from countcheck.suites.suite import Prompt


def gate(*rules, baseline=None):
    return SequentialGate(policy_from({"rules": list(rules)}), baseline)


def test_nothing_is_decided_on_little_and_a_clear_case_soon_is():
    asking = gate({"rate": "exact_rate", "at_least": 0.5})
    assert asking.update([row("e", f"p{i}") for i in range(3)]) is None
    assert asking.update([row("e", f"p{i}") for i in range(30)]) == "pass"
    assert asking.update([]) == "pass"  # decided for good
    assert gate({"rate": "exact_rate", "at_least": 0.5}).update([row("u", f"p{i}") for i in range(30)]) == "fail"


def test_prompts_whose_repeats_are_not_all_there_wait():
    half = [row("e", f"p{i}", k) for i in range(30) for k in range(1)] + [row("-", f"p{i}", 1) for i in range(30)]
    assert gate({"rate": "exact_rate", "at_least": 0.5}).update(half) is None


def test_a_loss_against_a_baseline_is_decided_in_pairs():
    before = [row("e", f"p{i}") for i in range(60)]
    after = [row("u" if i % 2 else "e", f"p{i}") for i in range(60)]
    rule = {"rate": "exact_rate", "no_worse_by": 0.05}
    assert gate(rule, baseline=sides_of_run(before, RunInfo())).update(after) == "fail"
    assert gate(rule).update(after) is None


def test_rules_that_cannot_be_looked_at_early_hold_a_pass_back():
    rules = [{"rate": "exact_rate", "at_least": 0.5}, {"rate": "mean_abs_error", "at_most": 1}]
    assert gate(*rules).update([row("e", f"p{i}") for i in range(40)]) is None
    assert gate(*rules).update([row("u", f"p{i}") for i in range(40)]) == "fail"


def test_the_fair_order_is_shuffled_keeps_repeats_together_and_is_always_the_same():
    samples = [
        Sample(key=f"{i}{k}", generator="g", asked=Prompt(id=f"p{i}", text=""), repeat=k, seed=0)
        for k in range(2)
        for i in range(20)
    ]
    order = shuffle_prompts(samples)
    ids = [sample.asked.id for sample in order]
    assert ids[::2] == ids[1::2] and ids[::2] != sorted(ids[::2])
    assert order == shuffle_prompts(samples[::-1])
    assert sorted(s.key for s in order) == sorted(s.key for s in samples)


@pytest.mark.parametrize("limit", ["samples", "prompts"])
def test_nothing_is_decided_before_there_are_as_many_as_the_policy_wants(limit):
    wanted = policy_from({"rules": [{"rate": "exact_rate", "at_least": 0.5}], "limits": {limit: 80}})
    given = [row("e", f"p{i}") for i in range(80)]
    assert SequentialGate(wanted).update(given[:79]) is None
    assert SequentialGate(wanted).update(given) == "pass"


def test_what_the_gate_will_not_judge_is_not_decided_early():
    before = sides_of_run([row("e", f"p{i}") for i in range(60)], run_info())
    same = {"rate": "exact_rate", "no_worse_by": 0.3}
    given = [row("e", f"p{i}", tags={"style": "noir"}) for i in range(60)]
    assert gate(same, baseline=before).update(given, run_info()) == "pass"
    assert gate(same, baseline=before).update(given, run_info(suite_digest="1" * 32)) is None
    blind = run_info(controls={"passed": True, "by_style": {"noir": {"passed": False, "right": 3, "total": 24}}})
    noir = {"rate": "exact_rate", "at_least": 0.5, "where": {"style": "noir"}}
    assert gate(noir).update(given, run_info()) == "pass"
    assert gate(noir).update(given, blind) is None
