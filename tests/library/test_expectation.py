"""Assertions on one image."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

import countcheck as cc
from countcheck.errors import BadInput, BadSettings


def test_the_right_numbers_pass(drawn):
    assert cc.expect_count(drawn(pig=3, wolf=1), pig=3, wolf=1).exact


def test_a_wrong_number_says_so_and_leaves_an_annotated_picture(drawn, tmp_path):
    with pytest.raises(AssertionError, match="asked for exactly 3 pig, counted 4 pig") as caught:
        cc.expect_count(drawn(pig=4), pig=3, report=tmp_path)
    picture = Path(re.search(r"annotated picture: (.+)\)", str(caught.value))[1])
    assert picture.parent == tmp_path
    with Image.open(picture) as opened:
        assert opened.size == (256, 256)


def test_nouns_of_two_words_go_into_a_mapping(drawn):
    assert cc.expect_count(drawn(pig=2), {"pig": "at least 2"}).exact
    assert cc.expect_count(drawn(pig=2), "two pigs").exact


def test_a_count_within_the_margin_is_a_failure_of_its_own_kind(drawn):
    unsure = "tiny?margin=0.3&threshold=0.69"
    image = drawn(pig=3)
    with pytest.raises(cc.UncertainCount, match="within its margin"):
        cc.expect_count(image, pig=3, counter=unsure)
    assert str(cc.expect_count(image, pig=3, counter=unsure, uncertain="pass").verdict) == "uncertain"
    with pytest.raises(pytest.skip.Exception):
        cc.expect_count(image, pig=3, counter=unsure, uncertain="skip")


@pytest.mark.parametrize(
    ("image", "wanted", "error", "words"),
    [
        (b"no picture", {"pig": 1}, BadInput, "the image|image 1"),
        (None, {"zeppelin": 1}, BadInput, "does not know 'zeppelin'"),
        (None, {}, BadInput, "nothing is expected"),
    ],
)
def test_what_cannot_be_judged_is_no_assertion(drawn, image, wanted, error, words):
    with pytest.raises(error, match=words):
        cc.expect_count(image or drawn(pig=1), wanted)


def test_another_word_for_uncertain_is_refused(drawn):
    with pytest.raises(BadSettings, match="'maybe'"):
        cc.expect_count(drawn(pig=1), pig=1, uncertain="maybe")
