"""``summary`` on a run's folder."""

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


def test_json_fits_its_schema(runs, capsys):
    jsonschema.validate(json.loads(printed(capsys, "summary", runs / "good", "--json")), schema("summary"))


def test_prompts_and_conversations_are_summed_up_in_a_few_lines(runs, capsys):
    text = printed(capsys, "summary", runs / "good")
    assert text.startswith("scored ") and "exactly as asked" in text and "4 conversations: " in text
    assert len(text.splitlines()) <= 12


def test_a_run_without_a_recorded_name_is_called_like_its_folder(runs, capsys):
    assert "run good" in printed(capsys, "summary", runs / "good")


def test_everything_is_shown_on_demand(runs, capsys):
    assert "exact_rate_given_picture" in printed(capsys, "summary", runs / "good", "--full")
    assert "by style" in printed(capsys, "summary", runs / "good", "--by", "style")


@pytest.mark.parametrize("name", ["s.json", "s.txt"])
def test_a_summary_is_written_to_a_file_whole_in_the_form_of_its_ending(runs, capsys, tmp_path, name):
    assert printed(capsys, "summary", runs / "good", "-o", tmp_path / name) == ""
    text = (tmp_path / name).read_text(encoding="utf-8")
    if name == "s.json":
        jsonschema.validate(json.loads(text), schema("summary"))
    else:
        assert text.startswith("scored ") and "exact_rate_given_picture" in text and "\x1b" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("nowhere",), "is not a run"), (("good", "--level", "95"), "confidence level is 95")],
)
def test_what_cannot_be_summed_up_is_one_sentence(runs, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(runs)
    assert message in refused(capsys, "summary", *arguments)


def test_an_output_that_cannot_be_written_is_named(runs, capsys):
    assert "cannot be written" in refused(
        capsys, "summary", runs / "good", "-o", runs / "good" / "run.sqlite" / "s.json"
    )
