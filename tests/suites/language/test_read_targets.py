"""Reading prompts, on sentences of our own with what each asks for."""

import random
import re
from pathlib import Path

import pytest

from countcheck.suites.language.read_targets import Reading, read_targets
from countcheck.suites.suite import Relation, Target

SIGNS = {
    Relation.EXACTLY: "{t.count} {t.noun}",
    Relation.NONE: "0 {t.noun}",
    Relation.AT_LEAST: ">={t.count} {t.noun}",
    Relation.AT_MOST: "<={t.count} {t.noun}",
    Relation.BETWEEN: "{t.count}-{t.upper} {t.noun}",
    Relation.MORE_THAN: "{t.noun}>{t.other}",
    Relation.AS_MANY_AS: "{t.noun}={t.other}",
}


def written(target: Target) -> str:
    return SIGNS[target.relation].format(t=target)


def sentences() -> list[tuple[str, list[str], bool]]:
    found = []
    for line in Path(__file__).with_name("sentences.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            text, _, wanted = line.rpartition("|")
            reported = wanted.rstrip().endswith("?")
            targets = [part.strip() for part in wanted.rstrip(" ?").split(";") if part.strip()]
            found.append((text.strip(), targets, reported))
    return found


def right(reading: Reading, wanted: list[str], reported: bool) -> bool:
    """Whether targets, phrases where the sentence states one, and the report all agree."""
    if len(reading.targets) != len(wanted) or bool(reading.not_understood) != reported:
        return False
    for target, said in zip(reading.targets, wanted, strict=True):
        stated = re.fullmatch(r"(.+?)(?: \((.+)\))?", said)
        if written(target) != stated[1] or stated[2] not in (None, target.phrase):
            return False
    return True


def test_there_are_enough_sentences_and_none_comes_twice():
    texts = [text for text, *_ in sentences()]
    assert len(texts) >= 400
    assert len(set(texts)) == len(texts)


def test_at_least_98_in_100_sentences_are_read_exactly_right():
    wrong = [
        (text, wanted, [written(t) for t in reading.targets], reading.not_understood)
        for text, wanted, reported in sentences()
        if not right(reading := read_targets(text), wanted, reported)
    ]
    assert len(wrong) <= 0.02 * len(sentences()), "\n".join(map(str, wrong))


def test_no_target_is_invented_where_nothing_is_asked():
    invented = [
        (text, [written(t) for t in read_targets(text).targets])
        for text, wanted, _ in sentences()
        if not wanted and read_targets(text).targets
    ]
    assert invented == []


def test_targets_say_their_words_and_nothing_makes_reading_fail():
    rng = random.Random(0)
    words = sorted({word for text, *_ in sentences() for word in text.split()})
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
