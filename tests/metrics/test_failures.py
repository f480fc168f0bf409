"""Why samples failed."""

from verdict_rows import row, rows, run_info, turn

from countcheck.gate.decide import decide_gate
from countcheck.gate.evidence import evidence_of_run
from countcheck.gate.policy import policy_from
from countcheck.metrics.failures import MAX_MESSAGE, MAX_REASONS, failure_reasons
from countcheck.metrics.summary import Summary, summarize


def failed(n, message, failure="transient"):
    return [row("f", f"{message}{i}", message=message, failure=failure) for i in range(n)]


def test_reasons_are_counted_and_the_commonest_comes_first():
    given = [*failed(2, "no credit", "closed"), *failed(5, "Connection refused"), *rows("e r -")]
    assert [(reason.failure, reason.message, reason.n) for reason in failure_reasons(given)] == [
        ("transient", "Connection refused", 5),
        ("closed", "no credit", 2),
    ]


def test_few_and_short_reasons_are_kept():
    given = [row("f", f"p{i}", message=f"{i} " + "x" * 1000) for i in range(40)]
    reasons = failure_reasons(given)
    assert len(reasons) == MAX_REASONS and max(len(reason.message) for reason in reasons) == MAX_MESSAGE


def test_a_message_of_several_lines_becomes_one():
    assert failure_reasons(failed(1, "a\n  b"))[0].message == "a b"


def test_failed_turns_count_and_the_summary_keeps_them():
    given = [*failed(3, "Connection refused"), turn("f", 0, turn=0, message="Connection refused")]
    summary = summarize(given, run_info())
    assert summary.generators["g"].failures[0].n == 4
    assert Summary.from_json(summary.to_json()) == summary


def test_no_failure_no_key():
    assert "failures" not in summarize(rows("e r -"), run_info()).to_json()["generators"]["g"]


def test_a_gate_that_cannot_decide_for_losses_names_the_commonest():
    given = [*failed(9, "Connection refused"), *rows("e")]
    policy = policy_from({"rules": [{"rate": "exact_rate", "at_least": 0.1}]})
    found = decide_gate(policy, evidence_of_run(given, run_info()))
    assert found.exit_code == 3
    assert found.rules[0].reason == (
        "9 of 10 samples were lost; the limit is 5 %; the commonest failure, 9 times: Connection refused"
    )
