"""Words, numbers and signs of a text."""

import pytest

from countcheck.suites.language.tokens import joined, low_at, outside, quoted_spans, tokens_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3 pigs, one wolf", ["3", "pigs", ",", "one", "wolf"]),
        ("2girls, 1boy", ["2", "girls", ",", "1", "boy"]),
        ("35mm 4k 2nd 90s", ["35mm", "4k", "2nd", "90s"]),
        ("1,000 cranes at 7:30", ["1,000", "cranes", "at", "7:30"]),
        ("two_cats_and score_9", ["two", "cats", "and", "score", "9"]),
        ("a 12-year-old's don’t", ["a", "12-year-old", "'", "s", "don't"]),
        ("3\ufe0f\u20e3 pigs", ["3", "pigs"]),
    ],
)
def test_a_text_falls_into_words_numbers_and_signs(text, words):
    assert [token.low for token in tokens_of(text)] == words


def test_tokens_know_their_places():
    text = "(three pigs)"
    assert [text[token.start : token.end] for token in tokens_of(text)] == ["(", "three", "pigs", ")"]


def test_a_hyphen_that_begins_a_line_is_a_bullet():
    assert [token.low for token in tokens_of("cats\n- two\n-3")] == ["cats", "•", "two", "•", "3"]
    assert tokens_of("a - b")[1].low == "-"


def test_nothing_stands_outside_the_text():
    tokens = tokens_of("a b")
    assert (low_at(tokens, -1), low_at(tokens, 1), low_at(tokens, 2)) == ("", "b", "")


def test_joined_tokens_have_no_space_between():
    tokens = tokens_of("x3 x 3")
    assert [joined(tokens, i) for i in range(4)] == [False, True, False, False]


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('a sign "3 pigs" and a cow', ['"3 pigs"']),
        ("the words 'ten cats' on a board", ["'ten cats'"]),
        ("the dogs' bowls and cats' toys", []),
        ('"three pigs"', []),
        ('a “one” and a "two"', ["“one”", '"two"']),
        ("no marks", []),
    ],
)
def test_quoted_spans_hold_what_is_written_somewhere(text, inside):
    assert [text[start:end] for start, end in quoted_spans(text)] == inside


def test_tokens_outside_spans():
    tokens = tokens_of("a b c d")
    assert [token.low for token in outside(tokens, [(2, 3), (6, 7)])] == ["a", "c"]
    assert outside(tokens, []) == tokens
