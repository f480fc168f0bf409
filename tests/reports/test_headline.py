from __future__ import annotations

import pytest
from made_up import a_run, a_suite

from countcheck.reports.format import estimate_text
from countcheck.reports.headline import headline, losses, short_names
from countcheck.reports.report import read_report


def test_the_headline_names_the_best_model_first(two_runs):
    report = read_report(two_runs)
    best = max(report.models, key=lambda m: m.rates["exact_rate"]["value"])
    assert headline(report).startswith(f"Exactly as asked: {best.label} ")


def test_losses_say_how_many_of_how_many_were_scored(two_runs):
    report = read_report(two_runs)
    for model in report.models:
        if model.lost:
            scored = f"scored {model.total('planned') - model.lost} of {model.total('planned')}"
            assert any(scored in sentence for sentence in losses(report))


def test_a_run_of_nothing_but_refusals_has_a_headline(tmp_path):
    with a_run(tmp_path / "run", suite=a_suite(4, 0), generators=(("mute", 0.0, 1.0),)) as run:
        assert "mute" in headline(read_report([run]))


def test_two_models_are_told_apart_in_the_headline(tmp_path):
    suite = a_suite(48, 0)
    with a_run(
        tmp_path / "run", suite=suite, generators=(("low", 0.2, 0.0), ("high", 0.9, 0.0)), pictures=False
    ) as run:
        assert headline(read_report([run])).endswith("]: better.")
        assert headline(read_report([run], baseline="high")).endswith("]: worse.")


def test_two_that_may_be_equal_are_said_to_be(tmp_path):
    same = (("one", 0.6, 0.0), ("two", 0.6, 0.0))
    with a_run(tmp_path / "run", suite=a_suite(12, 0), generators=same, pictures=False) as run:
        assert "too few prompts to tell" in headline(read_report([run]))


def test_conversations_alone_have_a_headline(tmp_path):
    with a_run(tmp_path / "run", suite=a_suite(0, 4), pictures=False) as run:
        assert headline(read_report([run])).startswith("In conversation, exactly as asked: alpha ")


def test_a_run_in_which_nothing_was_made_yet_has_a_report(tmp_path):
    with a_run(tmp_path / "run", generators=(), pictures=False) as run:
        assert headline(read_report([run])) == "This run asked nothing of any model."


def test_the_headline_and_the_table_say_the_same_rate(tmp_path):
    with a_run(tmp_path / "run", suite=a_suite(24, 0), pictures=False) as run:
        report = read_report([run])
    for model in report.models:
        assert f"{model.label} {estimate_text('exact_rate', model.rates['exact_rate']).value}" in headline(report)


def test_a_headline_is_at_most_two_lines_whatever_the_models_are_called(tmp_path):
    generators = tuple((f"diffusers:organisation/model-{n}?steps=4&dtype=bf16", 0.5, 0.0) for n in range(6))
    with a_run(tmp_path / "run", suite=a_suite(8, 0), generators=generators, pictures=False) as run:
        text = headline(read_report([run]))
    assert "model-0 " in text
    assert len(text) < 200


@pytest.mark.parametrize(
    ("labels", "short"),
    [
        (["diffusers:org/a?steps=4", "diffusers:org/b?steps=4"], ["a", "b"]),
        (["diffusers:org/a?steps=4", "diffusers:org/a?steps=8"], ["a?steps=4", "a?steps=8"]),
        (["x:org/a", "y:org/a"], ["x:org/a", "y:org/a"]),
        (["beta · one", "beta · two"], ["beta · one", "beta · two"]),
        (["folder:/pics/"], ["folder:/pics/"]),
    ],
)
def test_names_are_short_and_stay_apart(labels, short):
    assert short_names(labels) == short
