from __future__ import annotations

from countcheck.counting.verdict import Kind
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import CounterInfo, DetectorInfo


def test_rows_come_in_the_order_of_planning_with_the_missing_ones(finished):
    with RunFolder.open(finished) as run:
        rows = run.rows()
    assert [row.outcome for row in rows] == ["picture", "picture", "refusal", "missing"]
    assert [row.verdict for row in rows] == [Kind.EXACT, Kind.OVER, Kind.REFUSED, None]
    assert (rows[0].counted, rows[0].low, rows[0].asked, rows[0].cost) == (
        {"square": 3},
        {"square": 3},
        {"square": 3},
        0.04,
    )
    assert (rows[2].refusal, rows[2].words, rows[2].extra) == ("stated", "I will not draw squares.", {})
    assert len(rows[0].digest) == 64 and rows[0].picture_bytes > 0


def test_detections_are_those_of_the_newest_counting_that_looked(finished):
    with RunFolder.open(finished) as run:
        first = [(key, turn, len(found.boxes)) for key, turn, found in run.detections()]
        assert [boxes for *_, boxes in first] == [3, 3]
        other_rule = CounterInfo(name="boxes", detector=DetectorInfo(family="x"), rule={"threshold": 0.5})
        run.recount(other_rule).finish([])  # it kept the boxes
        assert [(key, turn, len(found.boxes)) for key, turn, found in run.detections()] == first
