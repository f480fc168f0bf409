"""``gate`` by a policy file and by flags."""

import json

import jsonschema
import pytest
from made_up import a_run, a_suite

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


def test_gate_fails_the_bad_and_passes_the_good_with_a_folder_or_a_kept_summary(runs, capsys, tmp_path):
    kept = tmp_path / "kept.json"
    kept.write_text(printed(capsys, "summary", runs / "good", "--json"))
    for baseline in (runs / "good", kept):
        options = ("--policy", runs / "policy.yaml", "--baseline", baseline, "--json")
        failed = json.loads(printed(capsys, "gate", runs / "bad", *options, code=1))
        jsonschema.validate(failed, schema("gate"))
        assert json.loads(printed(capsys, "gate", runs / "good", *options))["decision"] == "pass"


def test_gate_writes_its_reports_and_annotates_where_it_runs(runs, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))
    options = ("--baseline", runs / "good", "--junit", tmp_path / "j.xml", "--markdown", tmp_path / "m.md")
    text = printed(capsys, "gate", runs / "bad", "--policy", runs / "policy.yaml", *options, code=1)
    assert "::error title=" in text and "gate failed" in text
    assert "<failure" in (tmp_path / "j.xml").read_text()
    assert (tmp_path / "m.md").read_text() == (tmp_path / "step.md").read_text()


def test_rules_can_be_given_by_flags(runs, capsys):
    rules = ("--at-least", "exact_rate=0.5", "--at-most", "refusal_rate=0.3", "--no-worse-by", "exact_rate=0.2")
    assert "gate passed" in printed(capsys, "gate", runs / "good", *rules, "--baseline", runs / "good")
    failed = json.loads(printed(capsys, "gate", runs / "bad", *rules, "--baseline", runs / "good", "--json", code=1))
    jsonschema.validate(failed, schema("gate"))
    assert any("exact_rate" in rule["rule"] and rule["decision"] == "fail" for rule in failed["rules"])


def test_a_decision_is_written_to_a_file_and_keeps_its_exit_code(runs, capsys, tmp_path):
    rule = ("--at-least", "exact_rate=0.9")
    assert printed(capsys, "gate", runs / "bad", *rule, "-o", tmp_path / "d.json", code=1) == ""
    assert json.loads((tmp_path / "d.json").read_text())["decision"] == "fail"


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("good", "--policy", "none.yaml"), "cannot be read"),
        (("good", "--policy", "policy.yaml"), "--baseline"),
        (("policy.yaml", "--policy", "policy.yaml"), "is not JSON"),
        (("--policy", "policy.yaml"), "no run is named"),
        (("--check", "policy.yaml"), "--suite"),
        (("good", "--check", "policy.yaml", "--suite", "demo"), "not a run"),
        (("good",), "needs either --policy FILE or rules"),
        (("good", "--policy", "policy.yaml", "--at-least", "exact_rate=0.5"), "not both"),
        (("good", "--at-least", "exact_rate"), "is not a rate with a number"),
        (("good", "--at-least", "exact_rate=lots"), "is not a rate with a number"),
        (("good", "--at-least", "=0.5"), "is not a rate with a number"),
        (("good", "--at-most", "exact_rate=nan"), "is not a rate with a number"),
        (("good", "--at-least", "exact_rate=0.5", "--at-least", "exact_rate=0.6"), "given twice"),
        (("good", "--at-least", "exakt_rate=0.5"), "Did you mean 'exact_rate'"),
        (("good", "--no-worse-by", "exact_rate=0.03"), "--baseline"),
    ],
)
def test_a_gate_that_makes_no_sense_is_one_sentence(runs, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(runs)
    assert message in refused(capsys, "gate", *arguments)
