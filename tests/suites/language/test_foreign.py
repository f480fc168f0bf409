"""Other languages: reported, never guessed at."""

import pytest

from countcheck.suites.language.foreign import is_foreign
from countcheck.suites.language.read_targets import read_targets
from countcheck.suites.language.tokens import tokens_of

WITH_NUMBERS = [
    "drei Schweine und ein Wolf", "3 gatos y 2 perros", "deux chats et trois chiens", "tre gatti su un divano rosso",
    "三只小猪和一只狼", "три поросёнка и один волк", "강아지 3마리", "5 قطط على طاولة", "猫2匹と犬1匹",
]  # fmt: skip


@pytest.mark.parametrize("text", WITH_NUMBERS)
def test_numbers_in_another_language_are_reported(text):
    reading = read_targets(text)
    assert reading.targets == ()
    assert reading.not_understood
    assert all(piece in text for piece in reading.not_understood)


@pytest.mark.parametrize("text", ["une femme avec un chapeau", "美丽的风景"])
def test_another_language_without_numbers_loses_none(text):
    assert read_targets(text).targets == ()


@pytest.mark.parametrize(
    "text",
    [
        "a portrait of Leonardo di Caprio del Toro with 2 cats", "two cafés and three piñatas", "three crêpes, la mode",
        "Vincent van Gogh style, two sunflowers", "el capitan at dawn, three climbers", "two drones, 4k",
    ],
)  # fmt: skip
def test_names_and_loan_words_leave_a_text_english(text):
    assert not is_foreign(tokens_of(text))
    assert read_targets(text).targets
