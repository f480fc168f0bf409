"""Comparisons between two nouns."""

import pytest

from countcheck.suites.language.read_targets import read_targets


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("more cats than dogs", "more cat than dog"),
        ("fewer chairs than guests", "more guest than chair"),
        ("as many cups as plates", "as many cup as plate"),
        ("the same number of forks and knives", "as many fork as knife"),
    ],
)
def test_comparisons_are_read(text, sentence):
    assert [target.sentence() for target in read_targets(text).targets] == [sentence]


@pytest.mark.parametrize(
    "text", ["twice as many cats as dogs", "three times more apples than pears", "two more cats than dogs"]
)
def test_multiples_and_differences_are_reported(text):
    reading = read_targets(text)
    assert reading.targets == ()
    assert reading.not_understood
