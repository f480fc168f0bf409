"""Rules as cards, specs and ledgers write them, under new names and old ones."""

import logging
from dataclasses import asdict

import pytest

from countcheck.cards import Card, read_card
from countcheck.counting.counter import counter_card, load_counter
from countcheck.counting.geneval_rule import GenevalRule
from countcheck.counting.rule import CountingRule
from countcheck.counting.rule_settings import (
    RULES,
    rule_of_card,
    rule_of_record,
    under_rule,
)
from countcheck.counting.setting_names import OLD_RULE_NAMES
from countcheck.errors import BadSettings
from countcheck.storage.run_info import CounterInfo


def card_file(tmp_path, *rule, settings=()):
    path = tmp_path / "mine.yaml"
    lines = ["family: tiny"]
    for name, body in (("settings", settings), ("rule", rule)):
        lines += [f"{name}:", *(f"  {line}" for line in body)] if body else []
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("threshold: 1.4", r"rule.threshold: is '1.4'. Input should be less than or equal to 1. Fix the card."),
        ("treshold: 0.4", r"rule: no field 'treshold'. Did you mean 'threshold'\? Known: "),
        ("distractor_score_ratio: 0.5", "rule.distractor_score_ratio: is '0.5'"),
        ("name: coco", r"rule.name: 'coco' is none of 'countcheck' or 'geneval'"),
        ("thresholds: {pig: much}", "rule.thresholds.pig: is 'much'"),
    ],
)
def test_a_wrong_field_names_the_cards_file_and_the_field(tmp_path, line, words):
    path = card_file(tmp_path, line)
    with pytest.raises(BadSettings, match=words) as caught:
        rule_of_card(read_card(path))
    assert str(path) in str(caught.value)


def test_a_wrong_value_in_a_spec_names_the_spec():
    with pytest.raises(BadSettings, match=r"^tiny\?threshold=7: threshold: is '7'"):
        load_counter("tiny?threshold=7")


def test_a_spec_sets_plain_fields_of_the_rule_over_the_cards():
    card = counter_card("tiny?threshold=0.4&max_certain_count=3&size=320")
    rule = rule_of_card(card)
    assert (rule.threshold, rule.max_certain_count, rule.margin) == (0.4, 3, 0.05)
    assert card.settings == {"size": 320}


@pytest.mark.parametrize(("old", "new"), OLD_RULE_NAMES.items())
def test_old_names_are_read_as_new_ones_with_a_warning(tmp_path, caplog, old, new):
    value = 2 if new in ("max_certain_count", "distractor_score_ratio") else 0.5
    with caplog.at_level(logging.WARNING, logger="countcheck"):
        in_card = rule_of_card(read_card(card_file(tmp_path, f"{old}: {value}")))
        in_spec = rule_of_card(counter_card(f"tiny?{old}={value}"))
    assert getattr(in_card, new) == getattr(in_spec, new) == value
    assert [f"{old} is now called {new}" in record.getMessage() for record in caplog.records] == [True, True]


def test_an_old_name_in_a_spec_goes_over_the_new_one_in_a_card(tmp_path):
    path = card_file(tmp_path, "relative_threshold: 0.2")
    assert rule_of_card(counter_card(f"{path}?of_best=0.5")).relative_threshold == 0.5


def test_old_and_new_name_together_are_refused_with_both(tmp_path):
    path = card_file(tmp_path, "of_best: 0.4", "relative_threshold: 0.3")
    with pytest.raises(BadSettings, match=r"mine.yaml: rule: 'of_best' .* 'relative_threshold'"):
        rule_of_card(read_card(path))
    path = card_file(tmp_path, settings=("second: tiny", "second_counter: tiny"))
    with pytest.raises(BadSettings, match=r"'second' .* 'second_counter'"):
        counter_card(str(path))
    with pytest.raises(BadSettings, match=r"'glimpse' .* 'zero_doubt_score'"):
        rule_of_record({"glimpse": 0.1, "zero_doubt_score": 0.2})


def test_a_ledgers_old_names_are_read_without_a_warning(caplog):
    recorded = {
        "name": "tiny?second=tiny",
        "detector": {"family": "tiny", "settings": {"second": "tiny"}},
        "rule": {"threshold": 0.3, "rival_iou": 0.7, "of_best": 0.4, "sure_to": None},
    }
    info = CounterInfo.from_json(recorded)
    assert info.detector.settings == {"second_counter": "tiny"}
    assert info.rule == {
        "threshold": 0.3,
        "cross_class_iou": 0.7,
        "relative_threshold": 0.4,
        "max_certain_count": None,
    }
    assert caplog.records == []


@pytest.mark.parametrize("name", RULES)
def test_a_rule_comes_back_from_a_ledger(name):
    rule = under_rule(CountingRule(threshold=0.4, margin=0.1, relative_threshold=0.2), name)
    back = rule_of_record(asdict(rule))
    assert back == rule
    assert type(back) is RULES[name]


def test_unknown_fields_of_a_newer_ledger_are_left_out():
    assert rule_of_record({"threshold": 0.4, "invented": 1}) == CountingRule(threshold=0.4)


def test_another_rule_keeps_the_parameters():
    rule = CountingRule(threshold=0.4)
    assert under_rule(rule, "geneval") == GenevalRule(threshold=0.4)
    assert under_rule(under_rule(rule, "geneval"), "countcheck") == rule


def test_a_card_without_a_rule_has_the_default():
    assert rule_of_card(Card(name="x", family="tiny")) == CountingRule()
