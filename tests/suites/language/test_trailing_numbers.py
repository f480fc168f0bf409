"""Numbers behind their noun."""

import pytest

from countcheck.suites.language.read_targets import read_targets


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("cats x3 on a wall", ["exactly 3 cat"]),
        ("apple x2, pear x1", ["exactly 2 apple", "exactly 1 pear"]),
        ("apples (3), red pears (2)", ["exactly 3 apple", "exactly 2 pear"]),
        ("dogs: 2, cats: 0", ["exactly 2 dog", "no cat"]),
        ("pigs = 3; wolf = 1", ["exactly 3 pig", "exactly 1 wolf"]),
        ("number of people: 4", ["exactly 4 person"]),
    ],
)
def test_a_number_behind_its_noun_is_read(text, targets):
    reading = read_targets(text)
    assert [target.sentence() for target in reading.targets] == targets
    assert all(target.words in text for target in reading.targets)


@pytest.mark.parametrize("text", ["steps: 30", "page: 3", "a 1920x1080 wallpaper", "levels: 3"])
def test_settings_and_labels_are_none(text):
    assert read_targets(text).targets == ()
