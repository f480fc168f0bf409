"""Samples for FiftyOne, made with as much of its classes as is used.

The real package, with its database, is run by ``benchmarks/bridges/fiftyone_run.py``.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from PIL import Image

import countcheck as cc
from countcheck.cli.main import execute
from countcheck.suites.suite import Prompt, Suite, Target


class Record:
    """A FiftyOne object: its fields."""

    def __init__(self, **fields):
        self.__dict__.update(fields)


class Dataset(dict):
    """A FiftyOne dataset: its samples by the path of their file."""

    def merge_samples(self, samples, fields=None, omit_fields=None, merge_lists=True):
        for sample in samples:
            given = {
                name: value for name, value in vars(sample).items() if fields in (None, name) and name != omit_fields
            }
            held = self.setdefault(sample.filepath, Record(filepath=sample.filepath, tags=[]))
            if merge_lists:
                given["tags"] = sorted({*held.tags, *given["tags"]})
            vars(held).update(given)


@pytest.fixture
def fiftyone(monkeypatch):
    held: dict[str, Dataset] = {}
    module = SimpleNamespace(
        Sample=Record, Detection=Record, Detections=Record, Classification=Record,
        dataset_exists=held.__contains__, load_dataset=held.__getitem__,
        Dataset=lambda name, persistent: held.setdefault(name, Dataset()), held=held,
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "fiftyone", module)
    return module


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    prompts = tuple(
        Prompt(id=f"p{n}", text=f"{n} pigs", targets=(Target(noun="pig", count=n),), tags={"style": "plain"})
        for n in (1, 2)
    )
    path = tmp_path_factory.mktemp("runs") / "run"
    cc.run(Suite(name="pigs", prompts=prompts), generators=["scenes"], path=path).close()
    return str(path)


def test_a_run_becomes_samples_with_prompt_verdict_and_boxes(run, fiftyone):
    assert execute(["export", run, "-f", "fiftyone", "-o", "pigs"]) == 0
    for sample in fiftyone.held["pigs"].values():
        sample.tags.append("seen")
        sample.verdict = sample.counted_boxes = None
    assert execute(["export", run, "-f", "fiftyone", "-o", "pigs"]) == 0
    samples = fiftyone.held["pigs"].values()
    assert len(samples) == 2  # brought up to date, with the tags that they got
    for sample in samples:
        Image.open(sample.filepath).verify()
        assert sample.prompt == f"{sample.asked['pig']} pigs" and sample.tags == ["seen", "style:plain"]
        assert sample.verdict.label == "exact"
        boxes = sample.counted_boxes.detections
        assert len(boxes) == sample.counted["pig"] == sample.asked["pig"]
        for box in boxes:
            left, top, width, height = box.bounding_box
            assert 0 <= left <= left + width <= 1.01 and 0 <= top <= top + height <= 1.01
            assert box.label == "pig" and 0 < box.confidence <= 1


def test_without_fiftyone_the_package_is_named(run, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "fiftyone", None)
    assert execute(["export", run, "-f", "fiftyone", "-o", "pigs"]) == 2
    assert "pip install fiftyone" in capsys.readouterr().err
    assert execute(["export", run, "-f", "fiftyone"]) == 2
    assert "Name a dataset with -o" in capsys.readouterr().err
