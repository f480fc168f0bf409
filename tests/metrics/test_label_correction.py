"""Correction by labels, against hand calculation and simulated counters."""

from dataclasses import replace

import numpy as np
import pytest
from verdict_rows import row, rows, run_info

from countcheck.metrics.label_correction import corrected_rates, ground_truths
from countcheck.metrics.summary import summarize
from countcheck.storage.rows import Label


def label(prompt, count, *, labeller="ann", stratum="g / exact", repeat=0, **fields):
    given = {"key": f"g/{prompt}/{repeat}", "noun": "pig", "count": count, "labeller": labeller, "stratum": stratum}
    return Label(**(given | fields))


def labelled(said, truth):
    """Prompt i: the counter says said[i], people see truth[i] of 3 pigs (None: not labelled)."""
    given = [row("e" if s == 3 else "u", f"p{i}", counted=s) for i, s in enumerate(said)]
    return given, [label(f"p{i}", t) for i, t in enumerate(truth) if t is not None]


def test_with_every_picture_labelled_the_rate_is_that_of_the_labels():
    given, labels = labelled([3] * 20 + [2] * 20, [3] * 14 + [2] * 6 + [3] * 4 + [2] * 16)
    found, _ = corrected_rates(given, labels)
    assert found["exact_rate"].value == pytest.approx(18 / 40)
    assert found["under_rate"].value == pytest.approx(22 / 40)
    assert found["mean_abs_error"].value == pytest.approx(22 / 40)


def test_each_verdict_is_corrected_by_its_own_labels():
    truth = [3] * 8 + [2] * 2 + [None] * 70 + [3] * 3 + [2] * 7 + [None] * 10
    given, labels = labelled([3] * 80 + [2] * 20, truth)
    found, _ = corrected_rates(given, labels)
    assert found["exact_rate"].value == pytest.approx(0.8 * 0.8 + 0.2 * 0.3)
    assert found["exact_rate"].method == "prediction-powered, 20 labels"
    assert found["exact_rate"].low < 0.6 and found["exact_rate"].high > 0.75


def test_refusals_need_no_label_and_stay_in_the_denominator():
    given, labels = labelled([3] * 12 + [2] * 12, [3] * 12 + [2] * 12)
    given += rows("r " * 24)
    found, _ = corrected_rates(given, labels)
    assert found["exact_rate"].value == pytest.approx(12 / 48)
    assert found["exact_rate_given_picture"].value == pytest.approx(0.5)


def test_more_labels_are_surer_and_few_correct_nothing():
    truth = ([3] * 9 + [2]) * 20 + ([2] * 9 + [3]) * 20
    widths = []
    for step in (10, 2):
        given, labels = labelled([3] * 200 + [2] * 200, [t if i % step < 1 else None for i, t in enumerate(truth)])
        found = corrected_rates(given, labels)[0]["exact_rate"]
        widths.append(found.high - found.low)
    assert widths[1] < widths[0]
    given, labels = labelled([3] * 20, [3] * 5 + [None] * 15)
    assert corrected_rates(given, labels)[0] == {}
    assert "too few" in corrected_rates(given, labels)[1]


def test_a_verdict_without_any_label_cannot_be_corrected():
    given, labels = labelled([3] * 20 + [2] * 20, [3] * 20 + [None] * 20)
    found, why = corrected_rates(given, labels)
    assert found == {} and "label some of each" in why


def test_people_who_disagree_settle_nothing_and_a_majority_does():
    given = [row("e", f"p{i}") for i in range(3)]
    labels = [
        label("p0", 3), label("p0", 2, labeller="bob"), label("p0", 2, labeller="cy"),
        label("p1", 3), label("p1", 2, labeller="bob"),
        label("p2", None),
    ]  # fmt: skip
    assert {i: truth.counts for i, truth in ground_truths(given, labels).items()} == {0: {"pig": 2}}


def test_labels_chosen_by_hand_are_said_to_be():
    given, labels = labelled([3] * 20 + [2] * 20, [3] * 20 + [2] * 20)
    found, beware = corrected_rates(given, [label(one.key.split("/")[1], one.count, stratum="") for one in labels])
    assert found["exact_rate"].method.startswith("Rogan-Gladen") and "by hand" in beware


def test_a_summary_with_labels_is_corrected_and_one_without_warns_before_ranking():
    given, labels = labelled([3] * 20 + [2] * 20, [3] * 20 + [2] * 20)
    assert summarize(given, run_info(), labels).generators["g"].corrected["exact_rate"].value == 0.5
    ranked = summarize([*given, row("e", generator="h")], run_info())
    assert "never calibrated" in ranked.warnings[0]
    calm = run_info(counter={"name": "tiny", "measured": {"calibrated_on": "r"}})
    assert not summarize([*given, row("e", generator="h")], calm).warnings


def test_refusals_of_prompts_that_ask_for_no_number_are_in_neither_rate():
    given, labels = labelled([3] * 10 + [2] * 10, [3] * 10 + [2] * 10)
    given += [row("n", f"q{i}", asked={}) for i in range(20)]
    found = summarize(given, run_info(), labels).generators["g"]
    assert (found.corrected["exact_rate"].value, found.corrected["exact_rate"].n) == (0.5, 20)
    assert (found.rates["exact_rate"].value, found.rates["exact_rate"].n) == (0.5, 20)


def test_labels_drawn_before_a_run_was_counted_anew_count_for_what_they_stand_for():
    """All that was uncertain was labelled, and a tenth of the rest; counted anew, nothing is uncertain any more."""
    rng = np.random.default_rng(3)
    hard = np.arange(2000) < 200
    truth = rng.random(2000) < np.where(hard, 0.3, 0.7)
    said = np.where(hard, rng.random(2000) < 0.9, truth ^ (rng.random(2000) < 0.03))
    given, _ = labelled(np.where(said, 3, 2).tolist(), [None] * 2000)
    easy = np.flatnonzero(~hard)
    drawn = [(int(i), "uncertain / g", 1.0) for i in np.flatnonzero(hard)]
    drawn += [(int(i), "g / exact", 10.0) for i in easy[said[easy]][::10]]
    drawn += [(int(i), "g / not exact", 10.0) for i in easy[~said[easy]][::10]]
    labels = [label(f"p{i}", 3 if truth[i] else 2, stratum=s, weight=w) for i, s, w in drawn]
    found = corrected_rates(given, labels)[0]["exact_rate"]
    assert found.low < truth.mean() < found.high and abs(found.value - truth.mean()) < 0.03
    # The first of a stratum was weighed before the others were there: the newest weight holds for all.
    late = [replace(one, weight=900.0) if k == 250 else one for k, one in enumerate(labels)]
    assert corrected_rates(given, late)[0]["exact_rate"] == found
