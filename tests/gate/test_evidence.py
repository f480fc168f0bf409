"""What a gate reads of a run, and of a kept summary."""

from verdict_rows import rows, run_info

from countcheck.gate.evidence import evidence_of_run, evidence_of_summary


def test_a_run_and_its_summary_say_the_same_of_its_samples():
    evidence = evidence_of_run(rows("eo r"), run_info())
    kept = evidence_of_summary(evidence.summary)
    assert kept.sides["g"].samples.to_letters() == evidence.sides["g"].samples.to_letters()
    assert not kept.stopped_early


def test_only_a_run_that_a_gate_ended_with_samples_left_was_stopped_early():
    assert evidence_of_run(rows("e -"), run_info(until_decided="pass")).stopped_early
    assert not evidence_of_run(rows("e e"), run_info(until_decided="pass")).stopped_early
    assert not evidence_of_run(rows("e -"), run_info()).stopped_early
