"""Which samples pair, and in which denominators."""

import pytest
from verdict_rows import rows

from countcheck.metrics.columns import columns_of
from countcheck.metrics.outcome_codes import SampleCodes
from countcheck.metrics.pairing import mcnemar, pair_sums, pair_up


def paired(a, b):
    return pair_up(columns_of(rows(a)).samples, columns_of(rows(b)).samples)


def test_samples_pair_by_prompt_and_repeat_and_only_when_both_were_scored():
    pairs = paired("eo ee uf", "ee -e uu e")
    assert (len(pairs), pairs.unpaired_a, pairs.unpaired_b) == (4, 1, 2)
    assert mcnemar(pairs, "exact_rate")[:2] == (0, 1)


def test_letters_of_a_summary_pair_like_the_rows_they_came_from():
    found = pair_up(SampleCodes.from_letters({"p0": "eo", "p1": "e-"}), columns_of(rows("oe ee")).samples)
    assert len(found) == 3
    with pytest.raises(ValueError, match="substring"):
        SampleCodes.from_letters({"p0": "eZ"})


def test_the_difference_is_over_pairs_in_both_denominators():
    sums = pair_sums(paired("er eo", "ee ee"), "exact_rate_given_picture")
    assert (sums.a.tolist(), sums.b.tolist(), sums.size.tolist()) == ([1, 1], [1, 2], [1, 2])
