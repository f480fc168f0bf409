"""Which repeated pictures are placeholders, and which are not."""

import random

import pytest

from countcheck.counting.verdict import Kind
from countcheck.storage.repeats import groups_of_one_picture, repeated_pictures, without_placeholders
from countcheck.storage.rows import ResultRow
from countcheck.suites.suite import Target

NOUNS = ("pig", "wolf", "cat", "dog", "cow", "fox", "bee", "owl", "hen", "rat")


def row(k, noun, digest, *, repeat=0, mark="", **more):
    fields = {
        "key": f"{noun}-{repeat}-{k}", "generator": "g", "prompt_id": f"a {noun}", "repeat": repeat, "seed": k,
        "text": f"a {noun}", "outcome": "picture", "picture": f"images/{k}.png", "digest": digest,
        "targets": (Target(noun=noun, count=1),), "verdict": Kind.EXACT, "leaning": Kind.EXACT, "counted": {noun: 1},
        "low": {noun: 1}, "high": {noun: 1}, "extra": {"hash": mark} if mark else {},
    }  # fmt: skip
    return ResultRow(**{**fields, **more})


def outcomes(rows):
    return [each.refusal or each.outcome for each in without_placeholders(rows)]


def test_one_picture_for_prompts_with_nothing_in_common_is_a_silent_refusal_with_its_picture():
    rows = [row(k, noun, "same" if k % 3 == 0 else f"d{k}") for k, noun in enumerate(NOUNS)]
    read = without_placeholders(rows)
    assert [each.refusal or each.outcome for each in read] == ["silent" if k % 3 == 0 else "picture" for k in range(10)]
    assert read[0].picture == "images/0.png" and read[0].verdict is Kind.REFUSED and not read[0].counted
    assert "one picture answers 4 prompts with nothing in common" in read[0].reason


def test_two_prompts_are_too_few():
    rows = [row(k, noun, "same" if k < 2 else f"d{k}") for k, noun in enumerate(NOUNS)]
    assert set(outcomes(rows)) == {"picture"}


def test_prompts_that_share_a_noun_prove_nothing():
    rows = [row(k, "pig", "same" if k < 5 else f"d{k}", prompt_id=f"{k} pigs") for k in range(10)]
    assert set(outcomes(rows)) == {"picture"}


def test_where_every_picture_is_the_same_one_nothing_tells_a_placeholder_from_a_collapsed_model():
    assert set(outcomes([row(k, noun, "same") for k, noun in enumerate(NOUNS)])) == {"picture"}


def test_repeats_of_one_prompt_are_no_placeholder():
    rows = [row(k, "pig", "same", repeat=k) for k in range(4)] + [row(k, noun, f"d{k}") for k, noun in enumerate(NOUNS)]
    assert set(outcomes(rows)) == {"picture"}


def test_turns_of_a_conversation_and_other_generators_are_left_alone():
    turns = [row(k, noun, "same", conversation=True) for k, noun in enumerate(NOUNS[:5])]
    others = [row(k, noun, "same", generator=f"g{k}") for k, noun in enumerate(NOUNS[:5])]
    more = [row(k, noun, f"d{k}") for k, noun in enumerate(NOUNS[5:])]
    assert set(outcomes([*turns, *others, *more])) == {"picture"}


def bits_changed(mark, number, dice):
    value = int(mark[:64], 16)
    for place in dice.sample(range(256), number):
        value ^= 1 << place
    return f"{value:064x}{mark[64:]}"


@pytest.mark.parametrize(("bits", "found"), [(0, True), (4, True), (8, True), (9, False), (30, False)])
def test_a_placeholder_that_is_encoded_anew_each_time_is_found_and_one_that_looks_similar_is_not(bits, found):
    dice = random.Random(bits)
    marks = [f"{dice.getrandbits(256):064x}808080" for _ in NOUNS]
    card = marks[0]
    rows = [
        row(k, noun, f"d{k}", mark=card if k == 0 else bits_changed(card, bits, dice) if k in (3, 6, 9) else marks[k])
        for k, noun in enumerate(NOUNS)
    ]
    assert outcomes(rows).count("silent") == (4 if found else 0)


def test_another_colour_is_another_picture():
    mark = f"{random.Random(1).getrandbits(256):064x}"
    rows = [row(k, noun, f"d{k}", mark=mark + ("808080", "608080", "80a080")[k % 3]) for k, noun in enumerate(NOUNS)]
    assert len(groups_of_one_picture(rows)) == 3


def test_most_pictures_alike_in_different_bytes_are_a_collapsed_model_and_stay_counted():
    mark = f"{random.Random(1).getrandbits(256):064x}808080"
    rows = [row(k, noun, f"d{k}", mark=mark if k < 6 else "") for k, noun in enumerate(NOUNS)]
    assert set(outcomes(rows)) == {"picture"}
    (repeated,) = repeated_pictures(rows)
    assert len(repeated.rows) == 6 and not repeated.exact and repeated.prompts == 6


def test_rows_without_digests_or_with_a_broken_hash_are_left_alone():
    rows = [row(k, noun, "", mark="zz") for k, noun in enumerate(NOUNS)]
    assert set(outcomes(rows)) == {"picture"} and groups_of_one_picture(rows) == []
    rows = [row(k, noun, f"d{k}", extra={"hash": 5}) for k, noun in enumerate(NOUNS)]
    assert len(groups_of_one_picture(rows)) == 10
