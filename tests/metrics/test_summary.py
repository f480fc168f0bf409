"""Every rate against counting by hand."""

import json

import jsonschema
import pytest
from statsmodels.stats.proportion import proportion_confint
from verdict_rows import row, rows, run_info

from countcheck.errors import BadInput
from countcheck.metrics.summary import Summary, summarize
from countcheck.schemas import schema
from countcheck.suites.suite import Relation, Target


def one(found):
    return found.generators["g"]


def summed(spec, **fields):
    return one(summarize(rows(spec, **fields), run_info()))


@pytest.mark.parametrize(
    ("rate", "hits", "n"),
    [
        ("exact_rate", 4, 13),
        ("exact_rate_given_picture", 4, 10),
        ("over_rate", 1, 13),
        ("under_rate", 2, 13),
        ("missing_rate", 1, 13),
        ("mixed_rate", 1, 13),
        ("uncertain_rate", 1, 13),
        ("exact_rate_judged", 4, 9),
        ("judged_rate", 9, 10),
        ("refusal_rate", 3, 13),
        ("unclear_refusal_rate", 2, 13),
        ("failure_rate", 1, 15),
        ("lost_rate", 2, 15),
    ],
)
def test_every_share_has_its_own_denominator(rate, hits, n):
    found = summed("e e e e o u u m x ? r n s f -").rates[rate]
    assert (found.value, found.n) == (pytest.approx(hits / n), n)
    assert (found.low, found.high) == pytest.approx(proportion_confint(hits, n, method="wilson"))


def test_counts_tell_what_became_of_every_sample():
    assert summed("e o ? r n f -").counts == {
        "planned": 7,
        "asked": 5,
        "pictures": 3,
        "refusals": 2,
        "failures": 1,
        "uncertain": 1,
        "missing": 1,
    }


def test_a_stated_refusal_is_unclear_only_when_a_sibling_was_drawn():
    assert summed("r r").rates["unclear_refusal_rate"].value == 0
    assert summed("re r").rates["unclear_refusal_rate"].value == pytest.approx(1 / 3)
    siblings = [row("r", "a", group="pigs"), row("e", "b", group="pigs"), row("r", "c")]
    assert one(summarize(siblings, run_info())).rates["unclear_refusal_rate"].value == pytest.approx(1 / 3)


def test_a_prompt_that_is_not_benign_may_be_refused():
    assert summed("nn", benign=False).rates["unclear_refusal_rate"].value == 0


def test_errors_are_over_nouns_with_a_plain_number():
    targets = (Target(noun="pig", count=3), Target(noun="wolf", relation=Relation.AT_LEAST, count=1))
    given = row("x", targets=targets, asked={"pig": 3, "wolf": 1}, counted={"pig": 5, "wolf": 0})
    none = row("o", "q", targets=(Target(noun="dog", relation=Relation.NONE),), asked={"dog": 0}, counted={"dog": 1})
    found = one(summarize([given, none], run_info()))
    assert found.rates["mean_abs_error"].value == 1.5
    assert found.rates["weighted_error"].value == pytest.approx(2 / 3)
    assert found.matrix == {"0": {"1": 1}, "3": {"5": 1}}


def test_splits_know_number_noun_kinds_and_the_suites_own_tags():
    given = [
        row("e", "a", asked=1, tags={"style": "noir"}),
        row("o", "b", asked=2, tags={"style": "noir"}),
        row("e", "c", asked=2, noun="wolf", tags={"style": "plain"}),
        row("e", "d", targets=(Target(noun="pig", count=3), Target(noun="wolf", count=1)), asked={"pig": 3, "wolf": 1}),
    ]
    by = one(summarize(given, run_info())).by
    assert {v: r["exact_rate"].value for v, r in by["number"].items()} == {"1": 1, "2": 0.5}
    assert {v: r["exact_rate"].n for v, r in by["noun"].items()} == {"pig": 3, "wolf": 2}
    assert {v: r["exact_rate"].n for v, r in by["kinds"].items()} == {"1": 3, "2": 1}
    assert {v: r["exact_rate"].value for v, r in by["style"].items()} == {"noir": 0.5, "plain": 1}


def test_knower_level_is_the_highest_number_up_to_which_two_in_three_are_exact():
    given = [
        row(letter, f"{n}-{i}", asked=n)
        for n, word in [(1, "e" * 20), (2, "e" * 20), (3, "e" * 14 + "u" * 6), (4, "u" * 20), (5, "e" * 20)]
        for i, letter in enumerate(word)
    ]
    found = one(summarize(given, run_info())).rates["knower_level"]
    assert (found.low, found.value, found.high) == (2, 3, 3)


def test_seconds_and_dollars_per_exact_picture_leave_failures_out():
    given = [row("e", "a", seconds=4.0, cost=0.1), row("u", "b", seconds=6.0, cost=0.1), row("f", "c", seconds=99.0)]
    found = one(summarize(given, run_info())).rates
    assert found["seconds_per_exact"].value == 10.0
    assert found["cost_per_exact"].value == pytest.approx(0.2)
    given.append(row("e", "d", cost=None))
    assert "cost_per_exact" not in one(summarize(given, run_info())).rates


def test_a_style_in_which_the_counter_fails_its_controls_is_withheld_with_the_reason():
    controls = {"by_style": {"noir": {"passed": False, "right": 3, "total": 12}}}
    found = one(summarize(rows("ee er", tags={"style": "noir"}), run_info(controls=controls)))
    assert found.by["style"]["noir"]["exact_rate"].value is None
    assert found.by["style"]["noir"]["refusal_rate"].value == 0.25
    assert "3 of 12" in found.withheld["style"]["noir"]


def test_a_picture_of_nothing_countable_is_not_held_against_anybody():
    found = one(summarize([row("e"), row("r", "q", targets=(), asked={})], run_info()))
    assert (found.rates["exact_rate"].n, found.rates["refusal_rate"].n) == (1, 2)


def test_all_failures_give_counts_and_no_rate_of_anything_asked():
    found = summed("ff ff")
    assert found.rates["failure_rate"].value == 1
    assert "exact_rate" not in found.rates


def test_every_sample_is_kept_as_a_letter():
    given = [*rows("eo r n-"), row("n", "q", targets=(), asked={})]
    assert one(summarize(given, run_info())).samples == {"p0": "eo", "p1": "r", "p2": "R-", "q": ";"}


def test_json_is_as_published_and_comes_back_the_same():
    found = summarize(rows("eeo? rrf- een"), run_info())
    body = json.loads(json.dumps(found.to_json()))
    jsonschema.validate(body, schema("summary"))
    assert Summary.from_json(body) == found


@pytest.mark.parametrize("body", [{}, [], None, {"schema": "other"}, {"schema": "countcheck/summary/1"}])
def test_another_file_is_not_taken_for_a_summary(body):
    with pytest.raises(BadInput, match="baseline"):
        Summary.from_json(body, place="baseline.json")


def test_a_level_outside_0_to_1_is_refused():
    with pytest.raises(BadInput, match="level is 95"):
        summarize([], run_info(), level=95)


def test_a_suite_that_asks_for_no_number_has_refusal_rates_and_no_rate_of_exact_pictures():
    plain = [
        row(letter, f"p{i}", asked={}, verdict=None if letter == "e" else "refused") for i, letter in enumerate("een")
    ]
    found = one(summarize(plain, run_info())).rates
    assert (found["refusal_rate"].value, found["refusal_rate"].n) == (pytest.approx(1 / 3), 3)
    assert "exact_rate" not in found


def test_nouns_in_the_right_number_are_pooled_over_pictures_and_refusals():
    pigs_and_wolf = (Target(noun="pig", count=3), Target(noun="wolf", relation=Relation.AT_LEAST, count=1))
    asked = {"pig": 3, "wolf": 1}
    given = [
        row("e", "a", targets=pigs_and_wolf, asked=asked, counted={"pig": 3, "wolf": 2}),
        row("u", "b", targets=pigs_and_wolf, asked=asked, counted={"pig": 2, "wolf": 1}),
        row("n", "c", targets=pigs_and_wolf, asked=asked),
        row("?", "d", targets=pigs_and_wolf, asked=asked, counted={"pig": 3, "wolf": 1}, low={"pig": 3, "wolf": 0},
            high={"pig": 3, "wolf": 1}),
        row("f", "e", targets=pigs_and_wolf, asked=asked),
        row("e", "other", targets=(), asked={}),
    ]  # fmt: skip
    found = one(summarize(given, run_info())).rates["entity_exact_rate"]
    # Right: both nouns of a, the wolf of b, the pigs of d; asked: two nouns in each of a, b, c and d.
    assert (found.value, found.n, found.clusters) == (0.5, 8, 4)


def test_a_median_of_a_half_is_right_for_no_number():
    given = [row("?", f"p{i}", asked=n, counted=2.5, low={"pig": 2}, high={"pig": 3}) for i, n in enumerate((2, 3))]
    found = one(summarize(given, run_info())).rates
    assert found["entity_exact_rate"].value == 0
    assert found["mean_abs_error"].value == 0.5
    assert found["exact_rate"].value == 0


def test_a_bare_export_asks_for_the_nouns_it_lists():
    given = [row("e", targets=(), counted={"pig": 3}), row("u", "q", targets=(), counted={"pig": 2})]
    assert one(summarize(given, run_info())).rates["entity_exact_rate"].value == 0.5
