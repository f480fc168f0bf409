"""``compare`` on two runs."""

import json

import jsonschema
import pytest

from countcheck.cli.main import execute
from countcheck.schemas import schema


def printed(capsys, *arguments, code=0):
    assert execute([str(argument) for argument in arguments]) == code
    return capsys.readouterr().out


def refused(capsys, *arguments, code=2):
    assert execute([str(argument) for argument in arguments]) == code
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_json_fits_its_schema_and_shows_the_loss(runs, capsys):
    body = json.loads(printed(capsys, "compare", runs / "good", runs / "bad", "--json"))
    jsonschema.validate(body, schema("compare"))
    assert body["rates"]["exact_rate"]["difference"]["high"] < 0


def test_the_table_shows_the_differences_with_a_bootstrap_too(runs, capsys):
    assert "b − a" in printed(capsys, "compare", runs / "good", runs / "bad", "--resamples", "500")


def test_markdown_for_a_pull_request_has_every_rate_and_the_prompts_that_changed(runs, capsys, tmp_path):
    printed(capsys, "compare", runs / "good", runs / "bad", "--markdown", tmp_path / "c.md")
    text = (tmp_path / "c.md").read_text(encoding="utf-8")
    assert "| Exactly as asked `exact_rate` |" in text
    assert "**Regressed**: " in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {6}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("good", "good", "--a", "beta"), "no generator named 'beta'"),
        (("good", "bad", "--level", "95"), "--level is 95"),
        (("good", "policy.yaml"), "is not JSON"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(runs, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(runs)
    assert message in refused(capsys, "compare", *arguments)
