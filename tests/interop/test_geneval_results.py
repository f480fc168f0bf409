"""GenEval's results file, read by its own summary's arithmetic."""

import json
import logging
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from countcheck.detectors.base import Detections
from countcheck.interop.geneval_results import geneval_results
from countcheck.interop.row_export import write_rows
from countcheck.storage.rows import ResultRow
from countcheck.suites.suite import Relation, Target


def seen(**numbers):
    rows = [(noun, n) for noun, number in numbers.items() for n in range(number)]
    return Detections(
        boxes=np.array([[10 * n, 0, 10 * n + 8, 8] for _, n in rows], np.float32).reshape(-1, 4),
        scores=np.full(len(rows), 0.95, np.float32),
        nouns=tuple(noun for noun, _ in rows),
        size=(200, 20),
    )


def asked(noun, count=1, words=""):
    return Target(noun=noun, count=count, relation=Relation.AT_LEAST, words=words)


COLOURED = (asked("apple", words="red apple"),)
PICTURES = [
    ("single_object", (asked("dog"),), {}, seen(dog=1)),
    ("single_object", (asked("dog"),), {}, seen()),
    ("counting", (Target(noun="dog", count=3),), {}, seen(dog=3)),
    ("counting", (Target(noun="dog", count=3),), {}, seen(dog=4)),
    ("counting", (Target(noun="dog", count=3),), {}, seen(dog=2)),
    ("colors", COLOURED, {"colour": "red"}, seen(apple=1)),
    ("colors", COLOURED, {"colour": "red"}, seen(apple=2)),
    ("colors", COLOURED, {"colour": "red"}, seen()),
]


def a_run(pictures=PICTURES):
    rows = [
        ResultRow(
            key=f"k{n}",
            generator="g",
            prompt_id=f"p{n}",
            repeat=0,
            seed=0,
            text="",
            outcome="picture",
            picture=f"images/{n}.png",
            targets=targets,
            tags={"task": task, **tags},
        )
        for n, (task, targets, tags, _) in enumerate(pictures)
    ]
    detections = [(row.key, 0, picture[-1]) for row, picture in zip(rows, pictures, strict=True)]
    run = SimpleNamespace(path=Path("runs/x"), detections=lambda: detections, rows=lambda: rows)
    return run, rows


def summary(lines):
    """GenEval's own: the share of true per task, and the mean over tasks; whatever is not true is wrong."""
    by_task = defaultdict(list)
    for line in lines:
        by_task[line["tag"]].append(bool(line["correct"]))
    scores = {task: sum(marks) / len(marks) for task, marks in by_task.items()}
    return scores, sum(scores.values()) / len(scores)


def test_tasks_whose_colours_were_not_checked_are_left_out_as_a_whole_and_named():
    run, rows = a_run()
    results = geneval_results(run, rows)
    assert results.left_out == {"colors": 3}
    assert "colors (3 pictures)" in results.sentence()
    scores, overall = summary(results.lines)
    assert scores == {"single_object": 1 / 2, "counting": 1 / 3}
    assert overall == pytest.approx((1 / 2 + 1 / 3) / 2)


@pytest.mark.parametrize(
    ("task", "targets"),
    [
        ("color_attr", (*COLOURED, asked("dog", words="black dog"))),
        ("colors", (asked("dog", words="black dog"),)),
    ],
)
def test_every_task_that_asks_for_colours_is_left_out_while_one_picture_is_undecided(task, targets):
    tags = {"colour": "red, black"}
    run, rows = a_run([(task, targets, tags, seen(apple=1, dog=1)), (task, targets, tags, seen())])
    assert geneval_results(run, rows).lines == []


def test_a_task_of_which_every_picture_is_decided_stays():
    run, rows = a_run([("colors", COLOURED, {"colour": "red"}, seen()), PICTURES[0]])
    results = geneval_results(run, rows)
    assert (results.left_out, results.sentence()) == ({}, "")
    assert [line["correct"] for line in results.lines] == [False, True]


def test_the_export_says_what_it_leaves_out(tmp_path, caplog):
    run, _ = a_run()
    with caplog.at_level(logging.WARNING, logger="countcheck"):
        assert write_rows(run, "geneval", tmp_path / "results.jsonl") == 5
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert None not in [line["correct"] for line in lines]
    assert "colours were not checked" in caplog.text


def test_with_colours_checked_every_task_is_scored():
    def named(picture, *colours):
        return (*picture[:-1], replace(picture[-1], colours=colours))

    coloured = [named(PICTURES[5], "red"), named(PICTURES[6], "red", "green"), PICTURES[7]]
    run, rows = a_run([*PICTURES[:5], *coloured])
    results = geneval_results(run, rows)
    assert results.left_out == {}
    scores, overall = summary(results.lines)
    assert scores == {"single_object": 1 / 2, "counting": 1 / 3, "colors": 1 / 3}
    assert overall == pytest.approx((1 / 2 + 1 / 3 + 1 / 3) / 3)
