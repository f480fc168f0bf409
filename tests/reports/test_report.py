from __future__ import annotations

import base64
import zlib

import orjson
import pytest
from made_up import a_run, a_suite

from countcheck.errors import BadSettings, UnknownName
from countcheck.reports.headline import headline
from countcheck.reports.html.packed_rows import Shown, pack_rows
from countcheck.reports.html.row_blocks import RowBlocks
from countcheck.reports.report import read_report
from countcheck.reports.sections import worst_prompts


def test_a_generator_in_two_runs_is_told_apart_by_the_runs_name(two_runs):
    labels = [model.label for model in read_report(two_runs).models]
    assert labels == ["alpha", "beta · one", "beta · two", "gamma"]


def test_a_run_named_twice_is_refused(two_runs):
    with pytest.raises(BadSettings, match="named twice"):
        read_report([two_runs[0], two_runs[0]])


def test_an_unknown_baseline_is_refused_with_near_names(two_runs):
    with pytest.raises(UnknownName, match="Did you mean 'alpha'"):
        read_report(two_runs, baseline="alhpa")


def test_every_model_but_the_baseline_is_compared_with_it(two_runs):
    report = read_report(two_runs, baseline="gamma")
    assert set(report.differences) == {"alpha", "beta · one", "beta · two"}
    assert report.models[report.baseline].label == "gamma"


def test_versions_of_a_suite_keep_their_own_texts_under_the_same_ids(tmp_path):
    old, new = a_suite(12, 0), a_suite(12, 0, hostile=" at night")
    with (
        a_run(tmp_path / "old", suite=old, generators=(("a", 0.2, 0.0),), pictures=False) as first,
        a_run(tmp_path / "new", suite=new, generators=(("b", 0.2, 0.0),), pictures=False) as second,
    ):
        report = read_report([first, second])
    texts = {prompt.text for prompt in (*old.prompts, *new.prompts)}
    blocks = RowBlocks(None)
    pack_rows(report, lambda run, rows: [Shown() for _ in rows], blocks)
    places = orjson.loads(zlib.decompress(base64.b64decode(blocks.texts["place-0"])))
    assert sorted(place["text"] for place in places) == sorted(texts)
    assert all(all(row is None or row.text == one.text for row in one.tries) for one in worst_prompts(report))
    assert "over tries that do not pair" in headline(report)
