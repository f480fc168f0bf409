import numpy as np
import pytest

from countcheck.detectors.base import Closable, Detections, Detector
from tests.detectors.bright import Bright


def test_nothing_found_has_the_right_shapes():
    nothing = Detections.nothing((20, 10), frozenset({"wolf"}))
    assert (nothing.boxes.shape, nothing.scores.shape, nothing.nouns) == ((0, 4), (0,), ())
    assert (nothing.size, nothing.unsupported) == ((20, 10), {"wolf"})


@pytest.mark.parametrize(("boxes", "scores"), [((1, 4), (2,)), ((2, 5), (2,)), ((2, 4), (1,))])
def test_boxes_scores_and_nouns_of_other_lengths_are_refused(boxes, scores):
    with pytest.raises(ValueError, match="must have shape"):
        Detections(
            boxes=np.zeros(boxes, np.float32), scores=np.zeros(scores, np.float32), nouns=("pig", "pig"), size=(9, 9)
        )


def test_any_class_with_the_methods_is_a_detector():
    assert isinstance(Bright(), Detector)
    assert not isinstance(Bright(), Closable)
