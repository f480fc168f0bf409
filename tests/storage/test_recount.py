from __future__ import annotations

import pytest
from stored_runs import COUNTER, detections

from countcheck.counting.verdict import Kind
from countcheck.storage.records import VerdictRecord
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import CounterInfo, DetectorInfo

OTHER = CounterInfo(name="other", detector=DetectorInfo(family="y"))


@pytest.fixture
def run(finished):
    with RunFolder.open(finished) as run:
        yield run


def judged(run, kind):
    return [
        VerdictRecord(key=row.key, turn=0, verdict=kind, leaning=kind, reason="", counted={"square": (9, 9, 9)})
        for row in run.rows()
        if row.outcome == "picture"
    ]


def test_nothing_is_seen_before_the_end_and_everything_then(run):
    before = run.rows(), run.info
    recount = run.recount(OTHER)
    recount.add_detections([(row.key, 0, detections(9)) for row in run.rows()[:2]])
    assert (run.rows(), run.info) == before
    assert [len(found.boxes) for *_, found in run.detections()] == [3, 3]
    assert recount.finish(judged(run, Kind.OVER)) == "other"
    assert (run.rows(), run.info.counter) == (before[0], COUNTER)  # the run's own counting stays the default
    run.show_counting("other")
    assert [row.verdict for row in run.rows()] == [Kind.OVER, Kind.OVER, Kind.REFUSED, None]
    assert run.info.counter.name == "other"
    assert [len(found.boxes) for *_, found in run.detections()] == [9, 9]


def test_a_recount_can_be_made_the_default(run):
    run.recount(OTHER).finish(judged(run, Kind.OVER), make_default=True)
    with RunFolder.open(run.path) as again:
        assert again.info.counter.name == run.info.counter.name == "other"
        assert [row.verdict for row in again.rows()] == [Kind.OVER, Kind.OVER, Kind.REFUSED, None]


def test_a_recount_that_fails_at_its_end_changes_nothing(run):
    before = run.rows(), run.info

    def broken():
        yield from judged(run, Kind.OVER)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        run.recount(OTHER).finish(broken())
    assert (run.rows(), run.info) == before


def test_another_process_goes_on_with_what_was_detected(run):
    first, second = run.rows()[:2]
    run.recount(OTHER).add_detections([(first.key, 0, detections(9))])
    with RunFolder.open(run.path) as again:
        recount = again.recount(OTHER)
        assert set(recount.detected()) == {(first.key, 0)}
        recount.add_detections([(second.key, 0, detections(8))])
        assert [len(found.boxes) for *_, found in recount.part(0, 100)] in ([9, 8], [8, 9])


def test_a_recount_by_another_counter_begins_anew(run):
    run.recount(OTHER).add_detections([(run.rows()[0].key, 0, detections(9))])
    assert list(run.recount(CounterInfo(name="third", detector=DetectorInfo(family="z"))).detected()) == []
    assert list(run.recount(OTHER).detected()) == []  # the first one was removed


def test_the_runs_own_counter_replaces_its_verdicts(run):
    run.recount(COUNTER).finish(judged(run, Kind.UNDER))
    assert [row.verdict for row in run.rows()] == [Kind.UNDER, Kind.UNDER, Kind.REFUSED, None]
    assert run.info.counting == 1
