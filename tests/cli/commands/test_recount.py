"""The command ``recount``: a counting beside the first, found again by its name."""

from __future__ import annotations

import json

import pytest

from countcheck.cli.main import execute


@pytest.fixture
def run(tmp_path, capsys):
    path = str(tmp_path / "run")
    assert execute(["run", "demo", "-g", "scenes?size=64", "--limit", "6", "-o", path]) == 0
    capsys.readouterr()
    return path


def shown(capsys, *arguments):
    assert execute(["summary", *arguments, "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    return body["counter"]["rule"]["name"], body["generators"]


def test_the_first_counting_stays_what_every_command_shows(run, capsys):
    before = shown(capsys, run)
    assert execute(["recount", run, "--rule", "geneval"]) == 0
    out, err = capsys.readouterr()
    # GenEval's rule wants scores of 0.9 and more, which the shipped counter does not give: what is tried is what judges.
    assert "counter tiny (geneval rule) FAILED its self-test" in out.replace("\n", " ")
    assert "under the geneval rule the counter tiny fails its self-test" in err.replace("\n", " ")
    assert "--counting tiny-geneval" in err.replace("\n", " ")
    assert shown(capsys, run) == before
    assert shown(capsys, run, "--counting", "tiny-geneval")[0] == "geneval"


def test_make_default_shows_it_everywhere(run, capsys):
    assert execute(["recount", run, "--rule", "geneval", "--make-default"]) == 0
    capsys.readouterr()
    assert shown(capsys, run)[0] == "geneval"
    assert shown(capsys, run, "--counting", "tiny")[0] == "countcheck"


def test_an_unknown_counting_is_one_sentence(run, capsys):
    assert execute(["summary", run, "--counting", "tinny"]) == 2
    assert "no counting named 'tinny'. Did you mean 'tiny'?" in capsys.readouterr().err.replace("\n", " ")


def test_the_command_that_made_the_run_goes_on_after_a_recount(run, capsys):
    assert execute(["recount", run, "--rule", "geneval", "--make-default"]) == 0
    assert execute(["run", "demo", "-g", "scenes?size=64", "--limit", "6", "-o", run]) == 0


def test_the_counters_own_rule_passes_its_self_test_and_says_so(run, capsys):
    assert execute(["summary", run]) == 0
    assert "counter tiny (countcheck rule) passed its self-test (48 of 48)" in capsys.readouterr().out.replace(
        "\n", " "
    )


def test_a_rule_of_its_own_under_which_the_counter_fails_is_refused(run, capsys):
    assert execute(["recount", run, "-d", "tiny?threshold=0.99"]) == 3
    assert "control pictures right" in capsys.readouterr().err.replace("\n", " ")
    assert shown(capsys, run)[0] == "countcheck"
