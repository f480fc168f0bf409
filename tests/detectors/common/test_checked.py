"""What a detector of somebody else's may return, and what is refused with its value."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from countcheck.cards import Card
from countcheck.counting.counter import Counter
from countcheck.detectors.base import Detections
from countcheck.detectors.common.checked import CheckedDetector
from countcheck.errors import BadInput
from countcheck.suites.suite import Noun

PICTURE = np.zeros((120, 128, 3), np.uint8)
GOOD = ((70, 70, 110, 110), 0.7, "pig")


class Returns:
    """Returns these rows for every picture."""

    name, vocabulary = "odd", frozenset({"pig", "wolf"})

    def __init__(self, *rows, size=(128, 120), times=1):
        self.rows, self.size, self.times = rows, size, times

    def detect(self, pictures, nouns):
        boxes, scores, names = zip(*self.rows, strict=True)
        result = Detections(
            boxes=np.array(boxes, np.float32), scores=np.array(scores, np.float32), nouns=names, size=self.size
        )
        return [result] * len(pictures) * self.times


def counted(*rows, **more):
    counter = Counter(Card(name="mine.py:Odd", family="x", rule={"threshold": 0.3}), Returns(*rows, **more))
    nouns = [Noun(name="pig"), Noun(name="wolf")]
    (detections,) = counter.detect([PICTURE], nouns)
    return dict(counter.count(detections, nouns).counts)


NAN = float("nan")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([((10, 10, NAN, 50), 0.9, "pig"), GOOD], r"the box \(10, 10, nan, 50\) for 'pig'"),
        ([((10, 10, float("inf"), 50), 0.9, "pig"), GOOD], r"the box \(10, 10, inf, 50\)"),
        ([((10, 10, 50, 50), NAN, "pig"), GOOD], "the score nan for 'pig'"),
        ([((50, 50, 10, 10), 0.9, "pig"), GOOD], r"the box \(50, 50, 10, 10\).*x1 <= x2"),
        ([((10, 10, 5, 5), 0.9, "pig"), ((70, 70, 40, 40), 0.7, "pig")], "not widths and heights"),
        ([((50, 10, 90, 5), 0.9, "pig"), GOOD], r"the box \(50, 10, 90, 5\)"),
        ([((-300, -300, -200, -200), 0.9, "pig"), GOOD], r"\(-300, -300, -200, -200\).*outside"),
        ([((100, 100, 900, 900), 0.9, "pig"), GOOD], r"\(100, 100, 900, 900\).*outside"),
        ([((0.1, 0.1, 0.4, 0.4), 0.9, "pig"), ((0.5, 0.5, 0.9, 0.9), 0.7, "pig")], "within 0 to 0.9 .* 128 x 120"),
        ([((10, 10, 50, 50), 93.0, "pig"), GOOD], "the score 93 for 'pig'.*percentages"),
        ([((10, 10, 50, 50), 4.2, "pig"), ((70, 70, 110, 110), -1.3, "pig")], "the score 4.2"),
        ([((10, 10, 50, 50), 0.9, "pig"), ((70, 70, 110, 110), -1.3, "pig")], "the score -1.3"),
        ([((10, 10, 50, 50), 0.9, ""), GOOD], "a box for ''"),
        ([((10, 10, 50, 50), 0.9, "pig wolf"), GOOD], "a box for 'pig wolf', two of the nouns"),
    ],
)
def test_what_cannot_be_counted_is_refused_with_the_value(rows, words):
    with pytest.raises(BadInput, match=words) as caught:
        counted(*rows)
    assert str(caught.value).startswith("mine.py:Odd: the detector returned ")


def test_a_size_that_is_not_the_pictures_is_refused():
    with pytest.raises(BadInput, match=r"the size \(120, 128\) for a picture 128 pixels wide and 120 high"):
        counted(GOOD, size=(120, 128))


def test_another_number_of_results_than_of_pictures_is_refused():
    with pytest.raises(BadInput, match="2 results for 1 pictures"):
        counted(GOOD, times=2)


@pytest.mark.parametrize(
    ("rows", "numbers"),
    [
        ([((10, 10, 50, 50), 0.9, "pig"), ((11, 11, 51, 50), 0.8, "pig"), GOOD], {"pig": 2, "wolf": 0}),
        ([((10, 10, 50, 50), 0.9, "Pig"), GOOD], {"pig": 2, "wolf": 0}),
        ([((10, 10, 50, 50), 0.9, "WOLF"), GOOD], {"pig": 1, "wolf": 1}),
        ([((10, 10, 50, 50), 0.9, "teapot"), GOOD], {"pig": 1, "wolf": 0}),
        ([((10, 10, 10, 10), 0.9, "pig"), GOOD], {"pig": 2, "wolf": 0}),
        ([((-6, 10, 50, 50), 0.9, "pig"), ((100, 100, 134, 121), 0.9, "wolf")], {"pig": 1, "wolf": 1}),
    ],
    ids=["duplicates", "capitals", "capitals of another", "a noun not asked for", "a point", "a little outside"],
)
def test_what_can_be_counted_is_counted(rows, numbers):
    assert counted(*rows) == numbers


def test_tensors_are_taken_as_arrays():
    result = Returns(GOOD).detect([PICTURE], [])[0]
    tensors = Detections(
        boxes=torch.from_numpy(result.boxes),
        scores=torch.from_numpy(result.scores),
        nouns=result.nouns,
        size=result.size,
    )
    detector = SimpleNamespace(vocabulary=None, detect=lambda pictures, nouns: [tensors])
    (checked,) = CheckedDetector(detector, "mine").detect([PICTURE], ["pig"])
    assert isinstance(checked.boxes, np.ndarray) and np.array_equal(checked.boxes, result.boxes)


def test_boxes_of_a_pixel_are_real_in_a_picture_of_a_few():
    tiny = np.zeros((4, 4, 3), np.uint8)
    detector = Returns(((0, 0, 1, 1), 0.9, "pig"), size=(4, 4))
    assert CheckedDetector(detector, "mine").detect([tiny], ["pig"])[0].nouns == ("pig",)
