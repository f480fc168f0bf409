"""Policies that make sense, and those that are refused in one sentence."""

import pytest

from countcheck.errors import BadSettings, UnknownName
from countcheck.gate.policy import policy_from, read_policy


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"rules": [{"rate": "exakt_rate", "at_least": 0.5}]}, "Did you mean 'exact_rate'"),
        ({"rules": [{"rate": "exact_rate", "at_least": 60}]}, "a share from 0 to 1"),
        ({"rules": [{"rate": "exact_rate", "at_least": -0.1}]}, "rules.0.at_least is -0.1"),
        ({"rules": [{"rate": "exact_rate"}]}, "has no bound"),
        ({"rules": [{"rate": "exact_rate", "at_least": 0.5, "no_worse_by": 0.1}]}, "two rules"),
        ({"rules": [{"rate": "exact_rate", "atleast": 0.5}]}, "Did you mean 'at_least'"),
        ({"rules": []}, "rules: "),
        ({}, "the field 'rules' is missing"),
        ([], "mapping with rules"),
        ({"level": 95, "rules": [{"rate": "exact_rate", "at_least": 0.5}]}, "level: "),
        ({"limits": {"lost": 2}, "rules": [{"rate": "exact_rate", "at_least": 0.5}]}, "limits.lost"),
        ({"rules": [{"rate": "kept_rate", "at_least": 0.5, "where": {"number": 3}}]}, "not split by tags"),
        ({"rules": [{"rate": "exact_rate", "at_least": 0.8}, {"rate": "exact_rate", "at_most": 0.7}]}, "Drop one"),
        ({"rules": [{"rate": "exact_rate", "at_least": 0.8, "at_most": 0.7}]}, "Drop one"),
        ({"rules": [{"rate": "exact_rate", "corrected": True, "no_worse_by": 0.1}]}, "no baseline"),
        ({"rules": [{"rate": "exact_rate", "at_least": float("nan")}]}, "finite"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_in_one_sentence(body, said):
    with pytest.raises(BadSettings if "exakt" not in str(body) else UnknownName) as error:
        policy_from(body, place="policy.yaml")
    assert said in str(error.value) and str(error.value).startswith("policy.yaml: ")


def test_a_policy_file_that_is_not_yaml_or_not_there(tmp_path):
    (tmp_path / "bad.yaml").write_text("rules: [")
    with pytest.raises(BadSettings, match="not YAML"):
        read_policy(tmp_path / "bad.yaml")
    with pytest.raises(BadSettings, match="cannot be read"):
        read_policy(tmp_path / "none.yaml")


def test_a_baseline_named_in_the_policy_lies_beside_it(tmp_path):
    (tmp_path / "p.yaml").write_text("baseline: runs/old\nrules: [{rate: exact_rate, no_worse_by: 0.03}]")
    assert read_policy(tmp_path / "p.yaml").baseline == tmp_path / "runs" / "old"
