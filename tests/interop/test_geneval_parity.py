"""All six tasks of GenEval, from its metadata file to its results file and its summary's arithmetic.

Verdicts and reasons are worked out by hand from the published rule; the summary's arithmetic is written down here anew.
"""

from __future__ import annotations

import json
from collections import defaultdict

import numpy as np
import pytest
from foreign_suites import lines, written

from countcheck.cli.main import execute
from countcheck.counting.geneval_rule import GenevalRule
from countcheck.detectors.base import Detections
from countcheck.storage.records import OutcomeRecord
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import CounterInfo, DetectorInfo, GeneratorInfo, RunInfo
from countcheck.suites.catalog import load_suite
from countcheck.suites.samples import Recipe, plan
from countcheck.suites.serialize import suite_to_json

LEFT, RIGHT = (10, 40, 30, 60), (160, 40, 180, 60)


def clause(noun, count=1, **more):
    return {"class": noun, "count": count, **more}


# tag, include, exclude, prompt; then for each of two pictures its objects, whether it is correct, and why not.
CASES = [
    ("single_object", [clause("bench")], [], "a photo of a bench",
     [([("bench", 0.31, "brown", LEFT)], True, ""),
      ([("bench", 0.3, "", LEFT)], False, "expected bench>=1, found 0")]),
    ("single_object", [clause("cow")], [], "a photo of a cow",
     [([], False, "expected cow>=1, found 0"),
      ([("dog", 0.9, "brown", LEFT)], False, "expected cow>=1, found 0")]),
    ("two_object", [clause("bench"), clause("dog")], [], "a photo of a bench and a dog",
     [([("bench", 0.4, "red", LEFT), ("dog", 0.5, "red", RIGHT)], True, ""),
      ([("dog", 0.5, "red", RIGHT)], False, "expected bench>=1, found 0")]),
    ("counting", [clause("clock", 3)], [clause("clock", 4)], "a photo of three clocks",
     [([("clock", 0.95, "red", LEFT)] * 3 + [("clock", 0.9, "red", RIGHT)], True, ""),
      ([("clock", 0.95, "red", LEFT)] * 4, False, "expected clock<4, found 4")]),
    ("counting", [clause("cat", 2)], [clause("cat", 3)], "a photo of two cats",
     [([("cat", 0.92, "red", LEFT), ("cat", 0.89, "red", RIGHT)], False, "expected cat>=2, found 1"),
      ([("cat", 0.92, "red", LEFT), ("cat", 0.91, "red", RIGHT)], True, "")]),
    ("colors", [clause("cup", color="red")], [], "a photo of a red cup",
     [([("cup", 0.8, "green", LEFT), ("cup", 0.7, "red", RIGHT)], False,
       "expected red cup>=1, found 0 red; and 1 green"),
      ([("cup", 0.8, "red", LEFT), ("cup", 0.7, "green", RIGHT)], True, "")]),
    ("position", [clause("bench"), clause("dog", position=["left of", 0])], [], "a photo of a dog left of a bench",
     [([("bench", 0.8, "red", RIGHT), ("dog", 0.8, "red", LEFT)], True, ""),
      ([("bench", 0.8, "red", LEFT), ("dog", 0.8, "red", RIGHT)], False,
       "expected dog left of target, found right of target")]),
    ("position", [clause("cow"), clause("computer mouse", position=["above", 0])], [],
     "a photo of a computer mouse above a cow",
     [([("computer mouse", 0.8, "red", LEFT)], False,
       "expected cow>=1, found 0\nno target for computer mouse to be above"),
      ([("cow", 0.8, "red", LEFT)], False, "expected computer mouse>=1, found 0")]),
    ("color_attr", [clause("cup", color="red"), clause("bowl", color="blue")], [], "a photo of a red cup and a blue bowl",
     [([("cup", 0.8, "red", LEFT), ("bowl", 0.8, "blue", RIGHT)], True, ""),
      ([("cup", 0.8, "blue", LEFT), ("bowl", 0.8, "red", RIGHT)], False,
       "expected red cup>=1, found 0 red; and 1 blue\nexpected blue bowl>=1, found 0 blue; and 1 red")]),
]  # fmt: skip
TASKS = {"single_object": 1 / 4, "two_object": 1 / 2, "counting": 2 / 4, "colors": 1 / 2, "position": 1 / 4, "color_attr": 1 / 2}  # fmt: skip


def found(objects) -> Detections:
    return Detections(
        boxes=np.array([box for *_, box in objects], np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _, _ in objects], np.float32),
        nouns=tuple(noun for noun, *_ in objects),
        colours=tuple(colour for _, _, colour, _ in objects),
        size=(200, 100),
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of GenEval's prompts, two pictures each, with what a detector and the colour check found."""
    folder = tmp_path_factory.mktemp("geneval")
    rows = [
        {"tag": tag, "include": include, **({"exclude": exclude} if exclude else {}), "prompt": prompt}
        for tag, include, exclude, prompt, _ in CASES
    ]
    suite = load_suite(str(written(folder, "evaluation_metadata.jsonl", lines(rows))))
    info = RunInfo(suite=suite.name, suite_body=suite_to_json(suite), generators={"g": GeneratorInfo()})
    with RunFolder.create(folder / "run", info) as opened:
        samples = list(plan(suite, Recipe(name="g"), repeats=2))
        opened.add_planned(samples)
        rule = {"name": "geneval", "threshold": 0.9}
        counting = opened.begin_counting(CounterInfo(name="m2f", detector=DetectorInfo(family="x"), rule=rule))
        prompts = {prompt.text: prompt for prompt in suite.prompts}
        entries = []
        for sample in samples:
            prompt = prompts[sample.text]
            pictures = next(pictures for *_, text, pictures in CASES if text == sample.text)
            detections = found(pictures[sample.repeat][0])
            verdict, counted = GenevalRule().judge(detections, prompt.targets, prompt.tags, ())
            entries.append(
                OutcomeRecord(
                    key=sample.key,
                    outcome="picture",
                    text=sample.text,
                    picture=opened.pictures.path_of(sample.key, 0),
                    digest=sample.key,
                    bytes=1,
                    seconds=1.0,
                    detections=detections,
                    verdict=verdict.kind,
                    leaning=verdict.leaning,
                    counted={noun: (n, n, n) for noun, n in counted.counts.items()},
                )
            )
        opened.write(entries, counting)
    return folder / "run"


@pytest.fixture(scope="module")
def results(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("results") / "results.jsonl"
    assert execute(["export", str(run), "-f", "geneval", "-o", str(path)]) == 0
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_task_is_decided_with_the_verdict_and_the_reason_that_the_rule_gives_by_hand(results):
    decided = defaultdict(list)
    for line in results:
        decided[line["prompt"]].append((line["correct"], line["reason"]))
    assert {tag for tag, *_ in CASES} == {line["tag"] for line in results} == set(TASKS)
    for tag, *_, prompt, pictures in CASES:
        assert sorted(decided[prompt]) == sorted((correct, reason) for _, correct, reason in pictures), (tag, prompt)


def test_its_lines_have_genevals_fields(results):
    for line in results:
        assert list(line) == ["filename", "tag", "prompt", "correct", "reason", "metadata", "details"]
        (case,) = [case for case in CASES if case[3] == line["prompt"]]
        asked = {"tag": case[0], "include": case[1], **({"exclude": case[2]} if case[2] else {}), "prompt": case[3]}
        assert json.loads(line["metadata"]) == asked
        for boxes in json.loads(line["details"]).values():
            assert all(len(box) == 5 for box in boxes)


def test_genevals_arithmetic_on_the_file_gives_the_figures_of_our_summary(run, results, capsys):
    by_task, by_prompt = defaultdict(list), defaultdict(list)
    for line in results:
        by_task[line["tag"]].append(line["correct"])
        by_prompt[line["metadata"]].append(line["correct"])
    scores = {tag: sum(marks) / len(marks) for tag, marks in by_task.items()}
    assert scores == TASKS
    assert execute(["export", str(run), "-f", "geneval"]) == 0
    assert f"GenEval's overall score: {sum(TASKS.values()) / 6:.5f}, the mean of" in capsys.readouterr().err
    assert (len(results), len(by_prompt)) == (18, 9)
    assert sum(any(marks) for marks in by_prompt.values()) == 7
    assert execute(["summary", str(run), "--json"]) == 0
    ours = json.loads(capsys.readouterr().out)["generators"]["g"]
    assert {task: rates["exact_rate"]["value"] for task, rates in ours["by"]["task"].items()} == scores
    assert ours["rates"]["exact_rate"]["value"] == sum(line["correct"] for line in results) / len(results)
