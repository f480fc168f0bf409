from __future__ import annotations

import pytest

from countcheck.storage.rows import Label
from countcheck.storage.run_folder import RunFolder


@pytest.fixture
def run(finished):
    with RunFolder.open(finished) as run:
        yield run


def label(run, **changes):
    return Label(**({"key": run.rows()[1].key, "noun": "square", "count": 2, "labeller": "bo", "at": "2026"} | changes))


def test_a_label_replaces_the_same_persons_of_the_same_noun(run):
    run.label_store.add([label(run), label(run, labeller="cy", count=3)])
    run.label_store.add([label(run, count=None)])
    assert {(each.labeller, each.count) for each in run.labels()} == {("ada", 3), ("bo", None), ("cy", 3)}


def test_a_label_can_be_removed_and_removing_none_does_nothing(run):
    run.label_store.add([label(run)])
    for _ in range(2):
        run.label_store.remove(label(run).key, 0, "square", "bo")
    assert [each.labeller for each in run.labels()] == ["ada"]


def test_a_weight_is_that_of_its_stratum(run):
    run.label_store.add([label(run, stratum="s"), label(run, labeller="cy", stratum="t")])
    run.label_store.set_weight("s", 2.5)
    assert {each.labeller: each.weight for each in run.labels()} == {"ada": 1.0, "bo": 2.5, "cy": 1.0}


def test_the_version_changes_with_every_label(run):
    versions = [run.label_store.version()]
    run.label_store.add([label(run)])
    versions.append(run.label_store.version())
    run.label_store.add([label(run, at="2027")])
    versions.append(run.label_store.version())
    run.label_store.remove(label(run).key, 0, "square", "bo")
    assert len({*versions, run.label_store.version()}) == 3  # the last is the first again


def test_adding_nothing_writes_nothing(run):
    before = run.path.joinpath("run.sqlite").read_bytes()
    run.label_store.add([])
    assert run.path.joinpath("run.sqlite").read_bytes() == before
