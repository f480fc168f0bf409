"""Several people's numbers become one."""

import pytest

from countcheck.calibration.agreed_labels import agreed_count, agreed_counts
from countcheck.storage.rows import Label


@pytest.mark.parametrize(
    ("votes", "agreed"),
    [
        ([3], 3),
        ([0], 0),
        ([2, 2, 5], 2),
        ([2, 3, 4], 3),
        ([3, 3, 2, 2], None),
        ([2, 3], None),
        ([2, 4], None),
        ([3, 3, None], 3),
        ([3, None], None),
        ([3, 3, None, None], None),
        ([None], None),
        ([], None),
    ],
)
def test_the_median_decides_unless_it_falls_between_or_half_cannot_tell(votes, agreed):
    assert agreed_count(votes) == agreed


def test_pictures_turns_and_nouns_are_kept_apart():
    labels = [
        Label(key="a", noun="pig", count=3, labeller="ann"),
        Label(key="a", noun="pig", count=3, labeller="bob"),
        Label(key="a", noun="wolf", count=1, labeller="ann"),
        Label(key="a", noun="wolf", count=2, labeller="bob"),
        Label(key="a", turn=1, noun="pig", count=2, labeller="ann"),
    ]
    assert agreed_counts(labels) == {("a", 0): {"pig": 3}, ("a", 1): {"pig": 2}}
