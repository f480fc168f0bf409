import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st

from countcheck.detectors.base import Detections
from countcheck.detectors.common import boxes

sides = st.tuples(*[st.integers(0, 50), st.integers(0, 50), st.integers(1, 40), st.integers(1, 40)])
some = st.lists(sides.map(lambda r: (r[0], r[1], r[0] + r[2], r[1] + r[3])), min_size=1, max_size=12)


def array(rows):
    return np.array(rows, np.float32).reshape(-1, 4)


@given(some, some)
def test_iou_agrees_with_torchvision(a, b):
    expected = torchvision.ops.box_iou(torch.tensor(array(a)), torch.tensor(array(b))).numpy()
    assert np.allclose(boxes.iou(array(a), array(b)), expected, atol=1e-6)


@given(some, st.sampled_from([0.3, 0.5, 0.7]), st.integers(0, 99))
def test_nms_agrees_with_torchvision(rows, limit, seed):
    scores = np.random.default_rng(seed).permutation(len(rows)).astype(np.float32) / 20
    expected = torchvision.ops.nms(torch.tensor(array(rows)), torch.tensor(scores), limit).tolist()
    assert boxes.nms(array(rows), scores, limit).tolist() == expected


@given(some, st.integers(0, 99))
def test_one_pass_over_a_batch_is_as_one_pass_per_group(rows, seed):
    dice = np.random.default_rng(seed)
    scores, groups = dice.permutation(len(rows)).astype(np.float32) / 20, dice.integers(0, 3, len(rows))
    expected = boxes.nms(array(rows), scores, 0.5, groups=list(groups))
    got = boxes.batched_nms(torch.tensor(array(rows)), torch.tensor(scores), torch.tensor(groups), 0.5)
    assert got.tolist() == expected.tolist()


def test_a_box_within_another_is_wholly_contained():
    assert boxes.containment(array([(0, 0, 10, 10)]), array([(2, 2, 4, 4)])) == 1


@pytest.mark.parametrize("f", [boxes.iou, boxes.containment, boxes.shared])
def test_nothing_overlaps_with_nothing(f):
    assert f(array([]), array([(0, 0, 1, 1)])).shape == (0, 1)
    assert f(array([(3, 3, 3, 3)]), array([(0, 0, 5, 5)])) == 0


def test_no_boxes_are_no_trouble_for_suppression():
    assert boxes.nms(array([]), np.zeros(0, np.float32), 0.5).tolist() == []
    assert boxes.batched_nms(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0), 0.5).tolist() == []


def look(*rows):
    return Detections(
        boxes=array([row[2:] for row in rows]),
        scores=np.array([row[1] for row in rows], np.float32),
        nouns=tuple(row[0] for row in rows),
        size=(100, 100),
    )


def test_what_all_looks_see_keeps_its_score_and_what_one_sees_its_share():
    both, one = ("pig", 0.8, 0, 0, 10, 10), ("pig", 0.6, 50, 50, 60, 60)
    fused = boxes.fuse([look(both, one), look(both)])
    assert fused.scores.tolist() == pytest.approx([0.8, 0.3])
    assert fused.boxes[0].tolist() == [0, 0, 10, 10]


def test_two_boxes_of_one_look_are_never_fused():
    neighbours = look(("pig", 0.8, 0, 0, 10, 10), ("pig", 0.7, 2, 0, 12, 10))
    assert len(boxes.fuse([neighbours, neighbours]).nouns) == 2


def test_boxes_of_different_nouns_are_never_fused():
    assert len(boxes.fuse([look(("pig", 0.8, 0, 0, 9, 9)), look(("dog", 0.8, 0, 0, 9, 9))]).nouns) == 2


def test_the_order_of_looks_changes_nothing():
    a = look(("pig", 0.8, 0, 0, 10, 10), ("pig", 0.5, 30, 0, 40, 10))
    b = look(("pig", 0.6, 1, 0, 11, 10), ("dog", 0.5, 30, 0, 40, 10))
    first, second = boxes.fuse([a, b]), boxes.fuse([b, a])
    assert np.array_equal(first.boxes, second.boxes)
    assert np.array_equal(first.scores, second.scores)
