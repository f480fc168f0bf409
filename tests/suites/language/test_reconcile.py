"""Numbers of one noun in several places."""

import pytest

from countcheck.suites.language.read_targets import read_targets


@pytest.mark.parametrize(
    ("text", "targets", "reported"),
    [
        ("two cats. The two cats sleep.", ["exactly 2 cat"], False),
        ("two black cats and three white cats", ["exactly 2 black cat", "exactly 3 white cat"], False),
        ("two cats and three cats", [], True),
        ("two cats or three dogs", [], True),
        ("two cats. Add another cat.", [], True),
        ("two cats, a third one behind the sofa", [], True),
        ("two players fight while another watches", [], True),
        ("two dogs and another thing", ["exactly 2 dog"], False),
    ],
)
def test_numbers_agree_are_told_apart_or_are_given_up(text, targets, reported):
    reading = read_targets(text)
    assert [target.sentence() for target in reading.targets] == targets
    assert bool(reading.not_understood) is reported
