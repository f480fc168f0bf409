"""Boxes of instance masks, on masks made by hand."""

import numpy as np
import pytest
import torch

from countcheck.detectors.common.instances import instances_of, is_instance_checkpoint

LABELS = {0: "pig", 1: "wolf"}


def logits_of(*rows):
    """Class logits whose softmax is these shares of pig, wolf and nothing."""
    return torch.log(torch.tensor(rows))


def masks_of(*boxes, size=(8, 12), inside=8.0):
    """Mask logits that are high within each box (x1, y1, x2, y2) and low elsewhere."""
    masks = torch.full((len(boxes), *size), -8.0)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
        mask[y1:y2, x1:x2] = inside
    return masks


def read(classes, masks, **more):
    given = {"padded": (32, 48), "resized": (32, 48), "size": (48, 32), "floor": 0.05, **more}
    return instances_of(classes, masks, labels=LABELS, **given)


def test_a_mask_becomes_its_box_in_the_pictures_pixels():
    answer = read(logits_of((0.98, 0.01, 0.01)), masks_of((3, 2, 6, 5)))
    assert answer.words == ("pig",)
    assert np.abs(answer.boxes - [[12, 8, 24, 20]]).max() <= 1
    assert answer.scores[0] == pytest.approx(0.98, abs=0.05)


def test_padding_is_cut_off_and_the_scale_undone():
    """The picture of 96 x 32 pixels lies in the upper half of the padded square at half its size."""
    answer = read(
        logits_of((0.98, 0.01, 0.01)),
        masks_of((2, 0, 10, 8)),
        padded=(32, 48),
        resized=(16, 48),
        size=(96, 32),
    )
    assert np.abs(answer.boxes - [[16, 0, 80, 32]]).max() <= 2


def test_the_score_is_that_of_the_class_times_that_of_the_mask():
    sure, unsure = (read(logits_of((0.8, 0.1, 0.1)), masks_of((3, 2, 9, 6), inside=m)) for m in (9.0, 0.8))
    assert sure.scores[0] == pytest.approx(0.8, abs=0.05)
    assert unsure.scores[0] < 0.62


def test_every_class_of_a_query_is_a_candidate_and_nothing_is_none():
    answer = read(logits_of((0.5, 0.4, 0.1), (0.02, 0.03, 0.95)), masks_of((1, 1, 4, 4), (6, 1, 9, 4)))
    assert answer.words == ("pig", "wolf")


def test_two_things_of_one_noun_stay_two():
    answer = read(logits_of(*[(0.9, 0.05, 0.05)] * 2), masks_of((0, 1, 4, 4), (6, 1, 10, 4)), floor=0.3)
    assert answer.words == ("pig", "pig")


def test_an_empty_mask_is_no_thing():
    answer = read(logits_of((0.9, 0.05, 0.05)), masks_of((0, 0, 0, 0)))
    assert answer.boxes.shape == (0, 4) and answer.words == ()


@pytest.mark.parametrize(
    ("labels", "instances"),
    [
        (["person", "bicycle", "car"], True),
        (["pig", "wolf"], True),
        (["person", "car", "sky-other-merged", "wall-other-merged"], False),
        (["wall", "building", "sky"], False),
        (["road", "sidewalk", "car"], False),
    ],
)
def test_checkpoints_that_join_things_are_told_by_their_classes(labels, instances):
    assert is_instance_checkpoint(labels) is instances
