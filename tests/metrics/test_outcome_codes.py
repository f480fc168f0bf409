"""How samples ended, in one letter each."""

import numpy as np
import pytest

from countcheck.metrics.outcome_codes import ANY, ASKED, CODES, COUNTED, DRAWN, JUDGED, KINDS, SampleCodes, code_mask


def test_the_sets_of_codes_contain_each_other():
    assert set(JUDGED) < set(DRAWN) < set(COUNTED) < set(ASKED) < set(ANY) == set(CODES)


def test_the_first_codes_are_the_verdicts():
    assert [kind.value for kind in KINDS] == [
        "exact", "over", "under", "missing", "mixed", "refused", "uncertain", "failed"
    ]  # fmt: skip
    assert CODES[: len(KINDS)] == "eoumxr?f"


def test_a_mask_is_true_for_its_codes_alone():
    assert [CODES[i] for i in np.flatnonzero(code_mask("-;e"))] == ["e", "-", ";"]


def test_letters_survive_and_a_repeat_that_is_absent_becomes_a_dash():
    letters = {"a": "eo-", "b": "R"}
    assert SampleCodes.from_letters(letters).to_letters() == letters
    gap = SampleCodes(
        prompts=("a",), prompt=np.array([0, 0]), repeat=np.array([0, 2]), code=np.array([0, CODES.index("u")])
    )
    assert gap.to_letters() == {"a": "e-u"}


def test_scored_samples_are_pictures_and_refusals():
    assert SampleCodes.from_letters({"a": CODES}).scored.tolist() == [code not in "f-" for code in CODES]


def test_no_samples_at_all():
    none = SampleCodes.from_letters({})
    assert (len(none), none.to_letters(), none.scored.tolist()) == (0, {}, [])


def test_a_letter_that_means_nothing_is_refused():
    with pytest.raises(ValueError, match="substring"):
        SampleCodes.from_letters({"a": "eZ"})
