"""Whether rewritten prompts still ask for the same numbers."""

import pytest

from countcheck.suites.language.read_targets import read_targets
from countcheck.suites.language.rewritten import Numbers, numbers_after
from countcheck.suites.suite import Relation, Target

CASES = [
    ("three pigs", "Three plump pink pigs by a pond, soft morning light.", "kept"),
    ("three pigs", "A trio of pigs in a field", "kept"),
    ("three pigs", "Three fat piglets in a field", "kept"),
    ("three pigs", "Several pigs stand in a muddy farmyard.", "changed"),
    ("three pigs", "A small group of pigs in a farmyard, cinematic.", "changed"),
    ("three pigs", "Four pigs in a farmyard", "changed"),
    ("three pigs", "Three adorable pigs stand in a meadow. One pig looks up while the other two graze.", "kept"),
    ("three pigs", "三只小猪在草地上", "unclear"),
    ("a photo of 4 birds", "A photo of four birds on a wire, 85mm lens, f/1.8", "kept"),
    ("two apples and a dozen eggs", "Two glossy apples beside twelve brown eggs in a basket", "kept"),
    ("two apples and a dozen eggs", "Two glossy apples beside a basket full of eggs", "changed"),
    ("one cat", "A fluffy cat sits on a sofa", "kept"),
    ("one cat", "Two cats sit on a sofa", "changed"),
    ("two pigs and no wolf", "Two pigs rest in straw.", "kept"),
    ("two pigs and no wolf", "Two pigs rest in straw near a wolf.", "changed"),
    ("at least two dogs", "At least two dogs run on a beach", "kept"),
    ("pigs in a field", "Several pigs in a field", "kept"),
]


@pytest.mark.parametrize(("asked", "rewritten", "numbers"), CASES)
def test_what_became_of_the_numbers(asked, rewritten, numbers):
    assert str(numbers_after(read_targets(asked).targets, rewritten)) == numbers


def test_a_relation_of_two_nouns_has_no_number_to_keep():
    more = Target(noun="cat", relation=Relation.MORE_THAN, other="dog")
    assert numbers_after([more], "Cats and dogs.") is Numbers.KEPT
