"""Write the counted boxes of a run as COCO JSON, with its pictures where COCO tools look for them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from countcheck.counting.rule import count
from countcheck.counting.rule_settings import rule_of_record
from countcheck.detectors.base import Detections
from countcheck.errors import BadInput
from countcheck.files import atomic_write
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_folder import RunFolder


def write_coco(run: RunFolder, folder: Path) -> int:
    """Write ``labels.json`` and ``data/`` into a folder and return the number of pictures.

    The layout is that of FiftyOne's ``COCODetectionDataset``; any COCO tool reads ``labels.json``. Boxes are those that the
    rule counted, (x, y, width, height) in pixels, with their scores from 0 to 1. Each image also has the prompt, the
    verdict and the asked and counted numbers.

    Raises:
        BadInput: When the folder cannot be written, or the run holds no counted picture.
    """
    rows = {(row.key, row.turn): row for row in run.rows() if row.outcome == "picture" and row.picture}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    categories: dict[str, int] = {}
    rule = rule_of_record(run.info.counter.rule)
    try:
        (folder / "data").mkdir(parents=True, exist_ok=True)
        for key, turn, detections in run.detections():
            row = rows.get((key, turn))
            path = None if row is None else run.pictures.find(row)
            if row is None or path is None:
                continue
            image = _image(len(images) + 1, row, detections)
            shutil.copyfile(path, folder / "data" / image["file_name"])
            images.append(image)
            nouns = dict.fromkeys(noun for target in row.targets for noun in target.nouns)
            for index in count(detections, nouns, rule, style=row.tags.get("style")).kept:
                if detections.nouns[index] in detections.not_auditable:
                    continue  # a bare number has no place
                category = categories.setdefault(detections.nouns[index], len(categories) + 1)
                annotations.append(_annotation(len(annotations) + 1, image["id"], category, detections, index))
        if not images:
            raise BadInput(f"{run.path} holds no counted picture. Export another run.")
        body = {
            "info": {"description": f"countcheck run {run.name}", "version": "1.0"},
            "licenses": [],
            "images": images,
            "annotations": annotations,
            "categories": list(_categories(categories)),
        }
        atomic_write(folder / "labels.json", orjson.dumps(body, option=orjson.OPT_INDENT_2))
    except OSError as error:
        raise BadInput(f"{folder} cannot be written ({error.strerror}). Name another folder.") from error
    return len(images)


def _image(number: int, row: ResultRow, detections: Detections) -> dict[str, Any]:
    name = Path(row.picture).name
    return {
        "id": number,
        "file_name": name,
        "width": detections.size[0],
        "height": detections.size[1],
        "prompt": row.text,
        "generator": row.generator,
        "verdict": None if row.verdict is None else str(row.verdict),
        "asked": dict(row.asked),
        "counted": dict(row.counted),
    }


def _annotation(number: int, image: int, category: int, detections: Detections, index: int) -> dict[str, Any]:
    x1, y1, x2, y2 = (float(value) for value in detections.boxes[index])
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "bbox": [round(value, 2) for value in (x1, y1, x2 - x1, y2 - y1)],
        "area": round((x2 - x1) * (y2 - y1), 2),
        "iscrowd": 0,
        "score": round(float(detections.scores[index]), 5),
    }


def _categories(numbers: dict[str, int]) -> Iterator[dict[str, Any]]:
    for name, number in numbers.items():
        yield {"id": number, "name": name, "supercategory": ""}
