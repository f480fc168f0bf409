"""Assert that an image shows certain numbers of things: the call `countcheck.expect_count`."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from countcheck.counting.verdict import Kind
from countcheck.detectors.base import Detections
from countcheck.errors import BadInput, BadSettings
from countcheck.files import atomic_write
from countcheck.images.convert import as_image
from countcheck.images.decode import encode_png
from countcheck.images.inputs import ImageInput, load_image
from countcheck.library.judging import CounterInput, Judgement, judge
from countcheck.reports.draw_boxes import draw_boxes, numbered_boxes

if TYPE_CHECKING:
    from countcheck.gate.decision import Decision
    from countcheck.library.runs import Run

WhenUncertain: TypeAlias = Literal["fail", "pass", "skip"]


class UncertainCount(AssertionError):
    """A count that changes within the counter's margin: neither met nor missed for sure."""


def expect_count(
    image: ImageInput,
    targets: Mapping[str, Any] | str | None = None,
    *,
    counter: CounterInput = "tiny",
    uncertain: WhenUncertain = "fail",
    report: Path | str | None = None,
    **numbers: Any,
) -> Judgement:
    """Raise unless the image shows what is expected; returns the judgement.

    Args:
        image: A path, PIL image, array, tensor or encoded bytes.
        targets: A prompt's text, or targets by noun for nouns that are no Python names: ``{"polar bear": 2}``.
        counter: A card's name, a spec or a loaded counter.
        uncertain: What a count within the counter's margin does: ``fail`` raises `UncertainCount`, ``skip`` skips the
            pytest test, ``pass`` lets it pass.
        report: Folder for the annotated picture of a failure; a temporary one when left out.
        **numbers: Targets by noun: ``pig=3, wolf="none"``.

    Raises:
        AssertionError: When the numbers differ; says which, and names an annotated picture.
        UncertainCount: When they may differ.
        BadInput: When the image cannot be read, nothing is expected, or a noun is unknown to the counter.
        BadSettings: For another value of ``uncertain``.

    >>> from countcheck.scenes import compose, render
    >>> expect_count(render(compose({"pig": 3}, seed=1)), pig=3, wolf="none").verdict
    <Kind.EXACT: 'exact'>
    """
    __tracebackhide__ = True  # pytest shows the line of the test
    if uncertain not in ("fail", "pass", "skip"):
        raise BadSettings(f"uncertain is {uncertain!r}. Give 'fail', 'pass' or 'skip'.")
    wanted = targets if isinstance(targets, str) else {**(targets or {}), **numbers}
    (judgement,) = judge([image], [wanted], counter)
    _require_countable(judgement)
    if judgement.verdict is Kind.EXACT:
        return judgement
    picture = _write_annotated(image, judgement, Path(report) if report is not None else _temporary_folder())
    message = f"{judgement.reason} (annotated picture: {picture})"
    if judgement.verdict is not Kind.UNCERTAIN:
        raise AssertionError(message)
    if uncertain == "skip":
        import pytest

        pytest.skip(f"uncertain: {message}")
    if uncertain == "fail":
        raise UncertainCount(message)
    return judgement


def _require_countable(judgement: Judgement) -> None:
    if judgement.count.error:
        raise BadInput(judgement.count.error)
    if judgement.count.unsupported:
        raise BadInput(
            f"the counter does not know {', '.join(map(repr, judgement.count.unsupported))}. Choose another counter."
        )
    if judgement.verdict is None:
        raise BadInput("nothing is expected. Give numbers by noun, as in expect_count(image, pig=3).")


def _temporary_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="countcheck-"))


def _write_annotated(image: ImageInput, judgement: Judgement, folder: Path) -> Path:
    boxes = judgement.count.boxes
    detections = Detections(
        boxes=np.array([box.xyxy for box in boxes], np.float32).reshape(-1, 4),
        scores=np.array([box.score for box in boxes], np.float32),
        nouns=tuple(box.noun for box in boxes),
        size=judgement.count.size,
    )
    data = encode_png(draw_boxes(as_image(load_image(image)), numbered_boxes(detections, range(len(boxes)))))
    path = folder / f"{hashlib.sha256(data).hexdigest()[:16]}.png"
    atomic_write(path, data)
    return path


def assert_rate(
    run: Run, rate: str, *, at_least: float | None = None, at_most: float | None = None, generator: str | None = None
) -> Decision:
    """Raise unless a rate of a run keeps a bound; skip the pytest test when the run is too small to tell.

    Args:
        run: A run, as `countcheck.open_run` gives it.
        rate: Its name, as in ``exact_rate``.
        at_least, at_most: The bounds; one is needed.
        generator: The only generator meant.

    Raises:
        AssertionError: When the bound is broken; says by how much.
        BadSettings: Without a bound, or for an unknown rate.
    """
    __tracebackhide__ = True
    bounds = {name: bound for name, bound in (("at_least", at_least), ("at_most", at_most)) if bound is not None}
    if not bounds:
        raise BadSettings(f"{rate} has no bound. Give at_least or at_most.")
    rule = {"rate": rate, **bounds} | ({"generator": generator} if generator else {})
    decision = run.gate({"rules": [rule]})
    sentence = "; ".join(result.reason for result in decision.rules)
    if decision.decision == "fail":
        raise AssertionError(sentence)
    if decision.decision == "cannot_decide":
        import pytest

        pytest.skip(f"cannot decide: {sentence}")
    return decision
