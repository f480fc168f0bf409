from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from made_up import a_run, a_suite
from PIL import Image

from countcheck.counting.verdict import Kind
from countcheck.detectors.base import Detections
from countcheck.errors import BadInput
from countcheck.reports.draw_boxes import draw_boxes, numbered_boxes
from countcheck.reports.overlays import overlays_of, write_annotated
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_info import CounterInfo, RunInfo
from countcheck.suites.suite import Target


def test_counted_boxes_are_as_many_as_were_counted(two_runs):
    rows = [row for row in two_runs[0].rows() if row.outcome == "picture"]
    boxes = overlays_of(two_runs[0], rows)
    for row in rows:
        assert sum(box.counted for box in boxes[row.key, row.turn].boxes) == sum(row.counted.values())


def test_boxes_lie_in_the_picture(two_runs):
    overlays = overlays_of(two_runs[0], two_runs[0].rows())
    for overlay in overlays.values():
        wide, tall = overlay.size
        assert all(0 <= box.left <= box.right <= wide and 0 <= box.top <= box.bottom <= tall for box in overlay.boxes)


def test_annotated_pictures_are_sorted_by_verdict(two_runs, tmp_path):
    written = write_annotated(two_runs[0], tmp_path / "a")
    assert written == len(list((tmp_path / "a").glob("*/*.png")))
    assert {path.name for path in (tmp_path / "a").iterdir()} <= {str(kind) for kind in Kind}


def test_a_damaged_or_huge_picture_is_left_out_of_the_annotated_ones(tmp_path, monkeypatch):
    with a_run(tmp_path / "run", suite=a_suite(4, 0), generators=(("solo", 1.0, 0.0),), repeats=1) as run:
        rows = [row for row in run.rows() if row.picture]
        (run.path / rows[0].picture).write_bytes(b"\x89PNG\r\n\x1a\n" + b"junk" * 20)
        assert write_annotated(run, tmp_path / "a") == len(rows) - 1


def test_a_folder_that_cannot_be_written_is_named(two_runs, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="Name another folder"):
        write_annotated(two_runs[0], tmp_path / "file" / "a")


def test_a_point_is_drawn_as_a_small_square_and_a_bare_number_not_at_all():
    found = Detections(
        boxes=np.array([[40, 30, 40, 30], [10, 10, 10, 10]], np.float32),
        scores=np.ones(2, np.float32),
        nouns=("pig", "wolf"),
        size=(80, 60),
        not_auditable=frozenset({"wolf"}),
    )
    targets = (Target(noun="pig", count=1), Target(noun="wolf", count=1))
    fields = {"generator": "g", "prompt_id": "p", "repeat": 0, "seed": 1, "text": "a pig and a wolf"}
    row = ResultRow(key="k", outcome="picture", targets=targets, picture="k.png", **fields)
    run = SimpleNamespace(
        info=RunInfo(counter=CounterInfo(rule={"threshold": 0.5})), detections=lambda keys: iter([("k", 0, found)])
    )
    (box,) = overlays_of(run, [row])["k", 0].boxes
    assert box.noun == "pig" and box.bottom > box.top
    assert (box.left + box.right) / 2 == pytest.approx(40, abs=0.1)
    drawn = np.asarray(draw_boxes(Image.new("RGB", (80, 60)), numbered_boxes(found, [0, 1])))
    assert drawn[25:35, 35:45].any() and not drawn[:20, :20].any()
