"""What must be absent."""

import pytest

from countcheck.suites.language.read_targets import read_targets


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("no dogs", ["dog"]),
        ("without a wolf or a cat", ["wolf", "cat"]),
        ("a street without cars, people or dogs", ["car", "person", "dog"]),
        ("free of people", ["person"]),
        ("nobody on the beach", ["person"]),
        ("not a single car", ["car"]),
        ("there must not be any dogs", ["dog"]),
        ("don't include any trees", ["tree"]),
        ("an alley, no lights", ["light"]),
    ],
)
def test_absences_are_read(text, absent):
    reading = read_targets(text)
    assert [target.noun for target in reading.targets] == absent
    assert all(str(target.relation) == "none" for target in reading.targets)


@pytest.mark.parametrize(
    "text",
    [
        "a no smoking sign",
        "no entry sign",
        "no text, no watermark",
        "without looking",
        "without a doubt",
        "no filter",
        "no way home",
    ],
)
def test_what_is_no_absence_of_things(text):
    assert read_targets(text).targets == ()


@pytest.mark.parametrize("text", ["without the two dogs", "without any of the three dogs", "no other dogs"])
def test_what_an_absence_cannot_say_is_reported(text):
    reading = read_targets(text)
    assert reading.targets == ()
    assert reading.not_understood
