"""What the commands that make pictures share."""

import json
import re

import pytest

from countcheck.cli.commands.run import read_generators
from countcheck.cli.main import execute
from countcheck.cli.running import default_name
from countcheck.errors import BadSettings, UnknownName


def test_a_run_is_named_after_its_parts_and_odd_parts_get_a_digest():
    assert default_name(["farm", "tiny"]) == "farm-tiny"
    name = default_name(["farm", "scenes?error_rate=0.3"])
    assert re.fullmatch(r"farm-scenes-error-rate-0\.3-[0-9a-f]{7}", name)
    assert default_name(["a" * 200]) != default_name(["a" * 201])


def test_a_name_is_given_before_the_spec():
    plain, named = read_generators(["scenes?error_rate=0.3", "mine=scenes?error_rate=0.3"])
    assert (plain.name, named.name) == ("scenes?error_rate=0.3", "mine")
    assert plain.settings == named.settings == {"error_rate": 0.3}


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        (["=scenes"], "without a name or a spec"),
        (["mine="], "without a name or a spec"),
        (["a=scenes", "a=tiny"], "two generators are called 'a'"),
        (["tiny", "tiny=scenes"], "two generators are called 'tiny'"),
    ],
)
def test_names_that_are_empty_or_shared_are_refused(specs, message):
    with pytest.raises(BadSettings, match=re.escape(message)):
        read_generators(specs)


def test_a_spec_behind_a_name_is_checked():
    with pytest.raises(UnknownName, match="Did you mean 'scenes'"):
        read_generators(["mine=scnes"])


def test_the_name_is_what_tables_and_gate_use(tmp_path, capsys):
    run = str(tmp_path / "run")
    assert execute(["run", "demo", "-g", "mine=scenes", "--limit", "3", "-o", run, "-q", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["generators"]) == ["mine"]


def test_more_repeats_add_to_a_run(tmp_path, capsys):
    arguments = ["run", "demo", "-g", "scenes", "--only", "style=noir", "-o", str(tmp_path / "run"), "-q", "--json"]
    planned = []
    for repeats in ("1", "2"):
        assert execute([*arguments, "--repeats", repeats]) == 0
        planned.append(json.loads(capsys.readouterr().out)["generators"]["scenes"]["counts"]["pictures"])
    assert planned[1] == 2 * planned[0] > 0


def test_an_unknown_engine_is_refused(tmp_path, capsys):
    assert execute(["run", "demo", "-g", "scenes", "--engine", "slurm", "-o", str(tmp_path / "run")]) == 2
    assert "Choose local or ray" in capsys.readouterr().err


def test_a_run_until_decided_names_first_the_rules_that_the_suite_is_too_small_for(capsys, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("rules:\n- {rate: refusal_rate, at_most: 0.02}\n- {rate: exact_rate, at_least: 0.1}\n")
    arguments = ("run", "demo", "-g", "scenes", "-o", tmp_path / "run", "--limit", "2", "--until-decided", policy)
    assert execute([str(argument) for argument in arguments]) == 0
    error = capsys.readouterr().err
    assert error.count("may stay undecided to the end") == 1 and "refusals: prompts needed" in error


def test_a_tag_that_the_suite_does_not_have_is_refused_before_anything_is_made(capsys, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("rules:\n- {rate: exact_rate, at_least: 0.1, where: {style: nour}}\n")
    arguments = ("run", "demo", "-g", "scenes", "-o", tmp_path / "run", "--limit", "2", "--until-decided", policy)
    assert execute([str(argument) for argument in arguments]) == 2
    assert "Did you mean 'noir'" in capsys.readouterr().err
    assert not list(tmp_path.glob("run/images/*"))
