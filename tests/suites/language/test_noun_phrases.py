"""Noun phrases: name, adjectives, contents."""

import pytest

from countcheck.suites.language.noun_phrases import elided_at, phrase_at
from countcheck.suites.language.tokens import tokens_of


@pytest.mark.parametrize(
    ("text", "plural", "noun", "phrase"),
    [
        ("red apples", True, "apple", "red apple"),
        ("stop signs at night", True, "stop sign", "stop sign"),
        ("parking meters", True, "parking meter", "parking meter"),
        ("black and white cats", True, "cat", "black and white cat"),
        ("very small dogs", True, "dog", "very small dog"),
        ("cups of coffee", True, "cup", "cup of coffee"),
        ("slices of bread", True, "slice of bread", "slice of bread"),
        ("DJs behind a desk", True, "dj", "dj"),
        ("passengers crosses the road", True, "passenger", "passenger"),
        ("sports balls", True, "sports ball", "sports ball"),
        ("red balloon in the sky", False, "balloon", "red balloon"),
        ("pocket watch", False, "pocket watch", "pocket watch"),
        ("light blue vase", False, "vase", "light blue vase"),
        ("dog chasing a cat", False, "dog", "dog"),
        ("player mid-air", False, "player", "player"),
    ],
)
def test_the_phrase_has_a_name_and_its_adjectives(text, plural, noun, phrase):
    found = phrase_at(tokens_of(text), 0, plural=plural)
    assert found is not None
    assert (found.noun, found.phrase) == (noun, phrase)


@pytest.mark.parametrize(
    ("text", "plural"), [("of the pigs", True), ("red", False), ("pig", True), ("last", False), ("", True)]
)
def test_what_is_no_phrase(text, plural):
    assert phrase_at(tokens_of(text), 0, plural=plural) is None


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("red and two blue balls", "red ball"),
        ("black and one white cat", "black cat"),
        ("green, two red and one yellow pepper", "green pepper"),
        ("small and two large boxes", "small box"),
    ],
)
def test_a_noun_left_out_after_adjectives_is_found_behind_the_next_number(text, phrase):
    elided = elided_at(tokens_of(text), 0)
    assert elided is not None
    assert elided[1].phrase == phrase


@pytest.mark.parametrize("text", ["red and two others", "balls and two cats", "red balls", "red and blue balls"])
def test_nothing_is_left_out(text):
    assert elided_at(tokens_of(text), 0) is None
