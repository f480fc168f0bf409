"""What an assistant's words amount to, case by case; the labelled sets are read in test_classify."""

from __future__ import annotations

import pytest

from countcheck.generators.refusals.words import claims_success, read_words


@pytest.mark.parametrize(
    ("words", "limited", "broken"),
    [
        ("You've hit your daily image limit.", True, False),
        ("Se alcanzó el límite diario de imágenes.", True, False),
        ("今日图片生成次数已用完。", True, False),
        ("Something went wrong while generating your picture.", False, True),
        ("Beim Erstellen ist ein Fehler aufgetreten.", False, True),
        ("画像の生成中にエラーが発生しました。", False, True),
        ("I can only draw within the limits of our content policy.", False, False),
        ("An error occurred: the prompt violates our policy.", False, False),
        ("Sorry for the earlier error, here is the corrected picture.", False, False),
        ("Here are your three pigs.", False, False),
    ],
)
def test_limits_and_faults_are_told_from_objections(words, limited, broken):
    reading = read_words(words)
    assert (reading.limited, reading.broken) == (limited, broken)


def test_a_limit_claims_nothing():
    assert not claims_success("Here is the thing: you've reached your daily limit for images.")


@pytest.mark.parametrize(
    ("words", "declines"),
    [
        ("I can't always draw what is asked. It may be policy, or it might be too vague.", False),
        ("I can't draw this. It may be policy, or it might be too vague.", True),
        ("I won't draw this because it could be harmful and might be misread.", True),
    ],
)
def test_an_apology_that_weighs_reasons_declines_only_where_it_does_so_outright(words, declines):
    assert read_words(words).declines is declines


@pytest.mark.parametrize(
    "words",
    ["error " * 20_000, "limit reached " * 10_000, "perhaps " * 20_000, "an error occurred " * 8000, "错误" * 50_000],
)
def test_hostile_words_are_read_quickly(words):
    read_words(words)
