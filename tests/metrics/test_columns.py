"""Rows as columns: codes, numbers and tags."""

import pytest
from verdict_rows import row, rows

from countcheck.metrics.columns import columns_of, tags_of
from countcheck.suites.suite import Relation, Target


def codes(given):
    return columns_of(given).samples.to_letters()


def test_every_outcome_has_its_code():
    given = [row(letter, f"p{i}") for i, letter in enumerate("eoumx?rcndsf-")]
    assert "".join(codes(given).values()) == "eoumx?rrRRRf-"


@pytest.mark.parametrize(("letter", "code"), [("e", "."), ("r", ","), ("n", ";"), ("f", "f"), ("-", "-")])
def test_a_prompt_with_nothing_to_count_has_codes_of_its_own(letter, code):
    verdict = {"verdict": None} if letter == "e" else {}
    assert codes([row("e", "other"), row(letter, "q", asked={}, **verdict)])["q"] == code


def test_rows_that_were_judged_but_carry_no_targets_all_count():
    bare = [row(letter, f"p{i}", asked={}, targets=()) for i, letter in enumerate("er")]
    assert "".join(codes(bare).values()) == "er"


def test_only_plain_numbers_of_counted_pictures_enter_the_numbers():
    targets = (Target(noun="pig", count=3), Target(noun="wolf", relation=Relation.AT_LEAST, count=1))
    given = [
        row("o", targets=targets, counted={"pig": 5, "wolf": 1}),
        row("e", "q", counted={}),
        row("r", "s"),
    ]
    numbers = columns_of(given).numbers
    assert (numbers.row.tolist(), numbers.asked.tolist(), numbers.counted.tolist()) == ([0], [3], [5])


def test_a_tag_finds_its_rows_and_matching_needs_all_tags():
    given = [row("e", f"p{i}", asked=i, tags={"style": "noir" if i % 2 else "plain"}) for i in range(1, 5)]
    columns = columns_of(given)
    assert columns.tags["style"].rows_with("noir").tolist() == [0, 2]
    assert columns.tags["style"].rows_with("sepia").tolist() == []
    assert columns.matching({"style": "noir", "number": "3"}).tolist() == [False, False, True, False]
    assert columns.matching({"no such tag": "1"}).tolist() == [False] * 4
    assert columns.matching({}).all()


def test_tags_are_derived_from_targets_and_the_suites_own_win():
    given = row("e", asked=3, targets=(Target(noun="pig", count=3, words="three pigs"),), tags={"kinds": "few"})
    assert tags_of(given) == {"kinds": ("few",), "noun": ("pig",), "number": ("3",), "number_form": ("word",)}
    assert tags_of(row("e", asked={})) == {}


def test_turns_of_one_conversation_have_tags_of_their_own():
    given = [row("e", asked=n, conversation=True, script=n, turn=n) for n in (1, 2)]
    assert columns_of(given).tags["number"].values == ("1", "2")


def test_no_rows():
    columns = columns_of([])
    assert (len(columns), columns.tags, columns.numbers.row.tolist()) == (0, {}, [])
    assert columns_of(rows("e")).samples.prompts == ("p0",)
