from __future__ import annotations

import pytest
import yaml

from countcheck.calibration.card import calibration_to_json, write_card
from countcheck.calibration.fit import calibrate
from countcheck.cards import Card, read_card
from countcheck.counting.rule_settings import rule_of_card
from countcheck.errors import BadSettings
from tests.calibration.labelled import RULE, examples


def test_the_card_reads_back_with_the_rule_that_was_learnt(tmp_path):
    learnt = calibrate(examples(0.7) + examples(0.3, noun="wolf", seed=1), RULE)
    card = Card(name="tiny", family="tiny", licence="Apache-2.0", settings={"size": 320})
    written = write_card(tmp_path / "counter.yaml", card, learnt, run="r")
    back = read_card(written)
    assert rule_of_card(back) == learnt.rule
    assert back.settings == {"size": 320}
    measured = yaml.safe_load(written.read_text())["measured"]
    assert measured["agreement"]["n"] == learnt.labelled == calibration_to_json(learnt)["labelled"]


def test_a_card_that_doubts_by_probability_reads_back(tmp_path):
    learnt = calibrate(examples(0.3, prompts=20), RULE, by_probability=True)
    written = write_card(tmp_path / "counter.yaml", Card(name="tiny", family="tiny"), learnt, run="r")
    assert rule_of_card(read_card(written)) == learnt.rule


def test_a_weight_of_an_unknown_feature_is_refused():
    with pytest.raises(BadSettings, match="probability_weights"):
        rule_of_card(Card(name="x", family="tiny", rule={"probability_weights": {"hue": 1.0}}))
