"""The run on disk: what it refuses, what it survives."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
import squares

from countcheck.counting.verdict import Kind
from countcheck.detectors.base import Detections
from countcheck.errors import BadInput, RunMismatch
from countcheck.storage.records import OutcomeRecord
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import CounterInfo, DetectorInfo, GeneratorInfo, RunInfo
from countcheck.suites.samples import Recipe, plan
from countcheck.suites.serialize import suite_from_json, suite_to_json


@pytest.fixture
def run(tmp_path):
    suite = squares.suite("3 squares", "4 squares")
    run = RunFolder.create(
        tmp_path / "run", RunInfo(suite_body=suite_to_json(suite), generators={"g": GeneratorInfo()})
    )
    run.add_planned(list(plan(suite, Recipe(name="g"))))
    yield run
    run.close()


def entry(run, at=0, **more):
    return OutcomeRecord(key=run.rows()[at].key, outcome="picture", text="3 squares", **more)


def test_what_was_written_is_read_again(run):
    found = Detections(
        boxes=np.array([[1, 2, 3.5, 4]], np.float32),
        scores=np.array([0.75], np.float32),
        nouns=("square",),
        size=(64, 48),
        unsupported=frozenset({"pig"}),
    )
    counting = run.begin_counting(CounterInfo(detector=DetectorInfo(family="x")))
    run.write(
        [entry(run, detections=found, verdict=Kind.OVER, leaning=Kind.OVER, counted={"square": (4, 3, 5)})], counting
    )
    first, second = run.rows()
    assert (first.verdict, first.counted, first.low, first.high) == (
        Kind.OVER,
        {"square": 4},
        {"square": 3},
        {"square": 5},
    )
    assert (second.outcome, second.verdict) == ("missing", None)
    ((key, turn, seen),) = run.detections()
    assert (key, turn, seen.nouns, seen.size, seen.unsupported) == (
        first.key,
        0,
        found.nouns,
        found.size,
        found.unsupported,
    )
    assert np.allclose(seen.boxes, found.boxes)


def test_a_batch_is_written_whole_or_not_at_all(run):
    counting = run.begin_counting(CounterInfo())
    with pytest.raises(Exception, match="UNIQUE"):
        run.write([entry(run), entry(run)], counting)
    assert [row.outcome for row in run.rows()] == ["missing", "missing"]


def test_a_folder_without_a_run_says_so(tmp_path):
    with pytest.raises(BadInput, match="is not a run"):
        RunFolder.open(tmp_path)


def test_a_damaged_ledger_says_so(tmp_path, run):
    (tmp_path / "x").mkdir()
    (tmp_path / "x/run.sqlite").write_bytes(b"SQLite format 3\x00" + b"junk" * 500)
    with pytest.raises(BadInput, match="cannot be read"):
        RunFolder.open(tmp_path / "x")


def test_a_ledger_of_a_newer_program_is_refused(run):
    with sqlite3.connect(run.path / "run.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(RunMismatch, match="newer countcheck"):
        RunFolder.open(run.path)


def test_a_suite_comes_back_as_it_was():
    from countcheck.suites.catalog import load_suite, shipped_suites

    for name in shipped_suites():
        suite = load_suite(name)
        again = suite_from_json(suite_to_json(suite))
        assert again.digest == suite.digest
        assert [p.id for p in again.asked] == [p.id for p in suite.asked]


def test_a_fact_written_while_others_are_read_is_not_missed(run, monkeypatch):
    plain = run._read_info
    writer = threading.Thread(target=run.record_decision, args=("now",))

    def read():
        found = plain()
        if writer.ident is None:
            writer.start()
            writer.join(0.3)
        return found

    monkeypatch.setattr(run, "_read_info", read)
    assert not run.info.until_decided
    writer.join()
    assert run.info.until_decided == "now"


@pytest.mark.parametrize("name", ["file/run", "x" * 300])
def test_a_place_where_no_folder_can_be_is_one_sentence(tmp_path, name):
    (tmp_path / "file").touch()
    assert not RunFolder.exists(tmp_path / name)
    with pytest.raises(BadInput, match="Choose another folder"):
        RunFolder.create(tmp_path / name, RunInfo())
    with pytest.raises(BadInput, match="is not a run"):
        RunFolder.open(tmp_path / name)


@pytest.mark.parametrize("begun", ["empty", "tables", "old tables"])
def test_a_run_that_was_killed_while_it_began_says_so_and_begins_anew(tmp_path, begun):
    if begun == "old tables":
        shutil.copy(Path(__file__).parent / "ledgers/v2/finished/run.sqlite", tmp_path)
    with sqlite3.connect(tmp_path / "run.sqlite") as ledger:
        if begun == "tables":
            ledger.execute("CREATE TABLE other (a INTEGER)")
        if begun == "old tables":
            ledger.execute("DELETE FROM facts")
    ledger.close()
    (tmp_path / "run.sqlite").touch()
    assert not RunFolder.exists(tmp_path)
    with pytest.raises(BadInput, match="holds no run yet"):
        RunFolder.open(tmp_path)
    RunFolder.create(tmp_path, RunInfo(suite="pigs")).close()
    with RunFolder.open(tmp_path) as run:
        assert run.info.suite == "pigs"
