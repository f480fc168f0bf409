from __future__ import annotations

import json

import jsonschema
import pytest
from made_up import a_run, a_suite

from countcheck.cards import read_card
from countcheck.cli.main import execute
from countcheck.counting.rule_settings import rule_of_card
from countcheck.schemas import schema
from countcheck.storage.rows import Label

PHANTOM = 0.5  # boxes below this score are nothing that people see; the rule in use counts those above 0.4


@pytest.fixture
def labelled(tmp_path):
    """A run in which a third of the boxes that the rule counts are phantoms, labelled by somebody who sees that."""
    suite = a_suite(40, 0)
    with a_run(
        tmp_path / "run", suite=suite, repeats=1, size=32, counter_name="tiny", pictures=False, noisy=0.3
    ) as run:
        counted = {row.key: row.counted for row in run.rows() if row.counted}
        run.label_store.add(
            Label(
                key=key,
                noun=noun,
                count=sum(n == noun and s > PHANTOM for n, s in zip(seen.nouns, seen.scores.tolist(), strict=True)),
                labeller="ann",
            )
            for key, _, seen in run.detections()
            for noun in counted[key]
        )
    return tmp_path / "run"


def test_the_rule_that_agrees_with_the_labels_is_learnt_printed_and_kept_as_a_card(labelled, capsys):
    assert execute(["calibrate", str(labelled), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    jsonschema.validate(printed, schema("calibration"))
    assert printed["agreement_before"]["value"] < 0.8
    assert printed["agreement"]["value"] == 1
    assert 0.45 < printed["rule"]["threshold"] <= 0.6
    card = read_card(labelled / "counter.yaml")
    assert card.family == "tiny"
    assert rule_of_card(card).threshold == printed["rule"]["threshold"]


def test_the_table_says_how_to_apply_it(labelled, tmp_path, capsys):
    assert (
        execute(["calibrate", str(labelled), "-o", str(tmp_path / "mine.yaml"), "--overall", "--by-probability"]) == 0
    )
    out, err = capsys.readouterr()
    # The learned rule is right on every label.
    assert "agreement" in out and "no labelled one is wrong under this rule" in " ".join(out.split())
    rule = rule_of_card(read_card(tmp_path / "mine.yaml"))
    assert rule.probability_weights and not rule.doubts_by_probability
    assert f"countcheck recount {labelled} -d {tmp_path / 'mine.yaml'}" in err


def test_too_few_labels_exit_with_three(tmp_path, capsys):
    a_run(tmp_path / "run", suite=a_suite(4, 0), counter_name="tiny", pictures=False).close()
    assert execute(["calibrate", str(tmp_path / "run")]) == 3
    assert "too few" in capsys.readouterr().err
