"""How many prompts a policy needs, before anything is made."""

import pytest

from countcheck.errors import UnknownName
from countcheck.gate.check import check_policy
from countcheck.gate.decide import decide_gate
from countcheck.gate.evidence import evidence_of_run
from countcheck.gate.policy import policy_from
from countcheck.gate.rehearsal import flawless_rows
from countcheck.storage.run_info import RunInfo
from countcheck.suites.suite import Conversation, Prompt, Suite, Target, Turn

PIGS = (Target(noun="pig", count=3),)


def suite(n, talks=0, **tags):
    prompts = tuple(Prompt(id=f"p{i}", text="three pigs", targets=PIGS, tags=tags) for i in range(n))
    turns = (Turn(say="three pigs", targets=PIGS), Turn(say="in noir", targets=PIGS))
    conversations = tuple(Conversation(id=f"t{i}", turns=turns) for i in range(talks))
    return Suite(name="pigs", prompts=prompts, conversations=conversations)


def check(rule, given, repeats=1, limits=None, **how):
    return check_policy(policy_from({"rules": [rule], "limits": limits or {}}), given, repeats, **how)


@pytest.mark.parametrize(
    ("rule", "needed"),
    [
        ({"rate": "refusal_rate", "at_most": 0.02}, 189),  # Wilson: z² / (n + z²) <= 0.02
        ({"rate": "refusal_rate", "at_most": 0.02, "side": "value"}, 1),
        ({"rate": "exact_rate", "at_least": 0.9}, 35),
        ({"rate": "unclear_refusal_rate", "at_most": 0.1, "side": "high"}, 35),
    ],
)
def test_a_share_needs_as_many_prompts_as_wilson_says(rule, needed):
    found = check(rule, suite(needed)).rules[0]
    assert (found.needed, found.available, found.enough) == (needed, needed, True)
    if needed > 1:
        assert check(rule, suite(needed - 1)).exit_code == 3


@pytest.mark.parametrize(
    "rule",
    [
        {"rate": "exact_rate", "no_worse_by": 0.1},
        {"rate": "mean_abs_error", "at_most": 0.2},
        {"rate": "mean_abs_error", "no_worse_by": 0.2},
        {"rate": "kept_rate", "at_least": 0.5},
    ],
)
def test_what_is_needed_is_just_what_the_gate_itself_needs(rule):
    kind = {"talks": True} if rule["rate"] == "kept_rate" else {}
    needed = check(rule, suite(200, 200 if kind else 0)).rules[0].needed
    for n, decision in ((needed, "pass"), (needed - 1, "cannot_decide")):
        given = suite(5, n) if kind else suite(n)
        info = RunInfo(suite=given.name, suite_digest=given.digest)
        evidence = evidence_of_run(flawless_rows(given, 1), info)
        assert decide_gate(policy_from({"rules": [rule]}), evidence, evidence).decision == decision


def test_repeats_count_for_less_than_prompts():
    rule = {"rate": "refusal_rate", "at_most": 0.02}
    assert 95 < check(rule, suite(100), repeats=2).rules[0].needed < 189


def test_looking_after_every_batch_needs_more():
    rule = {"rate": "refusal_rate", "at_most": 0.05}
    assert check(rule, suite(80), sequential=True).rules[0].needed > check(rule, suite(80)).rules[0].needed


def test_limits_on_numbers_are_checked_too():
    found = check(
        {"rate": "exact_rate", "at_least": 0.1}, suite(63), limits={"prompts": 100, "samples": 120}, repeats=2
    )
    assert [own.enough for own in found.rules] == [False, True, True]
    assert found.rules[0].reason == "the limit asks for 100 prompts; the suite has 63"
    assert not found.decidable


def test_a_rule_that_not_even_a_flawless_generator_passes():
    found = check({"rate": "exact_rate", "at_most": 0.9}, suite(50)).rules[0]
    assert (found.needed, found.enough) == (None, False) and "not even a flawless generator" in found.reason


def test_a_rule_that_passes_when_unsure_is_decidable_on_any_suite():
    found = check({"rate": "refusal_rate", "at_most": 0.02, "when_unsure": "pass"}, suite(10)).rules[0]
    assert found.enough and "with fewer it passes" in found.reason


@pytest.mark.parametrize(
    ("rule", "talks", "enough"),
    [
        ({"rate": "kept_rate", "at_least": 0.5}, 0, False),
        ({"rate": "repaired_rate", "at_least": 0.5}, 0, False),
        ({"rate": "repaired_rate", "at_least": 0.5}, 4, None),
        ({"rate": "refusal_flip_rate", "at_most": 0.5}, 0, None),
        ({"rate": "exact_rate", "at_least": 0.5, "corrected": True}, 0, None),
        ({"rate": "cost_per_exact", "at_most": 1}, 0, None),
    ],
)
def test_what_shows_only_in_a_run_is_said_to(rule, talks, enough):
    found = check(rule, suite(60, talks))
    assert found.rules[0].enough is enough
    assert found.exit_code == (3 if enough is False else 0)


def test_a_tag_that_the_suite_does_not_have_is_refused():
    with pytest.raises(UnknownName, match="Did you mean 'noir'"):
        check({"rate": "exact_rate", "at_least": 0.1, "where": {"style": "nour"}}, suite(5, style="noir"))


def test_json_has_a_schema():
    import jsonschema

    from countcheck.schemas import schema

    body = check({"rate": "kept_rate", "at_least": 0.5}, suite(3), limits={"prompts": 5}).to_json()
    jsonschema.validate(body, schema("gate-check"))
