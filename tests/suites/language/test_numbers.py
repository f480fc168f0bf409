"""Numbers as words, and numbers in running text."""

import pytest

from countcheck.suites.language.numbers import MOST, WORDS, cardinal, spell
from countcheck.suites.language.tokens import tokens_of


@pytest.mark.parametrize(
    ("text", "number", "end"),
    [
        ("three pigs", 3, 1),
        ("12 pigs", 12, 1),
        ("1,500 pigs", 1500, 1),
        ("twenty-one pigs", 21, 1),
        ("twenty one pigs", 21, 2),
        ("a hundred and five pigs", 105, 4),
        ("two hundred pigs", 200, 2),
        ("two thousand five hundred and two pigs", 2502, 6),
        ("3 million pigs", 3_000_000, 2),
        ("a dozen pigs", 12, 2),
        ("half a dozen pigs", 6, 3),
        ("a half dozen pigs", 6, 3),
        ("two dozens of pigs", 24, 2),
        ("a couple dozen pigs", 24, 3),
        ("a baker's dozen pigs", 13, 3),
        ("two hundred and two hundred pigs", 200, 2),
    ],
)
def test_a_number_is_read_with_its_end(text, number, end):
    assert cardinal(tokens_of(text), 0) == (number, end)


@pytest.mark.parametrize("text", ["pigs", "a pig", "2nd", "3D", "half a pig", "12345678", ""])
def test_what_is_no_number(text):
    assert cardinal(tokens_of(text), 0) is None


def test_numbers_are_spelled_as_they_are_read():
    for number in (*range(100), 100, 105, 999):
        words = tokens_of(spell(number))
        assert cardinal(words, 0) == (number, len(words))
    assert WORDS["twenty-one"] == 21


@pytest.mark.parametrize("number", [-1, MOST + 1])
def test_only_numbers_to_999_are_spelled(number):
    with pytest.raises(ValueError, match="cannot be spelled"):
        spell(number)
