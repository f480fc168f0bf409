"""Whether a card's prompts are drawn as they were written."""

import pytest

from countcheck.cards import Card, generator_cards, read_card, read_generator_card
from countcheck.engine.model_remarks import remarks_on, rewriting_of_card
from countcheck.errors import BadSettings
from countcheck.generators.lifetime import today
from countcheck.generators.rewriting import Rewriting, rewriting_of, rewriting_sentence

CARDS = generator_cards()
NESTED = Card(name="m", family="fal", rewrites="unless", rewrites_unless={"extra": {"expand_prompt": False}})


@pytest.mark.parametrize("name", CARDS)
def test_every_card_says_whether_its_prompts_are_rewritten(name):
    card = read_card(CARDS[name])
    assert card.rewrites
    assert rewriting_of_card(card) is not Rewriting.ON, "what can be turned off is off in the cards that ship"


@pytest.mark.parametrize(
    ("spec", "rewriting"),
    [
        ("ideogram-4", "off"),
        ("ideogram-4?magic_prompt=ON", "on"),
        ("ideogram:v4", "off"),
        ("bfl-flux-2-pro", "off"),
        ("bfl-flux-2-pro?prompt_upsampling=true", "on"),
        ("bfl-flux-pro-1.1", "off"),
        ("fal-ideogram-3", "off"),
        ('fal-ideogram-3?extra={"expand_prompt": true}', "on"),
        ('fal-ideogram-3?extra={"expand_prompt": false}', "off"),
        ("gpt-5.6", "always"),
        ("gpt-image-2", "unknown"),
        ("tiny", "never"),
        ("diffusers:some/model", "unknown"),
    ],
)
def test_a_spec_changes_what_becomes_of_a_prompt(spec, rewriting):
    assert str(rewriting_of_card(read_generator_card(spec))) == rewriting


def test_settings_inside_settings_are_looked_at():
    assert rewriting_of(NESTED, {"extra": {"expand_prompt": False, "steps": 4}}) is Rewriting.OFF
    assert rewriting_of(NESTED, {"extra": {}}) is Rewriting.ON
    assert rewriting_of(NESTED, {}) is Rewriting.ON
    assert rewriting_sentence(NESTED, Rewriting.ON).endswith("extra.expand_prompt=false turns that off")


def test_what_rewrites_is_said_before_what_ends():
    cards = [read_generator_card(spec) for spec in ("ideogram-4?magic_prompt=ON", "gpt-5.6", "tiny")]
    first, second = remarks_on(cards, today())
    assert (
        first.startswith("ideogram-4?magic_prompt=ON rewrites prompts:") and "magic_prompt=OFF turns that off" in first
    )
    assert second.startswith("gpt-5.6 rewrites prompts, which cannot be turned off")


@pytest.mark.parametrize("text", ["rewrites: sometimes", "rewrites: {unless: {}}", "rewrites: {when: {a: 1}}"])
def test_a_card_that_says_it_otherwise_is_refused(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(f"family: fal\nsource: a/b\n{text}\n")
    with pytest.raises(BadSettings, match=r"rewrites: .*Give never, always, unknown, or unless: \{SETTING: VALUE\}"):
        read_card(path)
