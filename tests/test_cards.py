"""Cards and specs: what is read, what is laid over what, and what is refused."""

import pytest

from countcheck.cards import (
    Card,
    counter_cards,
    fill,
    generator_cards,
    open_counters,
    read_card,
    read_counter_card,
    read_generator_card,
)
from countcheck.errors import BadSettings, UnknownName


def card_file(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def test_every_card_that_ships_is_listed_under_its_files_name():
    assert generator_cards()["tiny"].stem == counter_cards()["tiny"].stem == "tiny"


def test_counters_with_an_open_vocabulary_are_known():
    assert "owlv2" in open_counters() and "tiny" not in open_counters()


def test_a_spec_is_the_cards_name_and_lays_its_settings_over_the_cards(tmp_path):
    path = card_file(tmp_path, "family: diffusers\nsource: a/b\nsettings: {steps: 4, size: 64}\n")
    card = read_generator_card(f"{path}?steps=2&dtype=bf16")
    assert card.name == f"{path}?steps=2&dtype=bf16"
    assert card.settings == {"steps": 2, "size": 64, "dtype": "bf16"}
    assert card.path == path


@pytest.mark.parametrize(
    ("query", "settings"),
    [
        ("steps=2,dtype=bf16", {"steps": 2, "dtype": "bf16"}),
        ("steps=2,dtype=bf16&size=64", {"steps": 2, "dtype": "bf16", "size": 64}),
        ("device=cuda:0,cuda:1", {"device": "cuda:0,cuda:1"}),
        ("mean=0.485,0.456,0.406,bgr=true", {"mean": "0.485,0.456,0.406", "bgr": True}),
        ('extra={"a": 1,"b": "c,d=e"},x', {"extra": '{"a": 1,"b": "c,d=e"},x'}),
        ("load.enable_pag=true,call.pag_scale=3", {"load.enable_pag": True, "call.pag_scale": 3}),
        ("negative_prompt=dark%2Cred=no,steps=2", {"negative_prompt": "dark,red=no", "steps": 2}),
    ],
)
def test_settings_are_separated_by_commas_or_ampersands(query, settings):
    assert read_generator_card(f"diffusers:org/model?{query}").settings == settings


def test_a_revision_in_a_spec_is_no_setting():
    card = read_generator_card("diffusers:org/model?revision=abc&steps=2")
    assert (card.family, card.source, card.revision, card.settings) == ("diffusers", "org/model", "abc", {"steps": 2})


def test_a_card_can_be_given_another_source():
    card = read_counter_card("owlv2:./mine")
    assert (card.family, card.source) == ("transformers", "./mine")


def test_rule_settings_are_kept_apart_only_for_counters():
    counter = read_counter_card("tiny?threshold=0.4&size=320", rule_settings=["threshold"])
    assert (counter.rule_changes, counter.settings) == ({"threshold": 0.4}, {"size": 320})
    assert read_generator_card("scenes?threshold=0.4").settings == {"threshold": 0.4}


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.5", 0.5), ("true", True), ("False", False), ("none", None), ("bf16", "bf16"), ("", "")],
)
def test_values_in_a_spec_are_numbers_and_switches_where_they_look_so(text, value):
    assert read_generator_card(f"scenes?a={text}").settings == {"a": value}


@pytest.mark.parametrize("spec", ["scenez", "tinny"])
def test_an_unknown_name_comes_with_near_ones(spec):
    with pytest.raises(UnknownName, match="Did you mean"):
        read_generator_card(spec)


def test_settings_that_are_no_settings_are_refused():
    with pytest.raises(BadSettings, match="is not a list of settings"):
        read_generator_card("tiny?&")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("famly: tiny", r"the field 'family' is missing|no field 'famly'"),
        ("family: tiny\nprise: 3", r"no field 'prise'\. Did you mean 'price'\?"),
        ("family: tiny\nprice: -1", r"price: is '-1'"),
        ("family: tiny\nsettings: 3", r"settings: is '3'"),
    ],
)
def test_a_card_that_cannot_be_read_names_file_and_field(tmp_path, text, words):
    path = card_file(tmp_path, text)
    with pytest.raises(BadSettings, match=words) as caught:
        read_card(path)
    assert str(path) in str(caught.value)


DEFAULTS = {"steps": 4, "scale": 1.5, "edits": False, "lora": "", "seed": None}


def test_settings_are_laid_over_defaults():
    card = Card(name="x", family="y", settings={"steps": 2})
    assert fill(card, DEFAULTS) == {**DEFAULTS, "steps": 2}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"step": 2}, r"x: no setting 'step' for y\. Did you mean 'steps'\?"),
        ({"edits": 1}, "edits is 1. Give true or false"),
        ({"steps": True}, "steps is True. Give a number"),
        ({"scale": "much"}, "scale is 'much'. Give a number"),
    ],
)
def test_a_setting_that_is_unknown_or_of_another_type_is_refused(settings, words):
    with pytest.raises(BadSettings, match=words):
        fill(Card(name="x", family="y", settings=settings), DEFAULTS)


def test_a_spec_without_a_card_knows_the_formula_of_its_model():
    card, known = read_generator_card("openai:gpt-image-2?quality=low"), read_generator_card("gpt-image-2")
    assert known.pricing and card.pricing == known.pricing
    assert (card.priced, card.batch_price) == (known.priced, known.batch_price)
    assert not read_generator_card("openai:gpt-image-2?base_url=http://127.0.0.1:8000/v1").pricing
    assert not read_generator_card("azure:gpt-image-2").pricing
    assert read_generator_card("xai:grok-imagine").price is None
