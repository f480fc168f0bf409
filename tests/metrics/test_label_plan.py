"""Which pictures to label next, and what it brings."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
from verdict_rows import row, rows, run_info

from countcheck.metrics.label_plan import MIN_OF_STRATUM, sampling_order, stratum_of
from countcheck.metrics.summary import Summary, summarize
from countcheck.reports.wording import label_advice
from countcheck.review.queue import sample_of, tasks_of
from countcheck.storage.rows import Label


def pictures(verdicts, generator="g"):
    return [row(v, f"p{i}", generator=generator, picture=f"{i}.png") for i, v in enumerate(verdicts)]


def label(row, exact, **fields):
    count = 3 if exact else 2
    return Label(key=row.key, noun="pig", count=count, labeller="ann", stratum=stratum_of(row), **fields)


def test_every_stratum_gets_a_few_and_then_in_proportion_to_what_it_teaches():
    sizes = {"g / exact": 600, "g / not exact": 300, "uncertain / g": 100, "h / exact": 2}
    taken = Counter(islice(sampling_order(sizes), 60))
    assert taken["h / exact"] == 2 and min(taken[name] for name in sizes if sizes[name] > 2) >= MIN_OF_STRATUM
    # Spread .3, .3 and .5: 180, 90 and 50 parts of what is left.
    assert taken["g / exact"] == pytest.approx(58 * 180 / 320, abs=2)
    assert taken["uncertain / g"] == pytest.approx(58 * 50 / 320, abs=2)


def test_what_is_labelled_already_counts():
    order = list(islice(sampling_order({"g / exact": 50, "g / not exact": 50}, {"g / exact": 20}), 20))
    assert order.count("g / not exact") == 20
    assert len(list(sampling_order({"g / exact": 7}, {"g / exact": 3}))) == 4


def test_a_run_says_what_to_label_and_its_json_comes_back():
    summary = summarize(pictures("e" * 120 + "u" * 60 + "?" * 20), run_info())
    plan = summary.next_labels
    assert plan.pictures % 10 == 0 and 20 <= plan.pictures <= 120
    assert plan.command("runs/x") == f"countcheck review runs/x --sample {plan.pictures}"
    assert plan.half_width_now is None and plan.seconds == 9 * plan.pictures
    assert Summary.from_json(summary.to_json()) == summary
    located = summarize(pictures("e" * 120 + "u" * 60), run_info(), path="runs/my run")
    assert located.next_labels.command(located.path).startswith("countcheck review 'runs/my run' --sample ")
    assert located.to_json() == summarize(pictures("e" * 120 + "u" * 60), run_info()).to_json()
    assert label_advice(plan.to_json("runs/x")).startswith(f"label {plan.pictures} pictures: countcheck review runs/x")


@pytest.mark.parametrize(
    "given", [rows("eeu"), pictures([]), [row("r", "p0")], [row("e", "p", asked={}, picture="0.png")]]
)
def test_a_run_without_pictures_to_count_in_has_nothing_to_label(given):
    assert summarize(given, run_info()).next_labels is None


def test_enough_labels_end_the_advice():
    given = pictures("e" * 100 + "u" * 100)
    labels = [label(row, row.verdict.value == "exact") for row in given]
    assert summarize(given, run_info(), labels).next_labels is None


def test_the_promised_width_comes_true_and_the_corrected_rate_stays_unbiased():
    """A counter that passes 15 % of the wrong pictures and loses 10 % of the right ones; labels as advised."""
    rng = np.random.default_rng(7)
    errors, widths, promised = [], [], []
    for _ in range(25):
        truth = rng.random(240) < 0.6
        seen = np.where(truth, rng.random(240) > 0.1, rng.random(240) < 0.15)
        unsure = rng.random(240) < np.where(seen == truth, 0.05, 0.3)
        given = pictures("".join("?" if u else "e" if s else "u" for s, u in zip(seen, unsure, strict=True)))
        plan = summarize(given, run_info()).next_labels
        chosen = sample_of(tasks_of(given), [], plan.pictures)
        sizes, taken = Counter(task.stratum for task in tasks_of(given)), Counter(task.stratum for task in chosen)
        labels = [
            label(task.row, truth[int(task.row.prompt_id[1:])], weight=sizes[task.stratum] / taken[task.stratum])
            for task in chosen
        ]
        corrected = summarize(given, run_info(), labels).generators["g"].corrected["exact_rate"]
        errors.append(corrected.value - truth.mean())
        widths.append((corrected.high - corrected.low) / 2)
        promised.append(plan.half_width)
    assert np.mean(widths) == pytest.approx(np.mean(promised), rel=0.3)
    assert abs(np.mean(errors)) < 3 * np.std(errors) / 5  # no bias beyond three standard errors


def test_the_pictures_offered_are_the_next_of_each_stratum_and_none_that_is_labelled():
    given = pictures("e" * 40 + "u" * 20)
    tasks = tasks_of(given)
    first = sample_of(tasks, [], 12)
    labels = [label(task.row, True) for task in first]
    second = sample_of(tasks, labels, 12)
    assert not {task.place for task in first} & {task.place for task in second}
    for stratum in {task.stratum for task in tasks}:
        own = [task for task in tasks if task.stratum == stratum]
        offered = [task for task in (*first, *second) if task.stratum == stratum]
        assert offered == own[: len(offered)]
    assert len(sample_of(tasks, [], 500)) == 60
