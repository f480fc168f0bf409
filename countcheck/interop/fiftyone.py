"""A run as FiftyOne samples: each picture with its prompt, verdict, numbers and counted boxes."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from countcheck.counting.rule import count
from countcheck.counting.rule_settings import rule_of_record
from countcheck.detectors.base import Detections
from countcheck.errors import BadInput
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_folder import RunFolder


def samples_of(run: RunFolder) -> Iterator[Any]:
    """Yield a ``fiftyone.Sample`` for every counted picture of a run, in the order in which they were counted.

    Fields: ``prompt``, ``generator``, ``prompt_id``, ``repeat``, ``verdict`` (a classification), ``asked`` and
    ``counted`` (numbers by noun), and ``counted_boxes``: the boxes that the rule counted, relative to the picture, with
    their scores. Tags of the prompt become tags of the sample.

    Raises:
        BadInput: When fiftyone is not installed.
    """
    try:
        import fiftyone
    except ImportError as error:
        # No extra of ours: it brings a MongoDB, which is under a licence of its own.
        raise BadInput("fiftyone is not installed. Install it with: pip install fiftyone") from error
    rows = {(row.key, row.turn): row for row in run.rows() if row.outcome == "picture" and row.picture}
    rule = rule_of_record(run.info.counter.rule)
    for key, turn, detections in run.detections():
        row = rows.get((key, turn))
        path = None if row is None else run.pictures.find(row)
        if row is None or path is None:
            continue
        nouns = dict.fromkeys(noun for target in row.targets for noun in target.nouns)
        kept = count(detections, nouns, rule, style=row.tags.get("style")).kept
        boxes = [fiftyone.Detection(**_box(detections, index)) for index in kept]
        yield fiftyone.Sample(
            filepath=str(path.resolve()),
            tags=[f"{tag}:{value}" for tag, value in row.tags.items()],
            verdict=fiftyone.Classification(label=str(row.verdict or "not judged")),
            counted_boxes=fiftyone.Detections(detections=boxes),
            **_fields(row),
        )


def add_to_fiftyone(run: RunFolder, name: str) -> int:
    """Put the samples of a run into the FiftyOne dataset of this name, made when there is none; return their number.

    A picture that the dataset holds is brought up to date: its fields and boxes become the run's, its own tags stay.

    Raises:
        BadInput: When fiftyone is not installed, or the run holds no counted picture.
    """
    samples = list(samples_of(run))
    if not samples:
        raise BadInput(f"{run.path} holds no counted picture. Add another run.")
    import fiftyone

    with contextlib.redirect_stdout(sys.stderr):  # FiftyOne tells of its indices; stdout is for results
        held = fiftyone.dataset_exists(name)
        dataset = fiftyone.load_dataset(name) if held else fiftyone.Dataset(name, persistent=True)
        dataset.merge_samples(samples, omit_fields="tags", merge_lists=False)
        dataset.merge_samples(samples, fields="tags")
    return len(samples)


def _fields(row: ResultRow) -> dict[str, Any]:
    return {
        "prompt": row.text,
        "generator": row.generator,
        "prompt_id": row.prompt_id,
        "repeat": row.repeat,
        "asked": dict(row.asked),
        "counted": dict(row.counted),
    }


def _box(detections: Detections, index: int) -> dict[str, Any]:
    """A box as FiftyOne has them: left, top, width and height as shares of the picture."""
    x1, y1, x2, y2 = (float(value) for value in detections.boxes[index])
    wide, tall = detections.size
    return {
        "label": detections.nouns[index],
        "bounding_box": [x1 / wide, y1 / tall, (x2 - x1) / wide, (y2 - y1) / tall],
        "confidence": round(float(detections.scores[index]), 5),
    }
