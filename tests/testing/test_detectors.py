import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from countcheck.cards import Card
from countcheck.counting.counter import load_counter
from countcheck.detectors.base import Detections
from countcheck.suites.suite import Noun
from countcheck.testing import check_detector

OUTSIDE = Path(__file__).parent / "outside.py"


def squares():
    spec = importlib.util.spec_from_file_location("outside", OUTSIDE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Squares


def picture(*colours, size=(24, 40)):
    pixels = np.full((*size, 3), 255, np.uint8)
    for k, colour in enumerate(colours):
        pixels[0:8, 8 * k : 8 * k + 8] = colour
    return pixels


RED, BLUE = (255, 0, 0), (0, 0, 255)
PICTURES = [picture(RED, RED, BLUE), picture(BLUE), picture(), picture(RED, size=(16, 8))]


def test_a_detector_in_one_outside_file_keeps_the_contract():
    check_detector(squares()(Card(name="squares", family="squares")), nouns=["red", "blue"], pictures=PICTURES)


def test_a_detector_in_one_outside_file_counts_at_once():
    counter = load_counter(f"{OUTSIDE}:Squares?cell=8&threshold=0.5")
    nouns = [Noun(name="red"), Noun(name="blue")]
    found = counter.detect(PICTURES, nouns)
    assert [counter.count(one, nouns).counts for one in found[:2]] == [{"red": 2, "blue": 1}, {"red": 0, "blue": 1}]


def broken(change):
    """The squares detector with one promise broken."""

    class Broken(squares()):
        def detect(self, pictures, nouns):
            return change(self, list(pictures), list(nouns), super().detect(pictures, nouns))

    return Broken(Card(name="broken", family="broken"))


def each(change):
    return lambda self, pictures, nouns, found: [change(one) for one in found]


def scribble(self, pictures, nouns, found):
    if pictures and isinstance(pictures[0], np.ndarray):
        pictures[0][:] = 7
    return found


def one_more_in_company(self, pictures, nouns, found):
    if len(pictures) < 2:
        return found
    extra = Detections(
        boxes=np.zeros((1, 4), np.float32), scores=np.ones(1, np.float32), nouns=("red",), size=found[0].size
    )
    return [extra if "red" in nouns else found[0], *found[1:]]


def elsewhere_in_tensors(self, pictures, nouns, found):
    if not pictures or not hasattr(pictures[0], "detach"):
        return found
    return [replace(one, boxes=one.boxes / 2) for one in found]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (elsewhere_in_tensors, "uint8 tensors must be seen as arrays"),
        (lambda self, pictures, nouns, found: tuple(found), "list"),
        (lambda self, pictures, nouns, found: found[:-1], "as many detections"),
        (each(lambda one: replace(one, size=one.size[::-1])), "size"),
        (each(lambda one: replace(one, scores=one.scores * 2)), "between 0 and 1"),
        (each(lambda one: replace(one, boxes=one.boxes / 1000 - 5)), "in the picture"),
        (each(lambda one: replace(one, boxes=one.boxes[:, [2, 3, 0, 1]])), "x1 <= x2"),
        (each(lambda one: replace(one, boxes=one.boxes.astype(np.float64))), "float32"),
        (each(lambda one: replace(one, nouns=tuple("green" for _ in one.nouns))), "green"),
        (each(lambda one: replace(one, unsupported=frozenset())), "listed as unsupported"),
        (lambda self, pictures, nouns, found: found if nouns else self.detect(pictures, ["red"]), "no nouns"),
        (one_more_in_company, "nothing but the picture"),
        (scribble, "was changed"),
    ],
)  # fmt: skip
def test_every_broken_promise_is_named(change, words):
    with pytest.raises(AssertionError, match=words):
        check_detector(broken(change), nouns=["red", "blue"], pictures=[p.copy() for p in PICTURES])
