"""A suite as JSON and as YAML, and back."""

import json

import pytest

from countcheck.errors import BadSuite
from countcheck.suites.catalog import load_suite, shipped_suites
from countcheck.suites.load import read_suite
from countcheck.suites.serialize import prompt_to_json, suite_from_json, suite_to_json, write_suite
from countcheck.suites.suite import Prompt, Skipped, Suite


@pytest.mark.parametrize("name", sorted(shipped_suites()))
def test_a_suite_survives_json_and_yaml(tmp_path, name):
    suite = load_suite(name)
    assert suite_from_json(json.loads(json.dumps(suite_to_json(suite)))) == suite
    write_suite(suite, tmp_path / "a.yaml")
    assert read_suite(tmp_path / "a.yaml").digest == suite.digest


def test_what_was_not_understood_is_kept_in_runs_and_published_nowhere_else():
    prompt = Prompt(id="a", text="3 dog", not_understood=("3 dog",))
    assert "not_understood" not in prompt_to_json(prompt)
    suite = Suite(name="s", prompts=(prompt, Prompt(id="b", text="two cats")))
    body = suite_to_json(suite)
    assert ["not_understood" in entry for entry in body["prompts"]] == [True, False]
    assert suite_from_json(body) == suite


def test_a_run_of_an_older_version_has_no_such_field():
    body = suite_to_json(Suite(name="s", prompts=(Prompt(id="a", text="x"),)))
    assert suite_from_json(body).prompts[0].not_understood == ()


def test_skipped_lines_stand_in_the_head_of_the_file(tmp_path):
    suite = Suite(name="s", prompts=(Prompt(id="a", text="x"),), skipped=(Skipped(line=3, why="no\nprompt\x07"),))
    write_suite(suite, tmp_path / "a.yaml")
    assert "# line 3 skipped: no prompt?\n" in (tmp_path / "a.yaml").read_text()


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSuite, match="cannot be written"):
        write_suite(Suite(name="s", prompts=(Prompt(id="a", text="x"),)), tmp_path / "file" / "a.yaml")
