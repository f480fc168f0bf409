"""Which counter counts where none is named."""

import pytest

from countcheck.cards import Card, counter_cards, read_card, read_generator_card
from countcheck.counting import auto
from countcheck.counting.auto import OPEN, choose_counter, is_installed, ships
from countcheck.errors import BadSettings


def installed(monkeypatch, *names):
    monkeypatch.setattr(auto, "is_installed", lambda card: card.name in names)


def test_what_ships_is_counted_by_the_counter_that_ships(monkeypatch):
    installed(monkeypatch, "owlv2")
    assert choose_counter([read_generator_card("tiny"), read_generator_card("scenes?error_rate=0.1")]) == "tiny"


@pytest.mark.parametrize("spec", ["sdxl-turbo", "openai:gpt-image-1", "folder:pictures", "diffusers:org/model"])
def test_any_other_picture_is_counted_by_the_first_open_counter_that_is_installed(monkeypatch, spec):
    installed(monkeypatch, "omdet-turbo", "grounding-dino-tiny")
    assert choose_counter([read_generator_card(spec)]) == "grounding-dino-tiny"
    assert choose_counter([read_generator_card("tiny"), read_generator_card(spec)]) == "grounding-dino-tiny"
    assert choose_counter(None) == "grounding-dino-tiny"


def test_where_none_is_installed_two_commands_are_named(monkeypatch):
    installed(monkeypatch)
    with pytest.raises(BadSettings, match=r"Write -d owlv2, .* or -d tiny,"):
        choose_counter(None)


def test_the_counters_that_are_tried_have_open_vocabularies_and_run_on_transformers():
    for name in OPEN:
        card = read_card(counter_cards()[name])
        assert card.vocabulary.startswith("open") and card.family == "transformers"


def test_a_local_folder_is_installed_and_a_model_that_was_never_fetched_is_not(tmp_path, monkeypatch):
    assert is_installed(Card(name="x", family="transformers", source=str(tmp_path)))
    assert not is_installed(Card(name="x", family="transformers", source="nobody/no-such-detector"))


def test_only_scenes_and_the_painter_that_ships_ship():
    assert ships(read_generator_card("tiny"))
    assert not ships(Card(name="x", family="diffusers", source="./candidate"))
    assert not ships(Card(name="x", family="transcript", source="chat.jsonl"))
