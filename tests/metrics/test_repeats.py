"""What repeated pictures are said to mean."""

import random

from countcheck.metrics.repeats import distinct_pictures, repeat_warnings
from countcheck.metrics.summary import summarize
from countcheck.storage.repeats import without_placeholders
from countcheck.storage.run_info import RunInfo
from tests.storage.test_repeats import NOUNS, bits_changed, row


def said(rows):
    return list(repeat_warnings("g", without_placeholders(rows)))


def test_different_pictures_are_no_matter():
    assert said([row(k, noun, f"d{k}") for k, noun in enumerate(NOUNS)]) == []


def test_a_placeholder_is_named_with_its_picture():
    (sentence,) = said([row(k, noun, "same" if k % 3 == 0 else f"d{k}") for k, noun in enumerate(NOUNS)])
    assert "taken for a placeholder" in sentence and "4 of 10 samples" in sentence and "images/0.png" in sentence


def test_one_picture_for_everything_is_named():
    (sentence,) = said([row(k, noun, "same") for k, noun in enumerate(NOUNS)])
    assert "all 10 pictures are the same one" in sentence and "collapsed model" in sentence


def test_a_collapsed_model_is_named_although_no_picture_is_quite_the_same():
    dice = random.Random(3)
    mark = f"{dice.getrandbits(256):064x}808080"
    rows = [row(k, noun, f"d{k}", mark=bits_changed(mark, 6, dice)) for k, noun in enumerate(NOUNS)]
    (sentence,) = said(rows)
    assert "may have collapsed" in sentence or "are the same one" in sentence


def test_a_seed_without_effect_is_named_and_pictures_are_counted_once():
    rows = [row(10 * k + r, noun, f"d{k}", repeat=r) for k, noun in enumerate(NOUNS) for r in range(3)]
    (sentence,) = said(rows)
    assert "the seed has no effect: 10 of 10 prompts" in sentence
    assert distinct_pictures(rows) == 10
    summary = summarize(rows, RunInfo()).generators["g"]
    assert summary.counts["pictures"] == 30 and summary.counts["distinct"] == 10


def test_one_prompt_whose_repeats_are_alike_is_a_copy_and_no_proof_against_the_seed():
    rows = [row(10 * k + r, noun, f"d{k}-{r if k else 0}", repeat=r) for k, noun in enumerate(NOUNS) for r in range(3)]
    (sentence,) = said(rows)
    assert sentence.startswith("g: 2 pictures are copies of others")


def test_prompts_that_the_model_does_not_tell_apart_are_copies():
    rows = [row(k, "pig", "same" if k < 5 else f"d{k}", prompt_id=f"{k} pigs") for k in range(10)]
    (sentence,) = said(rows)
    assert "4 pictures are copies" in sentence and "5 samples of 5 prompts" in sentence


def test_where_files_are_not_known_nothing_is_said():
    rows = [row(k, noun, "") for k, noun in enumerate(NOUNS)]
    assert said(rows) == [] and distinct_pictures(rows) is None
    assert "distinct" not in summarize(rows, RunInfo()).generators["g"].counts
