from __future__ import annotations

import os
import shutil

import pytest
from made_up import a_run, a_suite

from countcheck.errors import BadInput
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.samples import Recipe, plan
from countcheck.view.run_index import RunIndex


def by_name(index):
    return {run["name"]: run for run in index.snapshot()["runs"]}


def test_every_run_is_listed_with_its_results_and_a_damaged_one_with_its_problem(folder):
    runs = by_name(RunIndex(folder))
    assert set(runs) == {"before", "after", "inner/hostile", "damaged"}
    before = runs["before"]
    assert (before["suite"], before["counter"], before["done"], before["planned"]) == ("made-up", "dots", 24, 24)
    (model,) = before["models"]
    assert sum(part["n"] for part in model["parts"]) == 24
    assert sum(part["share"] for part in model["parts"]) == pytest.approx(1.0)
    assert "of 24 tries exactly as asked" in before["headline"]
    assert "damaged" in runs["damaged"]["problem"]


def test_direction_marks_of_a_hostile_name_are_shown_as_signs(folder):
    assert "\u202e" not in str(by_name(RunIndex(folder)))


def test_a_run_is_read_again_only_when_its_ledger_changed(folder, monkeypatch):
    now = [0.0]
    index = RunIndex(folder, clock=lambda: now[0])
    index.snapshot()
    opened = []
    true_open = RunFolder.open
    monkeypatch.setattr(RunFolder, "open", lambda path, **kw: opened.append(path.name) or true_open(path, **kw))
    index.snapshot()
    assert opened == []
    ledger = folder / "after" / "run.sqlite"
    os.utime(ledger, ns=(1, 1))
    now[0] += 1
    index.snapshot()
    assert opened == ["after"]


def test_what_cannot_be_read_in_time_is_read_for_the_next_answer(folder):
    ticks = iter(range(1000))
    index = RunIndex(folder, clock=lambda: next(ticks) * 0.4)
    first = index.snapshot()
    assert 0 < first["reading"] < 4
    while (latest := index.snapshot())["reading"]:
        pass
    assert len(latest["runs"]) == 4


def test_an_unfinished_run_says_how_far_it_is(tmp_path):
    suite = a_suite(6, 0)
    with a_run(tmp_path / "run", suite=suite, generators=(("alpha", 1.0, 0.0),), repeats=1) as run:
        recipe = Recipe(name="alpha", revision="0123abc", settings={"steps": 4})
        run.add_planned(list(plan(suite, recipe, repeats=2)))
        (body,) = RunIndex(tmp_path).snapshot()["runs"]
    assert (body["done"], body["planned"]) == (6, 12)


def test_the_newest_pictures_come_first(folder):
    index = RunIndex(folder)
    body = by_name(index)["after"]
    with RunFolder.open(folder / "after") as run:
        rows = [row for row in run.rows() if row.picture]
    os.utime(folder / "after" / rows[3].picture, (2e9, 2e9))
    os.utime(folder / "after" / "run.sqlite", ns=(1, 1))
    index._runs[folder / "after"].again_after = 0.0
    assert index.run(body["id"])["newest"][0]["key"] == rows[3].key


def test_a_run_that_was_deleted_is_gone(folder):
    index = RunIndex(folder)
    gone = by_name(index)["after"]["id"]
    shutil.rmtree(folder / "after")
    assert "after" not in by_name(index)
    with pytest.raises(BadInput, match="no such run"):
        index.run(gone)


def test_one_run_alone_may_be_named(folder):
    assert list(by_name(RunIndex(folder / "after"))) == ["after"]
