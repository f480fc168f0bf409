"""Notes of batches in the ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from countcheck.errors import BadInput
from countcheck.generators.batch_notes import BatchNote
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import RunInfo
from countcheck.storage.schema import batches

NOTE = BatchNote(token="t1", generator="painter", keys=("a" * 32, "b" * 32), at=1000.0)


@pytest.fixture
def run(tmp_path):
    with RunFolder.create(tmp_path / "run", RunInfo(suite="s")) as folder:
        yield folder


def test_a_note_is_read_as_it_was_written(run):
    run.batches.write(NOTE)
    known = replace(NOTE, id="batch_7", sent=True, round=2)
    run.batches.write(known)
    assert run.batches.waiting() == run.batches.of("painter") == [known]
    assert run.batches.of("other") == []


def test_another_note_takes_its_place_at_once(run):
    run.batches.write(NOTE)
    then = replace(NOTE, token="t2", round=2)
    run.batches.remove(NOTE, then)
    assert run.batches.waiting() == [then]
    run.batches.remove(then)
    assert run.batches.waiting() == []


def test_all_are_forgotten(run):
    run.batches.write(NOTE)
    run.batches.write(replace(NOTE, token="t2", generator="other"))
    assert run.batches.forget() == 2
    assert run.batches.waiting() == []


def test_what_is_not_done_stays(run):
    run.batches.write(NOTE)
    run.batches.remove_finished()
    assert run.batches.waiting() == [NOTE]


def test_a_damaged_note_is_found(run):
    run.batches.write(NOTE)
    with run.batches._ledger.writing() as connection:
        connection.execute(batches.update().values(service_id="batch_8"))
    with pytest.raises(BadInput, match="t1 of batches is damaged"):
        run.batches.waiting()
