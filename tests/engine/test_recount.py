"""A run is judged again: from stored detections, or from its pictures."""

from __future__ import annotations

from dataclasses import replace

import pytest
import squares

from countcheck.cards import Card
from countcheck.counting.verdict import Kind
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.engine.recount import recount


def made(path, *texts):
    card = Card(name="squares", family="squares")
    config = RunConfig(suite=squares.suite(*texts), generators=[card], path=path / "run")
    return engine.run(config, squares.counter(), load=squares.SquaresGenerator)


def elsewhere():
    counter = squares.counter()
    counter.card = replace(counter.card, source="elsewhere")
    return counter


def test_stored_boxes_are_judged_with_another_rule(tmp_path):
    with made(tmp_path, "3 squares") as run:
        recount(run, squares.counter(threshold=0.95))
        assert run.rows()[0].verdict is Kind.MISSING
        recount(run, squares.counter())
        assert run.rows()[0].verdict is Kind.EXACT


def test_another_rule_reads_no_picture(tmp_path):
    with made(tmp_path, "3 squares") as run:
        for file in (run.path / "images").rglob("*.png"):
            file.unlink()
        recount(run, squares.counter(threshold=0.95))
        assert run.rows()[0].verdict is Kind.MISSING


def test_another_detector_reads_the_pictures(tmp_path):
    with made(tmp_path, "3 squares") as run:
        recount(run, elsewhere())
        assert run.rows()[0].verdict is Kind.EXACT
        assert run.info.counter.detector.source == "elsewhere"


def test_refusals_and_failures_stay_as_they_are(tmp_path):
    with made(tmp_path, "3 squares", "4 please refuse", "5 break") as run:
        recount(run, squares.counter(threshold=0.95))
        assert [row.verdict for row in run.rows()] == [Kind.MISSING, Kind.REFUSED, Kind.FAILED]


def test_pictures_that_are_gone_are_reported(tmp_path):
    said = []
    with made(tmp_path, "3 squares", "2 squares") as run:
        run.pictures.find(run.rows()[0]).unlink()
        recount(run, elsewhere(), message=said.append)
    assert said == ["1 picture files are gone: their old verdicts stay"]


@pytest.mark.parametrize("rule", ["geneval", "countcheck"])
def test_the_rule_can_be_named(tmp_path, rule):
    with made(tmp_path, "3 squares") as run:
        recount(run, squares.counter(), rule=rule)
        assert run.info.counter.rule["name"] == rule
