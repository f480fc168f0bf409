from __future__ import annotations

import yaml

from countcheck.calibration.card import calibration_to_json, write_card
from countcheck.calibration.fit import calibrate
from countcheck.cards import Card, read_card
from countcheck.counting.rule_settings import rule_of_card
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
