"""``init``: files to start from, which work as they are."""

import tomllib

import pytest
import yaml

from countcheck.cli.main import execute
from countcheck.gate.policy import read_policy
from countcheck.suites.catalog import load_suite


def test_the_files_are_read_by_the_commands_they_are_for(tmp_path, capsys):
    options = ["--prompt", "three pigs", "--prompt", "two cats and a dog", "-g", "scenes", "--workflow", "--yes"]
    assert execute(["init", str(tmp_path), *options]) == 0
    suite = load_suite(str(tmp_path / "my-suite.yaml"))
    assert [prompt.text for prompt in suite.prompts] == ["three pigs", "two cats and a dog"]
    assert all(prompt.targets for prompt in suite.prompts)
    assert read_policy(tmp_path / "policy.yaml").rules[0].at_least == 0.5
    assert tomllib.loads((tmp_path / "countcheck.toml").read_text())["run"]["generator"] == ["scenes"]
    workflow = yaml.safe_load((tmp_path / ".github/workflows/countcheck.yml").read_text())
    steps = workflow["jobs"]["gate"]["steps"]
    assert steps[-1] == {"uses": "./countcheck", "with": {"run": "runs/ci", "policy": "policy.yaml"}}
    assert "my-suite.yaml" in steps[-2]["run"]


def test_a_run_takes_the_generator_from_the_file_that_init_wrote(tmp_path, capsys, monkeypatch):
    assert execute(["init", str(tmp_path), "-g", "scenes", "--yes"]) == 0
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert execute(["run", "my-suite.yaml", "--dry-run", "--json"]) == 0
    assert '"generator": "scenes"' in capsys.readouterr().out


def test_nothing_is_replaced_and_nothing_is_half_written(tmp_path, capsys):
    (tmp_path / "policy.yaml").write_text("mine")
    assert execute(["init", str(tmp_path), "--yes"]) == 2
    assert "nothing was written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["policy.yaml"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--name", "../up"), "cannot name a file"),
        (("-g", "sclenes"), "Did you mean 'scenes'"),
        (("-d", "tinny"), "Did you mean 'tiny'"),
        (("--prompt", "rain"), "asks for no number of things"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(tmp_path, capsys, arguments, message):
    assert execute(["init", str(tmp_path / "new"), *arguments, "--yes"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
