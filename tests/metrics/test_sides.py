"""A generator of a run as one side of a comparison."""

from dataclasses import asdict, replace

import pytest
from verdict_rows import row, rows, run_info, turn

from countcheck.counting.rule import CountingRule
from countcheck.errors import BadInput
from countcheck.metrics.sides import counter_warnings, sides_of_run, sides_of_summary
from countcheck.metrics.summary import summarize


def side(**info):
    return sides_of_run(rows("e"), run_info(**info))["g"]


def test_a_run_has_a_side_for_every_generator_that_was_asked_prompts():
    given = [*rows("eo"), row("e", generator="h"), turn("e", 0, turn=0, generator="talker")]
    sides = sides_of_run(given, run_info())
    assert set(sides) == {"g", "h"}
    assert sides["g"].texts == {"p0": "3 pig"}
    assert sides["g"].to_json() == {"run": "made-up", "generator": "g", "suite": "pigs"}


def test_a_summary_keeps_the_samples_and_no_columns():
    given = rows("eo r")
    kept = sides_of_summary(summarize(given, run_info()))["g"]
    assert kept.samples.to_letters() == sides_of_run(given, run_info())["g"].samples.to_letters()
    assert kept.columns is None and kept.texts == {}


def test_a_summary_with_other_letters_is_refused():
    summary = summarize(rows("e"), run_info())
    odd = replace(summary, generators={"g": replace(summary.generators["g"], samples={"p0": "Z"})})
    with pytest.raises(BadInput, match="made-up: its samples are not written in the letters"):
        sides_of_summary(odd)


def test_counters_that_differ_are_warned_of():
    other = side(counter={"name": "yolo"})
    assert "the counters differ (tiny, yolo)" in next(counter_warnings([side(), other]))


def test_rules_that_differ_are_warned_of():
    strict, loose = (side(counter={"name": "tiny", "rule": {"threshold": t}}) for t in (0.5, 0.4))
    assert next(counter_warnings([strict, loose])) == "counter tiny counted by different rules: recount both with one."


def test_a_setting_that_an_older_ledger_does_not_name_is_no_difference():
    old, new = side(counter={"name": "tiny", "rule": {"threshold": 0.4}}), CountingRule(threshold=0.4)
    new_side = side(counter={"name": "tiny", "rule": asdict(new)})
    assert list(counter_warnings([old, new_side])) == []


def test_one_generator_against_itself_needs_no_calibration():
    assert list(counter_warnings([side(), side()])) == []
    assert "never calibrated" in next(counter_warnings([side(), replace(side(), generator="h")]))
