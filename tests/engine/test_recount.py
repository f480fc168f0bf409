"""A run is judged again: from stored detections, or from its pictures."""

from __future__ import annotations

from dataclasses import replace

import pytest
import squares

from countcheck.cards import Card
from countcheck.counting.self_test import SelfTest
from countcheck.counting.verdict import Kind
from countcheck.engine import recount as engine_recount
from countcheck.engine import run as engine
from countcheck.engine.config import RunConfig
from countcheck.engine.recount import recount
from countcheck.errors import BadInput
from countcheck.files import exclusive_lock
from countcheck.storage.run_folder import RunFolder


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


def test_with_a_picture_gone_nothing_is_recounted(tmp_path):
    with made(tmp_path, "3 squares", "2 squares") as run:
        before = run.rows(), run.info
        run.pictures.find(run.rows()[0]).unlink()
        with pytest.raises(BadInput, match="1 of 2 picture files is gone"):
            recount(run, elsewhere())
        assert (run.rows(), run.info) == before


def test_with_a_picture_replaced_nothing_is_recounted(tmp_path):
    with made(tmp_path, "3 squares", "2 squares") as run:
        before = run.rows(), run.info
        first, second = (run.pictures.find(row) for row in run.rows())
        second.write_bytes(first.read_bytes())
        with pytest.raises(BadInput, match="is not the picture that was made"):
            recount(run, elsewhere())
        assert (run.rows(), run.info) == before


def test_an_interrupted_recount_is_not_seen_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_recount, "BATCH", 1)
    counter, seen, said = elsewhere(), [], []
    detect = counter.detect

    def killed_at_the_second(pictures, nouns, styles):
        seen.append(len(pictures))
        if len(seen) == 2:
            raise KeyboardInterrupt
        return detect(pictures, nouns, styles)

    with made(tmp_path, "3 squares", "2 squares", "1 square") as run:
        before = run.rows(), run.info
        # The self-test is not what is interrupted here.
        monkeypatch.setattr(engine_recount, "check_counter", lambda *_: SelfTest(plain=None))
        monkeypatch.setattr(counter, "detect", killed_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            recount(run, counter)
        assert (run.rows(), run.info) == before
    with RunFolder.open(tmp_path / "run") as run:
        assert (run.rows(), run.info) == before
        recount(run, counter, message=said.append)
        assert said == ["1 of 3 pictures were counted before the recount was interrupted"]
        assert len(seen) == 4  # the first picture was not counted again
        assert run.info.counter.detector.source == "elsewhere"
        assert [row.verdict for row in run.rows()] == [Kind.EXACT] * 3


def test_a_recount_waits_for_no_other_writer(tmp_path):
    with made(tmp_path, "3 squares") as run:
        with exclusive_lock(run.path), pytest.raises(BadInput, match="another run is writing there"):
            recount(run, squares.counter(threshold=0.95))
        assert run.rows()[0].verdict is Kind.EXACT


@pytest.mark.parametrize("rule", ["geneval", "countcheck"])
def test_the_rule_can_be_named(tmp_path, rule):
    with made(tmp_path, "3 squares") as run:
        recount(run, squares.counter(), rule=rule)
        assert run.info.counter.rule["name"] == rule
