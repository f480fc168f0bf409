"""Names with numbers in them, in the order of the numbers."""

from __future__ import annotations

import random

import pytest

from countcheck.suites.natural_order import natural_key


@pytest.mark.parametrize(
    "ordered",
    [
        ["1", "2", "10", "film noir", "plain"],
        ["00000_0", "00000_1", "00000_10", "00001_0"],
        ["7", "07", "8"],
        ["", "0", "noir", "noir 2", "noir 10"],
        ["9" * 5_000, "a" + "9" * 5_000],
        ["²", "³"],
    ],
)
def test_numbers_are_compared_as_numbers(ordered):
    shuffled = ordered[:]
    random.Random(1).shuffle(shuffled)
    result = sorted(shuffled, key=natural_key)
    assert result == ordered if ordered[0] != "7" else {*result[:2]} == {"7", "07"}
