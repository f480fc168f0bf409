"""Reading prompts, on sentences of our own with what each asks for."""

import random
from collections import Counter

import pytest
from language_samples import Grade, grade, sentences, written

from countcheck.suites.language.read_targets import read_targets

FILES = ("sentences.txt", "reading_kinds.txt", "prompts_tuned.txt", "prompts_untouched.txt")
# Of each file: right at least, silently lost at most, a wrong target at most; shares.
BOUNDS = {
    "sentences.txt": (0.98, 0.0, 0.005),
    "reading_kinds.txt": (1.0, 0.0, 0.0),
    "prompts_tuned.txt": (0.98, 0.0, 0.005),
    "prompts_untouched.txt": (0.97, 0.0025, 0.005),
}


def counts(name: str) -> Counter[Grade]:
    return Counter(grade(read_targets(sentence.text), sentence) for sentence in sentences(name))


def test_there_are_enough_sentences_and_none_comes_twice():
    texts = [sentence.text for name in FILES for sentence in sentences(name)]
    assert len(texts) >= 1500
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("name", FILES)
def test_sentences_are_read_right_and_what_is_not_is_reported(name):
    graded = counts(name)
    total = graded.total()
    right, lost, wrong = BOUNDS[name]
    assert graded[Grade.RIGHT] >= right * total, graded
    assert graded[Grade.LOST] <= lost * total, graded
    assert graded[Grade.WRONG] <= wrong * total, graded


@pytest.mark.parametrize("name", ["sentences.txt", "reading_kinds.txt", "prompts_tuned.txt"])
def test_no_target_is_invented_where_nothing_is_asked(name):
    nothing = [sentence for sentence in sentences(name) if not any(answer.targets for answer in sentence.answers)]
    assert len(nothing) >= 10
    invented = [sentence.text for sentence in nothing if read_targets(sentence.text).targets]
    assert len(invented) <= 1, invented


def test_targets_say_their_words_and_nothing_makes_reading_fail():
    rng = random.Random(0)
    words = sorted({word for name in FILES for sentence in sentences(name) for word in sentence.text.split()})
    words += [
        *",.;:!?&()[]{}\"'“”-–—/%$#@+=*",
        "é",
        "猫",
        "🐷",
        "\x00",
        "1" * 5000,
        "0",
        "-1",
        "1,2,3",
        "half",
        "dozen",
    ]
    for _ in range(1500):
        text = " ".join(rng.choices(words, k=rng.randint(0, 12)))
        for reading in (read_targets(text), read_targets(text, article="one", approximate=True)):
            assert all(target.words and target.words in text for target in reading.targets)
            assert all(piece in text for piece in reading.not_understood)


@pytest.mark.parametrize(
    ("text", "options", "wanted"),
    [
        ("a dog and two cats", {}, ["2 cat"]),
        ("a dog and two cats", {"article": "one"}, ["1 dog", "2 cat"]),
        ("a dog and two cats", {"article": "at_least"}, [">=1 dog", "2 cat"]),
        ("a photo of an elephant on a beach", {"article": "one"}, ["1 elephant", "1 beach"]),
        ("several dogs and a few cats", {"approximate": True}, [">=3 dog", "3-5 cat"]),
        ("about twenty bees", {"approximate": True}, ["16-24 bee"]),
        ("many birds", {"approximate": True}, [">=5 bird"]),
        ("a lot of books and some pens", {"approximate": True}, [">=5 book", ">=2 pen"]),
    ],
)
def test_articles_and_vague_amounts_are_read_when_asked_for(text, options, wanted):
    assert [written(target) for target in read_targets(text, **options).targets] == wanted


def test_no_number_below_zero_is_asked_for():
    assert [t.sentence() for t in read_targets("fewer than zero dogs").targets] == ["no dog"]
