from __future__ import annotations

import base64
import zlib

import orjson
import pytest
from made_up import a_run, a_suite

from countcheck.errors import BadSettings, UnknownName
from countcheck.reports.html.evidence import pack
from countcheck.reports.html.pictures import Album
from countcheck.reports.report import headline, losses, read_report
from countcheck.reports.sections import worst_prompts


def test_a_generator_in_two_runs_is_told_apart_by_the_runs_name(two_runs):
    labels = [model.label for model in read_report(two_runs).models]
    assert labels == ["alpha", "beta · one", "beta · two", "gamma"]


def test_the_headline_names_the_best_model_first(two_runs):
    report = read_report(two_runs)
    best = max(report.models, key=lambda m: m.rates["exact_rate"]["value"])
    assert headline(report).startswith(best.label)


def test_losses_say_how_many_of_how_many_were_scored(two_runs):
    report = read_report(two_runs)
    for model in report.models:
        if model.lost:
            scored = f"scored {model.total('planned') - model.lost} of {model.total('planned')}"
            assert any(scored in sentence for sentence in losses(report))


def test_a_run_named_twice_is_refused(two_runs):
    with pytest.raises(BadSettings, match="named twice"):
        read_report([two_runs[0], two_runs[0]])


def test_an_unknown_baseline_is_refused_with_near_names(two_runs):
    with pytest.raises(UnknownName, match="Did you mean 'alpha'"):
        read_report(two_runs, baseline="alhpa")


def test_a_run_of_nothing_but_refusals_has_a_headline(tmp_path):
    with a_run(tmp_path / "run", suite=a_suite(4, 0), generators=(("mute", 0.0, 1.0),)) as run:
        assert "mute" in headline(read_report([run]))


def test_every_model_but_the_baseline_is_compared_with_it(two_runs):
    report = read_report(two_runs, baseline="gamma")
    assert set(report.differences) == {"alpha", "beta · one", "beta · two"}
    assert report.models[report.baseline].label == "gamma"


def test_two_models_are_told_apart_in_the_headline(tmp_path):
    suite = a_suite(48, 0)
    with a_run(
        tmp_path / "run", suite=suite, generators=(("low", 0.2, 0.0), ("high", 0.9, 0.0)), pictures=False
    ) as run:
        assert "points better" in headline(read_report([run]))
        assert "points worse" in headline(read_report([run], baseline="high"))


def test_two_that_may_be_equal_are_said_to_be(tmp_path):
    same = (("one", 0.6, 0.0), ("two", 0.6, 0.0))
    with a_run(tmp_path / "run", suite=a_suite(12, 0), generators=same, pictures=False) as run:
        assert "no clear difference" in headline(read_report([run]))


def test_conversations_alone_have_a_headline(tmp_path):
    with a_run(tmp_path / "run", suite=a_suite(0, 4), pictures=False) as run:
        assert headline(read_report([run])).startswith("In conversation, alpha drew exactly what was asked in ")


def test_a_run_in_which_nothing_was_made_yet_has_a_report(tmp_path):
    with a_run(tmp_path / "run", generators=(), pictures=False) as run:
        assert headline(read_report([run])) == "Nothing was asked of any model."


def test_versions_of_a_suite_keep_their_own_texts_under_the_same_ids(tmp_path):
    old, new = a_suite(12, 0), a_suite(12, 0, hostile=" at night")
    with (
        a_run(tmp_path / "old", suite=old, generators=(("a", 0.2, 0.0),), pictures=False) as first,
        a_run(tmp_path / "new", suite=new, generators=(("b", 0.2, 0.0),), pictures=False) as second,
    ):
        report = read_report([first, second])
    texts = {prompt.text for prompt in (*old.prompts, *new.prompts)}
    index = orjson.loads(zlib.decompress(base64.b64decode(pack(report, Album(), {}).index)))
    assert sorted(place["text"] for place in index["places"]) == sorted(texts)
    assert all(all(row is None or row.text == one.text for row in one.tries) for one in worst_prompts(report))
    assert headline(report).startswith("Over tries that do not pair, ")
