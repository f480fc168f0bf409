"""Quantities: numbers with their bounds, bundles and ranges."""

import pytest

from countcheck.suites.language.quantities import quantity_at
from countcheck.suites.language.tokens import tokens_of


@pytest.mark.parametrize(
    ("text", "relation", "count", "upper", "end"),
    [
        ("three pigs", "exactly", 3, None, 1),
        ("exactly three pigs", "exactly", 3, None, 2),
        ("two (2) pigs", "exactly", 2, None, 4),
        ("3x pigs", "exactly", 3, None, 1),
        ("3 x pigs", "exactly", 3, None, 2),
        ("a single pig", "exactly", 1, None, 2),
        ("a pair of pigs", "exactly", 2, None, 3),
        ("three pairs of pigs", "exactly", 6, None, 3),
        ("both pigs", "exactly", 2, None, 1),
        ("both of the pigs", "exactly", 2, None, 3),
        ("at least 2 pigs", "at_least", 2, None, 3),
        ("more than 2 pigs", "at_least", 3, None, 3),
        ("fewer than four pigs", "at_most", 3, None, 3),
        ("never more than four pigs", "at_most", 4, None, 4),
        ("min. 3 pigs", "at_least", 3, None, 3),
        ("3+ pigs", "at_least", 3, None, 1),
        ("3 or more pigs", "at_least", 3, None, 3),
        ("3 or fewer pigs", "at_most", 3, None, 3),
        ("between 2 and 4 pigs", "between", 2, 4, 4),
        ("2-4 pigs", "between", 2, 4, 1),
        ("two or three pigs", "between", 2, 3, 3),
        ("at least 2 but at most 5 pigs", "between", 2, 5, 7),
        ("about twenty pigs", "between", 16, 24, 2),
        ("several pigs", "at_least", 3, None, 1),
    ],
)
def test_a_quantity_is_read_with_its_relation(text, relation, count, upper, end):
    quantity = quantity_at(tokens_of(text), 0)
    assert quantity is not None
    assert (str(quantity.relation), quantity.count, quantity.upper, quantity.end) == (relation, count, upper, end)


@pytest.mark.parametrize("text", ["pigs", "at last", "fewer than zero pigs", "between pigs", "a pig"])
def test_what_is_no_quantity(text):
    assert quantity_at(tokens_of(text), 0) is None


@pytest.mark.parametrize(
    ("text", "loose"), [("about twenty pigs", True), ("dozens of pigs", True), ("two pigs", False)]
)
def test_vague_amounts_are_loose(text, loose):
    quantity = quantity_at(tokens_of(text), 0)
    assert quantity is not None
    assert quantity.loose is loose


def test_about_after_a_story_is_no_estimate():
    quantity = quantity_at(tokens_of("a comic about two cats"), 2)
    assert quantity is not None
    assert (quantity.count, quantity.loose) == (2, False)
