"""Every rate is defined once; what tables and policies read of it."""

import pytest

from countcheck.errors import UnknownName
from countcheck.metrics.outcome_codes import CODES
from countcheck.metrics.rates import (
    RATES,
    Family,
    Unit,
    find_rate,
    heading_of,
    of_family,
    outcome_masks,
    rate_named,
    unit_of,
)


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
def test_every_rate_says_what_it_is_in_words(rate):
    words = (rate.title, rate.heading, rate.subject, rate.numerator, rate.denominator, rate.needs, rate.absent_when)
    assert all(word.strip() for word in words)
    assert rate.title[0].isupper() and not rate.heading.endswith(".")


@pytest.mark.parametrize("name", of_family(Family.OUTCOMES))
def test_the_numerator_of_a_share_lies_within_its_denominator(name):
    hits, base = outcome_masks(name)
    assert hits.any() and base[hits].all()
    assert set(RATES[name].hits) <= set(CODES)


def test_only_shares_of_outcomes_have_codes():
    assert all(bool(rate.base) == (rate.family is Family.OUTCOMES) for rate in RATES.values())


def test_titles_and_names_are_each_used_once():
    for field in ("title", "heading", "subject"):
        words = [getattr(rate, field) for rate in RATES.values()]
        assert sorted(words) == sorted(set(words))


def test_a_rate_within_tries_is_made_from_its_name():
    rate = rate_named("repaired_rate_3")
    assert (rate.heading, rate.higher_is_better, rate.unit) == ("repaired within 3", True, Unit.SHARE)


@pytest.mark.parametrize("name", ["repaired_rate_", "repaired_rate_two", "exactrate", ""])
def test_what_is_no_rate_is_none(name):
    assert find_rate(name) is None


def test_an_unknown_rate_is_answered_with_near_names():
    with pytest.raises(UnknownName, match=r"policy: no rate named 'exact_rat'. Did you mean 'exact_rate'"):
        rate_named("exact_rat", place="policy")


def test_a_name_that_is_used_elsewhere_leads_to_the_rate():
    with pytest.raises(UnknownName, match="Did you mean 'exact_rate'"):
        rate_named("accuracy")


def test_a_mean_has_no_outcome_codes():
    with pytest.raises(UnknownName, match="mean_abs_error"):
        outcome_masks("mean_abs_error")


def test_a_rate_of_a_newer_version_is_shown_by_its_own_name_as_a_share():
    assert heading_of("odd_new_rate") == "odd new rate"
    assert unit_of("odd_new_rate") is Unit.SHARE


def test_which_rates_split_pair_and_can_be_corrected():
    assert [name for name, rate in RATES.items() if rate.splits and not rate.pairs] == ["failure_rate", "lost_rate"]
    assert [name for name, rate in RATES.items() if rate.correctable] == [
        "exact_rate",
        "exact_rate_given_picture",
        "over_rate",
        "under_rate",
        "missing_rate",
        "mixed_rate",
        "mean_abs_error",
        "weighted_error",
    ]
    assert not any(
        RATES[name].by_counter for name in ("refusal_rate", "unclear_refusal_rate", "failure_rate", "lost_rate")
    )
