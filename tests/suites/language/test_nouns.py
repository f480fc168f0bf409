"""Singular to plural and back."""

import pytest

from countcheck.suites.language.nouns import classes_of, plural_of, singular_of
from countcheck.suites.suite import Noun

PAIRS = {
    "pig": "pigs", "wolf": "wolves", "knife": "knives", "box": "boxes", "city": "cities", "tomato": "tomatoes",
    "person": "people", "child": "children", "tooth": "teeth", "mouse": "mice", "ox": "oxen", "cactus": "cacti",
    "sheep": "sheep", "aircraft": "aircraft", "scissors": "scissors", "bus": "buses", "lychee": "lychees", "ski": "skis",
}  # fmt: skip


@pytest.mark.parametrize("singular", PAIRS)
def test_plurals_and_their_singulars(singular):
    assert plural_of(singular) == PAIRS[singular]
    assert singular_of(PAIRS[singular]) == singular


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("broccolis", "broccoli"), ("bonsais", "bonsai"), ("samurais", "samurai"), ("okras", "okra"), ("gnus", "gnu"),
        ("okapis", "okapi"), ("knifes", "knife"), ("wolfs", "wolf"), ("mans", "man"), ("sheeps", "sheep"), ("pips", "pip"),
        ("bars", "bar"), ("cactuses", "cactus"), ("octopi", "octopus"), ("teddy-bears", "teddy-bear"), ("tvs", "tv"),
    ],
)  # fmt: skip
def test_plurals_as_people_type_them(plural, singular):
    assert singular_of(plural) == singular


@pytest.mark.parametrize("word", ["pig", "glass", "bus", "virus", "tennis", "quickly", "red"])
def test_what_is_no_plural(word):
    assert singular_of(word) is None


def test_a_suite_may_give_its_own_plural_and_of_phrases_take_it_at_the_head():
    assert plural_of("crane", {"crane": Noun(name="crane", plural="cranes of paper")}) == "cranes of paper"
    assert plural_of("slice of bread") == "slices of bread"
    assert plural_of("stop sign") == "stop signs"


def test_nouns_that_the_dictionary_has_in_the_plural_only():
    assert "NOUN" in classes_of("bar")
    assert classes_of("qqqq") == frozenset()
