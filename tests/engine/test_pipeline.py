"""One generator's prompts: plug-ins of every age, wrong outcomes, and pictures counted where they were made."""

from __future__ import annotations

import numpy as np
import pytest
import squares

from countcheck.cards import Card
from countcheck.counting.verdict import Kind
from countcheck.detectors.base import Detections
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.engine.pipeline import DetectedOutcome
from countcheck.errors import BadInput
from countcheck.generators.base import Traits
from countcheck.generators.outcome import Picture
from countcheck.suites.samples import Recipe
from countcheck.suites.suite import Conversation, Suite, Target, Turn

TEXTS = ("3 squares", "2 squares", "1 square")


def run(tmp_path, generator, *texts, suite=None, **more):
    config = RunConfig(
        suite=suite or squares.suite(*(texts or TEXTS)),
        generators=[Card(name=generator.name, family="mine")],
        path=tmp_path / "run",
    )
    with engine.run(config, squares.counter(), load=lambda card: generator, **more) as folder:
        return folder.rows()


class Oldest:
    """A plug-in of the first release: name, traits, recipe, generate, and nothing else."""

    name = "mine"
    traits = Traits()
    recipe = Recipe(name="mine")

    def generate(self, samples):
        return iter([self.one(sample) for sample in samples])

    def one(self, sample):
        return Picture(key=sample.key, pixels=squares.squares(sample.asked.targets[0].count, sample.seed))


class WithStopAndClose(Oldest):
    stopped = closed = 0

    def generate(self, samples):
        for sample in samples:
            if self.stopped:
                return
            yield self.one(sample)

    def stop(self):
        self.stopped += 1

    def close(self):
        self.closed += 1


class Speaking(Oldest):
    traits = Traits(converses=True)

    def open(self, sample):
        return Talk(sample)


class Talk:
    """A dialogue without a state."""

    def __init__(self, sample):
        self.sample = sample

    def say(self, text, turn, expected):
        return Picture(key=self.sample.key, turn=turn, pixels=squares.squares(3 if turn else 4))

    def rewind(self):
        pass


class Editing(Oldest):
    traits = Traits(edits=True)

    def edit(self, sample, pixels, instruction, turn, targets):
        return Picture(key=sample.key, turn=turn, pixels=squares.squares(3))

    def one(self, sample):
        return Picture(key=sample.key, pixels=squares.squares(4, sample.seed))


def talk():
    turns = (Turn(say="Three squares.", targets=(Target(noun="square", count=3),)),)
    return Suite(name="talk", conversations=(Conversation(id="t", turns=turns, repairs=1),))


def test_a_plug_in_with_four_members_works(tmp_path):
    assert [row.verdict for row in run(tmp_path, Oldest())] == [Kind.EXACT] * 3


def test_a_plug_in_is_closed_once_and_stopped_when_the_run_ends_early(tmp_path):
    plug_in = WithStopAndClose()
    rows = run(tmp_path, plug_in, *(f"1 square of kind {n}" for n in range(200)), decide=lambda folder: "enough")
    assert (plug_in.stopped, plug_in.closed) == (1, 1)
    assert 0 < sum(row.outcome == "picture" for row in rows) < 200


@pytest.mark.parametrize("plug_in", [Speaking, Editing])
def test_a_plug_in_that_holds_conversations_works(tmp_path, plug_in):
    rows = run(tmp_path, plug_in(), suite=talk())
    assert [(row.turn, row.repair, row.verdict) for row in rows] == [(0, 0, Kind.OVER), (1, 1, Kind.EXACT)]


class Twice(Oldest):
    def generate(self, samples):
        for sample in samples:
            yield self.one(sample)
            yield self.one(sample)


class Strange(Oldest):
    def one(self, sample):
        return Picture(key="f" * 32, pixels=squares.squares(1))


@pytest.mark.parametrize("plug_in", [Twice, Strange])
def test_an_outcome_that_was_not_asked_for_ends_the_run(tmp_path, plug_in):
    with pytest.raises(BadInput, match="the generator mine gave an outcome for"):
        run(tmp_path, plug_in())


def four_squares():
    boxes = np.array([(9 * k, 0, 9 * k + 4, 4) for k in range(4)], np.float32)
    return Detections(boxes=boxes, scores=np.full(4, 0.9, np.float32), nouns=("square",) * 4, size=(64, 64))


class Detecting(Oldest):
    """Brings its detections along: four boxes for every picture, whatever is in it."""

    def generate_detected(self, samples):
        for sample in samples:
            yield DetectedOutcome(outcome=self.one(sample), detections=four_squares())


def test_detections_that_come_with_a_picture_are_judged_and_nothing_is_detected_again(tmp_path, monkeypatch):
    def detect(self, pictures, nouns):
        assert not pictures, "detected again"
        return []

    monkeypatch.setattr(squares.SquaresDetector, "detect", detect)
    rows = run(tmp_path, Detecting())
    assert [row.counted for row in rows] == [{"square": 4}] * 3
    assert [row.verdict for row in rows] == [Kind.OVER] * 3


def test_large_pictures_are_read_back_from_their_files_and_counted_few_at_a_time(tmp_path, monkeypatch):
    """Sixteen pictures of the largest size in memory at once took gigabytes."""
    height, width = squares.squares(1).shape[:2]
    sizes, plain = [], squares.SquaresDetector.detect

    def detect(self, pictures, nouns):
        sizes.append(len(pictures))
        return plain(self, pictures, nouns)

    monkeypatch.setattr("countcheck.engine.pipeline._LARGE", 1)
    monkeypatch.setattr("countcheck.engine.context.MAX_PIXELS", 2 * height * width)
    monkeypatch.setattr(squares.SquaresDetector, "detect", detect)
    rows = run(tmp_path, Oldest(), *(f"{n} squares" for n in range(1, 9)))
    assert [row.counted["square"] for row in rows] == list(range(1, 9))
    assert {row.verdict for row in rows} == {Kind.EXACT}
    assert sum(sizes) >= 8 and max(sizes[-4:]) <= 2
