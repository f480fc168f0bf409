"""Parts of a group that was counted before."""

import pytest

from countcheck.suites.language.read_targets import read_targets


@pytest.mark.parametrize(
    "text",
    [
        "three kittens, one white, one black, one orange",
        "three kittens, one asleep, two playing with yarn",
        "three kittens: two white ones and one black one",
        "three kittens, two with bows and one without",
        "three kittens, one eating fish",
        "Three kittens\n- two black\n- one white",
    ],
)
def test_parts_of_a_group_ask_for_nothing_more(text):
    reading = read_targets(text)
    assert [target.sentence() for target in reading.targets] == ["exactly 3 kitten"]
    assert reading.not_understood == ()


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("three cats, two dogs", ["exactly 3 cat", "exactly 2 dog"]),
        ("three apples, one orange", ["exactly 3 apple", "exactly 1 orange"]),
        ("three cats, one dog eating fish", ["exactly 3 cat", "exactly 1 dog"]),
    ],
)
def test_other_things_are_no_parts(text, targets):
    assert [target.sentence() for target in read_targets(text).targets] == targets


def test_more_parts_than_there_are_is_reported():
    assert read_targets("three kittens, two white, two with bows").not_understood
