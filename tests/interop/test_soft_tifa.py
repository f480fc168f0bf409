"""Soft-TIFA's scores: from the first words of a model to the means over the questions of a prompt."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from countcheck.cards import Card
from countcheck.cli.main import execute
from countcheck.detectors.vlm import VlmDetector
from countcheck.interop.soft_tifa import arithmetic_mean, geometric_mean, soft_tifa_scores
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_info import CounterInfo, DetectorInfo, RunInfo
from countcheck.suites.suite import Target

SUITE = """
name: farm
prompts:
  - {text: three pigs and a wolf, targets: {pig: 3, wolf: 1}}
"""


TARGETS = (Target(noun="pig", count=3), Target(noun="wolf", count=1))


def test_the_scores_are_the_means_of_the_probabilities_of_the_right_words(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    detector = VlmDetector(Card(name="vlm:seer", family="vlm", source="seer", settings={"ask": "probabilities"}))
    words = {
        "How many pigs": {"three": 0.5, "Three": 0.125, "two": 0.25},
        "How many wolves": {"one": 0.25, "two": 0.75},
    }
    monkeypatch.setattr(detector, "_model", Seer(words))
    (found,) = detector.detect([np.zeros((48, 64, 3), np.uint8)], ["pig", "wolf"])
    run = SimpleNamespace(
        path=Path("runs/farm"),
        info=RunInfo(counter=CounterInfo(detector=DetectorInfo(family="vlm", settings={"ask": "probabilities"}))),
        detections=lambda: iter([("k", 0, found)]),
    )
    fields = {"generator": "g", "repeat": 0, "seed": 1, "text": "three pigs and a wolf", "outcome": "picture"}
    rows = [
        ResultRow(key="k", prompt_id="p", targets=TARGETS, picture="images/k.png", **fields),
        ResultRow(key="other", prompt_id="p", targets=TARGETS, picture="images/other.png", **fields),
    ]
    (line,) = soft_tifa_scores(run, rows)
    assert [(atom["question"], atom["answer"]) for atom in line["atoms"]] == [
        ("How many pigs are in the image?", "three"),
        ("How many wolves are in the image?", "one"),
    ]
    assert [atom["probability"] for atom in line["atoms"]] == pytest.approx([0.625, 0.25], abs=1e-4)
    assert line["soft_tifa_am"] == pytest.approx(0.4375, abs=1e-4)
    assert line["soft_tifa_gm"] == pytest.approx(math.sqrt(0.625 * 0.25), abs=1e-4)


class Seer:
    """A model with these probabilities of first words, by how the question begins."""

    concurrency = 1

    def __init__(self, words):
        self.words = words

    def first_token(self, image, question):
        return next(tokens for start, tokens in self.words.items() if question.startswith(start))


def test_a_run_counted_without_probabilities_is_told_what_to_do(tmp_path, capsys):
    (tmp_path / "suite.yaml").write_text(SUITE)
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (64, 48), "green").save(tmp_path / "pictures" / "three pigs and a wolf.png")
    run = str(tmp_path / "run")
    assert (
        execute(["score", str(tmp_path / "pictures"), "--suite", str(tmp_path / "suite.yaml"), "-d", "tiny", "-o", run])
        == 0
    )
    assert execute(["export", run, "-f", "soft-tifa"]) == 2
    assert "ask=probabilities" in capsys.readouterr().err


def test_the_means_are_those_of_textbooks():
    assert arithmetic_mean([1.0, 0.5]) == 0.75
    assert geometric_mean([0.5, 0.5, 0.5]) == pytest.approx(0.5)
    assert geometric_mean([1.0, 0.0]) == pytest.approx(math.sqrt(1e-5))
