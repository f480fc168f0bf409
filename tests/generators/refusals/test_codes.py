"""Codes that no table knows are read by the words they are made of."""

from __future__ import annotations

import pytest

from countcheck.generators.refusals.codes import ANYBODY, Sense, code_table, compact, meaning_by_words


@pytest.mark.parametrize(
    ("code", "sense"),
    [
        ("moderation_blocked_v3", Sense.REFUSED),
        ("PUBLIC_ERROR_UNSAFE_GENERATION", Sense.REFUSED),
        ("promptFiltered", Sense.REFUSED),
        ("NSFWContentDetected", Sense.REFUSED),
        ("rate_limit_error", Sense.TRANSIENT),
        ("TooManyRequests", Sense.TRANSIENT),
        ("safety_checker_error", Sense.TRANSIENT),
        ("invalid_safety_level", Sense.BAD_REQUEST),
        ("moderation_level", Sense.BAD_REQUEST),
        ("credits_exhausted", Sense.CLOSED),
        ("AccountOverdueBalance", Sense.CLOSED),
    ],
)
def test_words_of_a_code_tell_its_sense(code, sense):
    meaning = meaning_by_words(code)
    assert meaning is not None
    assert (meaning.sense, meaning.guessed) == (sense, True)


@pytest.mark.parametrize("code", ["X-77", "1301", "E005b", "weird", "InternalThing"])
def test_a_code_that_says_nothing_is_not_guessed_at(code):
    assert meaning_by_words(code) is None


def test_tables_spell_their_codes_compactly():
    assert all(code == compact(code) for code in ANYBODY)
    assert set(code_table(Sense.REFUSED, "IMAGE* contentFilter")) == {"image*", "contentfilter"}
