from __future__ import annotations

import pytest
from made_up import a_run, a_suite

from countcheck.counting.verdict import Kind
from countcheck.errors import BadInput
from countcheck.reports.overlays import overlays_of, write_annotated


def test_counted_boxes_are_as_many_as_were_counted(two_runs):
    rows = [row for row in two_runs[0].rows() if row.outcome == "picture"]
    boxes = overlays_of(two_runs[0], rows)
    for row in rows:
        assert sum(box.counted for box in boxes[row.key, row.turn].boxes) == sum(row.counted.values())


def test_boxes_are_shares_of_the_picture(two_runs):
    overlays = overlays_of(two_runs[0], two_runs[0].rows())
    assert all(
        0 <= box.left <= box.left + box.width <= 1.0001 for overlay in overlays.values() for box in overlay.boxes
    )


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
