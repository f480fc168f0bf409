"""Check that a detector keeps the contract, on pictures made for the purpose if none are given.

In a test of your own::

    from countcheck.testing import check_detector

    def test_my_detector_keeps_the_contract():
        check_detector(MyDetector(Card(name="mine", family="mine")), nouns=["pig", "wolf"])
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from countcheck.detectors.base import Detections, Detector
from countcheck.errors import CountcheckError
from countcheck.images.types import Pixels

NONSENSE = "qzxv wvut"  # no vocabulary holds it
CLOSE = 2e-3


def check_detector(detector: Detector, *, nouns: Sequence[str], pictures: Sequence[Pixels] | None = None) -> None:
    """Check a detector; return when it keeps the contract.

    Args:
        detector: Ready to detect.
        nouns: Two or more that it knows.
        pictures: To try it on; scenes and noise of several sizes when none are given.

    Raises:
        AssertionError: Saying which promise is broken.

    >>> from countcheck.counting.counter import load_counter
    >>> check_detector(load_counter("tiny").detector, nouns=["pig", "wolf"])
    """
    shown = list(pictures) if pictures is not None else _pictures()
    _check_face(detector, nouns)
    detections = _check_answers(detector, shown, nouns)
    _check_order(detector, shown, nouns, detections)
    _check_pixels(detector, shown, nouns, detections)
    _check_unknown(detector, shown[0], nouns)
    _check_extremes(detector, nouns)


def _pictures() -> list[Pixels]:
    from countcheck.scenes import compose, render

    dice = np.random.default_rng(0)
    scenes = [render(compose({"pig": 3}, seed=1), 128), render(compose({"wolf": 1, "pig": 2}, seed=2), 200)]
    return [*scenes, dice.integers(0, 256, (96, 160, 3)).astype(np.uint8), np.full((64, 48, 3), 255, np.uint8)]


def _check_face(detector: Detector, nouns: Sequence[str]) -> None:
    assert isinstance(detector.name, str) and detector.name, "name must be text that is not empty"
    vocabulary = detector.vocabulary
    assert vocabulary is None or isinstance(vocabulary, frozenset), "vocabulary must be a frozenset, or None when open"
    if vocabulary is not None:
        missing = sorted(set(nouns) - vocabulary)
        assert not missing, f"nouns to check with must be known to the detector; {missing[0]!r} is not"
    assert len(set(nouns)) >= 2, "give two nouns or more to check with"


def _check_answers(detector: Detector, pictures: Sequence[Pixels], nouns: Sequence[str]) -> list[Detections]:
    from countcheck.images.convert import as_rgb

    assert list(detector.detect([], nouns)) == [], "no pictures must give an empty list"
    before = [as_rgb(picture).copy() for picture in pictures]
    detections = detector.detect(pictures, nouns)
    assert isinstance(detections, list), f"detect must give a list, got {type(detections).__name__}"
    assert len(detections) == len(pictures), (
        f"{len(pictures)} pictures must give as many detections, got {len(detections)}"
    )
    for result, array in zip(detections, before, strict=True):
        _check_one(result, (array.shape[1], array.shape[0]), nouns)
    for picture, array in zip(pictures, before, strict=True):
        assert np.array_equal(as_rgb(picture), array), "a picture was changed while it was looked at"
    for result in detector.detect(pictures, []):
        assert result.nouns == (), "no nouns must give no boxes"
    return detections


def _check_one(one: Detections, size: tuple[int, int], nouns: Sequence[str]) -> None:
    assert isinstance(one, Detections), f"a detection must be a Detections, got {type(one).__name__}"
    assert one.size == size, f"size must be the picture's (width, height) {size}, got {one.size}"
    assert one.boxes.dtype == np.float32, f"boxes must be float32, got {one.boxes.dtype}"
    assert one.scores.dtype == np.float32, f"scores must be float32, got {one.scores.dtype}"
    assert np.isfinite(one.boxes).all() and np.isfinite(one.scores).all(), "boxes and scores must be finite"
    assert ((one.scores >= 0) & (one.scores <= 1)).all(), "scores must lie between 0 and 1"
    limit = np.array([*size, *size], np.float32) + 0.5
    assert (one.boxes >= -0.5).all() and (one.boxes <= limit).all(), "boxes must lie in the picture, in its own pixels"
    assert (one.boxes[:, 2:] >= one.boxes[:, :2]).all(), "boxes must be x1, y1, x2, y2 with x1 <= x2 and y1 <= y2"
    strange = set(one.nouns) - set(nouns)
    assert not strange, f"boxes must be for nouns that were asked for, got {sorted(strange)[0]!r}"
    assert one.unsupported <= set(nouns), "unsupported must be of the nouns that were asked for"
    assert not one.unsupported & set(one.nouns), "an unsupported noun must have no box"


def _check_order(
    detector: Detector, pictures: Sequence[Pixels], nouns: Sequence[str], detections: Sequence[Detections]
) -> None:
    again = detector.detect(pictures, nouns)
    turned = detector.detect(list(pictures)[::-1], list(nouns)[::-1])[::-1]
    alone = [detector.detect([picture], nouns)[0] for picture in pictures]
    for other, what in ((again, "the same call twice"), (turned, "another order"), (alone, "a picture by itself")):
        for one, two in zip(detections, other, strict=True):
            assert _alike(one, two), f"{what} must find the same: what is found may depend on nothing but the picture"


def _check_pixels(
    detector: Detector, pictures: Sequence[Pixels], nouns: Sequence[str], detections: Sequence[Detections]
) -> None:
    from PIL import Image

    from countcheck.images.convert import as_rgb

    arrays = [as_rgb(picture) for picture in pictures]
    forms: list[tuple[str, list[Any]]] = [("PIL images", [Image.fromarray(array) for array in arrays])]
    try:
        import torch
    except ImportError:
        pass
    else:
        tensors = [torch.from_numpy(array.copy()).permute(2, 0, 1) for array in arrays]
        forms += [("uint8 tensors", tensors), ("floating tensors", [tensor.float() / 255 for tensor in tensors])]
    for what, form in forms:
        for one, two in zip(detections, detector.detect(form, nouns), strict=True):
            assert _alike(one, two), f"{what} must be seen as arrays are"


def _check_unknown(detector: Detector, picture: Pixels, nouns: Sequence[str]) -> None:
    (one,) = detector.detect([picture], [*nouns, NONSENSE])
    assert NONSENSE not in one.nouns or detector.vocabulary is None, "a noun outside the vocabulary must have no box"
    if detector.vocabulary is not None:
        assert NONSENSE in one.unsupported, "a noun outside the vocabulary must be listed as unsupported"


def _check_extremes(detector: Detector, nouns: Sequence[str]) -> None:
    for size in ((1, 1), (1, 700), (900, 2)):
        picture = np.zeros((*size, 3), np.uint8)
        try:
            (one,) = detector.detect([picture], nouns)
        except CountcheckError:
            continue  # refused in a sentence
        _check_one(one, (size[1], size[0]), nouns)


def _alike(one: Detections, two: Detections) -> bool:
    """The same boxes to rounding. Boxes whose scores differ by less than the tolerance may come in any order."""
    if Counter(one.nouns) != Counter(two.nouns) or one.unsupported != two.unsupported:
        return False
    if not len(one.scores):
        return True
    return bool(np.allclose(_sorted(one), _sorted(two), atol=CLOSE)) and _where(one, two) and _where(two, one)


def _where(one: Detections, two: Detections) -> bool:
    """Whether every box has its like among the other's: of its noun, at its score, and in its place to a pixel or 1 %."""
    nouns = np.array(one.nouns)[:, None] == np.array(two.nouns)[None]
    scores = np.abs(one.scores[:, None] - two.scores[None]) <= 2 * CLOSE
    near = np.abs(one.boxes[:, None] - two.boxes[None]).max(axis=2) <= max(1.0, 0.01 * max(one.size))
    return bool((nouns & scores & near).any(axis=1).all())


def _sorted(one: Detections) -> np.ndarray[Any, Any]:
    numbers = {noun: k for k, noun in enumerate(sorted(set(one.nouns)))}
    labels = np.array([numbers[noun] for noun in one.nouns])
    order = np.lexsort((one.scores, labels))
    return np.stack([labels[order].astype(np.float64), one.scores[order].astype(np.float64)])
