"""Two runs against each other."""

import io
import json
import random

import jsonschema
import pytest
from rich.console import Console
from verdict_rows import row, rows, run_info

from countcheck.errors import BadInput, CannotDecide
from countcheck.metrics.comparison import adjust_p_values, compare
from countcheck.metrics.sides import sides_of_run, sides_of_summary
from countcheck.metrics.summary import summarize
from countcheck.reports.terminal.comparison import render_comparisons
from countcheck.schemas import schema


def party(spec, generator="g", **changes):
    given = rows(spec, generator=generator) if isinstance(spec, str) else spec
    return sides_of_run(given, run_info(**changes))[generator]


def drawn(rate, seed, n=200, repeats=2, **fields):
    toss = random.Random(seed)
    return [
        row("e" if toss.random() < rate else "u", f"p{i}", k, asked=i % 4 + 1, **fields)
        for i in range(n)
        for k in range(repeats)
    ]


def test_the_difference_is_b_less_a_and_both_sides_are_shown():
    found = compare(party("ee eo oo"), party("eo oo oo")).rates["exact_rate"]
    assert (found.a.value, found.b.value) == (0.5, pytest.approx(1 / 6))
    assert found.difference.value == pytest.approx(-1 / 3)
    assert found.difference.low < -1 / 3 < found.difference.high


def test_a_true_loss_is_found_and_a_twin_is_not_accused():
    before = party(drawn(0.8, 1))
    worse, twin = (compare(before, party(drawn(rate, 2))).rates["exact_rate"] for rate in (0.6, 0.8))
    assert worse.difference.high < 0 and worse.p_value < 0.001
    assert twin.difference.low < 0 < twin.difference.high and twin.p_value > 0.05


def test_prompts_that_changed_are_named_with_what_they_asked():
    found = compare(party("ee oo eo"), party("oo ee eo"))
    assert [(c.prompt_id, c.a, c.b, c.n) for c in found.regressed] == [("p0", 2, 0, 2)]
    assert [(c.prompt_id, c.text) for c in found.improved] == [("p1", "3 pig")]
    assert (found.lost, found.won, found.mcnemar) == (2, 2, 1.0)


def test_splits_are_adjusted_for_their_number():
    found = compare(party(drawn(0.8, 1)), party(drawn(0.6, 2)))
    pairs = found.by["number"]
    assert set(pairs) == {"1", "2", "3", "4"}
    assert all(pairs[n]["exact_rate"].holm >= pairs[n]["exact_rate"].p_value for n in pairs)


def test_missing_pairs_are_counted():
    found = compare(party("ee e-"), party("ee ff e"))
    assert (found.pairs, found.unpaired) == (2, {"a": 1, "b": 1})


def test_errors_are_compared_noun_by_noun():
    a = [row("o", f"p{i}", counted=3 + e) for i, e in enumerate([1, 0, 2, 1])]
    b = [row("o", f"p{i}", counted=3 + e) for i, e in enumerate([3, 1, 3, 1])]
    found = compare(party(a), party(b)).rates["mean_abs_error"]
    assert (found.a.value, found.b.value, found.difference.value) == (1.0, 2.0, 1.0)
    from scipy import stats

    theirs = stats.ttest_rel([3, 1, 3, 1], [1, 0, 2, 1])
    assert found.p_value == pytest.approx(theirs.pvalue)
    assert found.difference.low == pytest.approx(theirs.confidence_interval().low)


def test_other_suites_are_compared_unpaired_and_it_is_said():
    found = compare(party("ee eo"), party("eo oo", suite_digest="1" * 32))
    assert found.pairs == 0 and "unpaired" in found.warnings[0]
    assert found.rates["exact_rate"].test == "unpaired score test"


def test_one_suite_without_common_samples_cannot_be_decided():
    with pytest.raises(CannotDecide, match="no prompt and repeat"):
        compare(party("ee ff"), party("ff ee"))


def test_nothing_scored_in_either_cannot_be_decided():
    with pytest.raises(CannotDecide, match="nothing to compare"):
        compare(party("ff"), party("ff", suite_digest="1" * 32))


def test_other_counters_are_warned_of():
    found = compare(party("ee"), party("ee", counter={"name": "yolo"}))
    assert "counters differ" in found.warnings[0]
    other_rule = compare(party("ee"), party("ee", counter={"name": "tiny", "rule": {"threshold": 0.5}}))
    assert "different rules" in other_rule.warnings[0]


def test_ranking_models_by_an_uncalibrated_counter_is_warned_of():
    found = compare(party("ee"), party("ee", generator="h"))
    assert "never calibrated" in found.warnings[0]
    assert not compare(party("ee"), party("eo")).warnings


def test_a_summary_pairs_as_well_as_the_run_it_was_made_of():
    a, b = rows("ee eo re n?"), rows("eo oo ee rr")
    kept = json.loads(json.dumps(summarize(a, run_info()).to_json()))
    from countcheck.metrics.summary import Summary

    by_run = compare(party(a), party(b))
    by_summary = compare(sides_of_summary(Summary.from_json(kept))["g"], party(b))
    assert by_summary.rates["exact_rate"] == by_run.rates["exact_rate"]
    assert by_summary.by["number"] == by_run.by["number"]
    kept["generators"]["g"]["samples"]["p0"] = "??Z"
    with pytest.raises(BadInput, match="letters"):
        sides_of_summary(Summary.from_json(kept))


def test_bootstrapped_intervals_come_close_to_the_closed_ones():
    a, b = party(drawn(0.7, 1)), party(drawn(0.6, 2))
    closed, drawn_again = (compare(a, b, resamples=n).rates["exact_rate"].difference for n in (0, 4000))
    assert "BCa" in drawn_again.method
    assert (drawn_again.low, drawn_again.high) == pytest.approx((closed.low, closed.high), abs=0.01)


def test_several_models_are_adjusted_together():
    before = party("ee eo oo ee")
    found = adjust_p_values([compare(before, party(spec)) for spec in ("oo oo oo oo", "ee eo oo ee")])
    assert found[0].rates["exact_rate"].holm == min(1.0, 2 * found[0].rates["exact_rate"].p_value)


def test_json_is_as_published():
    found = compare(party(drawn(0.8, 1, 20)), party(drawn(0.6, 2, 20)))
    body = json.loads(json.dumps(found.to_json()))
    jsonschema.validate(body, schema("compare"))
    assert body["pairs"] == 40 and body["unpaired"] == {"a": 0, "b": 0}


def test_every_prompt_off_by_one_more_is_a_difference():
    found = compare(party("e " * 8), party("o " * 8)).rates["mean_abs_error"]
    assert found.difference.value == 1 and 0 < found.difference.low < 1 < found.difference.high
    assert found.p_value == pytest.approx(2 / 2**8)
    same = compare(party("e " * 8), party("e " * 8)).rates["mean_abs_error"]
    assert same.p_value == 1 and same.difference.low < 0 < same.difference.high


def test_a_style_in_which_the_counter_is_blind_is_not_compared_by_counts():
    styled = [row(letter, f"p{i}", tags={"style": "noir" if i % 2 else "plain"}) for i, letter in enumerate("eoeoeneo")]
    failed = {"passed": True, "by_style": {"noir": {"passed": False, "right": 3, "total": 24}}}
    found = compare(party(styled), party(styled, controls=failed))
    noir, plain = (found.by["style"][style] for style in ("noir", "plain"))
    assert noir["exact_rate"].difference.value is None and noir["exact_rate"].holm is None
    assert "3 of 24 control pictures" in noir["exact_rate"].difference.method
    assert noir["refusal_rate"].a.value == 0.25 and plain["exact_rate"].a.value == 1
    jsonschema.validate(json.loads(json.dumps(found.to_json())), schema("compare"))
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(render_comparisons([found]))
    assert "exactly as asked by style" in console.export_text()
