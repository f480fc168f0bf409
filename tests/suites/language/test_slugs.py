"""Prompts written as file names."""

from __future__ import annotations

import pytest

from countcheck.suites.language.read_targets import read_targets


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("three_pigs_and_one_wolf", ["exactly 3 pig", "exactly 1 wolf"]),
        ("three-pigs-and-one-wolf", ["exactly 3 pig", "exactly 1 wolf"]),
        ("a_photo_of_four_dogs", ["exactly 4 dog"]),
        ("20_red_roses", ["exactly 20 rose"]),
        ("black-and-white", []),
        ("state-of-the-art", []),
    ],
)
def test_words_joined_by_signs_are_read_as_words(text, targets):
    assert [target.sentence() for target in read_targets(text).targets] == targets
