"""The countings of a run: their names, and which are one and the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from countcheck.errors import UnknownName
from countcheck.storage.countings import same_counting
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import CounterInfo, DetectorInfo, RunInfo


def counter(name="tiny", *, source="tiny", **rule):
    return CounterInfo(name=name, detector=DetectorInfo(family="x", source=source), rule=rule)


@pytest.fixture
def run(tmp_path):
    with RunFolder.create(tmp_path / "run", RunInfo(suite="s")) as folder:
        folder.begin_counting(counter())
        yield folder


def test_names_tell_counter_and_rule_and_are_numbered_where_they_would_be_alike(run):
    for other in (counter("owl", source="o"), counter(threshold=0.9), counter(threshold=0.8)):
        run.recount(other).finish([])
    geneval = replace(counter(), rule={"name": "geneval"})
    assert run.recount(geneval).finish([]) == "tiny-geneval"
    assert [each.name for each in run.countings()] == ["tiny", "owl", "tiny-2", "tiny-3", "tiny-geneval"]


def test_a_parameter_that_an_older_record_lacks_has_its_default():
    newer = counter(threshold=0.4)
    assert same_counting(counter(), replace(counter(), rule={"name": "countcheck"}))
    assert not same_counting(counter(threshold=0.9), newer)
    assert not same_counting(counter(source="other"), counter())


def test_a_run_that_goes_on_under_a_newer_description_of_its_counter_keeps_its_counting(run):
    described = replace(counter(), licence="MIT")
    assert run.begin_counting(described) == 2
    assert run.begin_counting(described) == 2
    (own,) = run.countings()
    assert (own.name, own.ids, own.counter.licence) == ("tiny", (1, 2), "MIT")


def test_a_counting_that_is_not_complete_is_none(run):
    run.recount(counter("owl", source="o"))
    assert [each.name for each in run.countings()] == ["tiny"]
    with pytest.raises(UnknownName):
        run.show_counting("owl")


def test_the_default_is_the_runs_own_until_another_is_chosen(run):
    run.recount(counter("owl", source="o")).finish([])
    assert run.info.counter.name == "tiny"
    run.recount(counter("owl", source="o")).finish([], make_default=True)
    assert (run.info.counter.name, run.info.counting_name) == ("owl", "owl")
    run.show_own_counting()
    assert run.info.counter.name == "tiny"
    run.show_counting(None)
    assert run.info.counter.name == "owl"
    assert "default_counting" not in run.info.extra
