"""summary, compare, gate and power on run folders, by the command line."""

import json

import jsonschema
import pytest
from made_up import a_run, a_suite

from countcheck.cli.main import execute
from countcheck.schemas import schema


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, exact in (("good", 0.95), ("bad", 0.3)):
        path = folder / name
        a_run(path, suite=a_suite(40, 2), generators=(("alpha", exact, 0.02),), pictures=False, noisy=0.0).close()
    (folder / "policy.yaml").write_text(
        "limits: {lost: 0.2}\nrules:\n- {rate: exact_rate, no_worse_by: 0.2}\n- {rate: exact_rate, at_least: 0.5}\n"
    )
    return folder


def printed(capsys, *arguments, code=0):
    assert execute([str(one) for one in arguments]) == code
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ["summary", "compare"])
def test_json_fits_its_schema(runs, capsys, command):
    names = ["good"] if command == "summary" else ["good", "bad"]
    body = json.loads(printed(capsys, command, *(runs / name for name in names), "--json"))
    jsonschema.validate(body, schema(command))


def test_summary_speaks_of_prompts_and_conversations(runs, capsys):
    text = printed(capsys, "summary", runs / "good")
    assert text.startswith("scored ") and "exactly as asked" in text and "4 conversations: " in text


def test_compare_finds_the_loss(runs, capsys):
    body = json.loads(printed(capsys, "compare", runs / "good", runs / "bad", "--json"))
    assert body["rates"]["exact_rate"]["difference"]["high"] < 0
    assert "b − a" in printed(capsys, "compare", runs / "good", runs / "bad", "--resamples", "500")


def test_gate_fails_the_bad_and_passes_the_good_with_a_folder_or_a_kept_summary(runs, capsys, tmp_path):
    kept = tmp_path / "kept.json"
    kept.write_text(printed(capsys, "summary", runs / "good", "--json"))
    for baseline in (runs / "good", kept):
        options = ("--policy", runs / "policy.yaml", "--baseline", baseline, "--json")
        failed = json.loads(printed(capsys, "gate", runs / "bad", *options, code=1))
        jsonschema.validate(failed, schema("gate"))
        assert json.loads(printed(capsys, "gate", runs / "good", *options))["decision"] == "pass"


def test_gate_checks_a_policy_before_a_run(runs, capsys, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("rules:\n- {rate: refusal_rate, at_most: 0.02}\n- {rate: exact_rate, at_least: 0.5}\n")
    body = json.loads(printed(capsys, "gate", "--check", policy, "--suite", "demo", "--json", code=3))
    jsonschema.validate(body, schema("gate-check"))
    assert [(rule["needed"], rule["available"], rule["enough"]) for rule in body["rules"]] == [
        (189, 48, False),
        (4, 48, True),
    ]
    text = printed(capsys, "gate", "--check", policy, "--suite", "counting", "--repeats", "2")
    assert text.startswith("can be decided") and "the suite has 336" in text


def test_gate_compares_with_another_suite_only_when_told(runs, capsys, tmp_path):
    path = tmp_path / "other"
    a_run(path, suite=a_suite(30, 2), generators=(("alpha", 0.95, 0.02),), pictures=False, noisy=0.0).close()
    options = (runs / "bad", "--policy", runs / "policy.yaml", "--baseline", path)
    assert "--unpaired" in printed(capsys, "gate", *options, code=1)  # the other rule fails
    assert "(unpaired)" in printed(capsys, "gate", *options, "--unpaired", code=1)
    assert "cannot decide" in printed(capsys, "gate", runs / "good", *options[1:], code=3)


def test_gate_writes_its_reports_and_annotates_where_it_runs(runs, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))
    options = ("--baseline", runs / "good", "--junit", tmp_path / "j.xml", "--markdown", tmp_path / "m.md")
    text = printed(capsys, "gate", runs / "bad", "--policy", runs / "policy.yaml", *options, code=1)
    assert "::error title=" in text and "gate failed" in text
    assert "<failure" in (tmp_path / "j.xml").read_text()
    assert (tmp_path / "m.md").read_text() == (tmp_path / "step.md").read_text()


def test_power_plans_from_a_run_or_a_rate(runs, capsys):
    body = json.loads(printed(capsys, "power", runs / "bad", "--loss", "0.1", "--json"))
    jsonschema.validate(body, schema("power"))
    needs = body["needs"]
    assert "from 70 %" in printed(capsys, "power")
    assert [one["repeats"] for one in needs] == [1, 2, 4, 8] and all(one["power"] >= 0.8 for one in needs)
    assert "points" in printed(capsys, "power", "--from-rate", "0.7", "--prompts", "200")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("summary", "nowhere"), 2, "is not a run"),
        (("summary", "good", "--level", "95"), 2, "confidence level is 95"),
        (("compare", "good", "good", "--a", "beta"), 2, "no generator named 'beta'"),
        (("gate", "good", "--policy", "none.yaml"), 2, "cannot be read"),
        (("gate", "good", "--policy", "policy.yaml"), 2, "--baseline"),
        (("gate", "--policy", "policy.yaml"), 2, "no run is named"),
        (("gate", "--check", "policy.yaml"), 2, "--suite"),
        (("gate", "good", "--check", "policy.yaml", "--suite", "demo"), 2, "not at a run"),
        (("gate", "policy.yaml", "--policy", "policy.yaml"), 2, "is not JSON"),
        (("power", "--from-rate", "1.5"), 2, "rate before the loss is 1.5"),
        (("power", "--from-rate", "0.7", "--rate", "exakt"), 2, "no rate to plan for"),
        (("power", "good", "--generator", "beta"), 2, "no generator named 'beta'"),
    ],
)
def test_a_wrong_command_ends_in_one_sentence(runs, capsys, monkeypatch, arguments, code, said):
    monkeypatch.chdir(runs)
    assert execute(list(arguments)) == code
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


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
