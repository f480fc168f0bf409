"""``power`` from a run or from assumptions."""

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


def test_power_plans_from_a_run_or_a_rate(runs, capsys):
    body = json.loads(printed(capsys, "power", runs / "bad", "--loss", "0.1", "--json"))
    jsonschema.validate(body, schema("power"))
    needs = body["needs"]
    assert "from 70 %" in printed(capsys, "power")
    assert [need["repeats"] for need in needs] == [1, 2, 4, 8] and all(need["power"] >= 0.8 for need in needs)
    assert "points" in printed(capsys, "power", "--from-rate", "0.7", "--prompts", "200")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from-rate", "1.5"), "rate before the loss is 1.5"),
        (("--from-rate", "0.7", "--rate", "exakt"), "no rate to plan for"),
        (("good", "--generator", "beta"), "no generator named 'beta'"),
    ],
)
def test_what_cannot_be_planned_is_one_sentence(runs, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(runs)
    assert message in refused(capsys, "power", *arguments)
