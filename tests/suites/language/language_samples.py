"""Sentences with what each asks to be counted, and how a reading of one is graded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from countcheck.suites.language.read_targets import Reading
from countcheck.suites.suite import Relation, Target

SIGNS = {
    Relation.EXACTLY: "{t.count} {noun}",
    Relation.NONE: "0 {noun}",
    Relation.AT_LEAST: ">={t.count} {noun}",
    Relation.AT_MOST: "<={t.count} {noun}",
    Relation.BETWEEN: "{t.count}-{t.upper} {noun}",
    Relation.MORE_THAN: "{noun}>{t.other}",
    Relation.AS_MANY_AS: "{noun}={t.other}",
}


class Grade(StrEnum):
    """What became of a sentence: a number that is reported is no silent mistake."""

    RIGHT = "right"
    REPORTED = "reported"
    LOST = "silently lost"
    WRONG = "wrong target"


@dataclass(frozen=True, slots=True)
class Answer:
    """One right reading: the targets as written in the file, and whether something must be reported."""

    targets: tuple[str, ...]
    reported: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """A prompt and its right readings.

    Attributes:
        exact_names: Whether a noun must be named word for word; else it may have more words in front of it.
    """

    text: str
    answers: tuple[Answer, ...]
    exact_names: bool


def sentences(name: str) -> list[Sentence]:
    """The sentences in a file beside this one."""
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    exact = name == "sentences.txt"
    return [_sentence(line, exact) for line in lines if line and not line.startswith("# ")]


def _sentence(line: str, exact: bool) -> Sentence:
    text, _, wanted = line.rpartition("|")
    answers = tuple(_answer(part) for part in re.split(r"\bor\b", wanted))
    return Sentence(text.strip().replace("\\n", "\n"), answers, exact)


def _answer(part: str) -> Answer:
    targets = tuple(t.strip() for t in part.strip().removesuffix("?").split(";") if t.strip())
    return Answer(targets, part.strip().endswith("?"))


def written(target: Target, *, noun: str = "") -> str:
    """A target as the files write it."""
    return SIGNS[target.relation].format(t=target, noun=noun or target.noun)


def names(target: Target, *, exact: bool) -> set[str]:
    """A target as the files may write it: by its noun, the end of its noun, its phrase."""
    words = target.noun.split(" ")
    nouns = {target.noun} if exact else {" ".join(words[k:]) for k in range(len(words))} | {target.phrase}
    found = {written(target, noun=noun) for noun in nouns}
    return found | {f"{name} ({target.phrase})" for name in found}


def grade(reading: Reading, sentence: Sentence) -> Grade:
    """How a reading stands to the right ones, the kindest of them."""
    grades = [_grade(reading, answer, sentence.exact_names) for answer in sentence.answers]
    return next(g for g in Grade if g in grades)


def _grade(reading: Reading, answer: Answer, exact: bool) -> Grade:
    missing = list(answer.targets)
    for target in reading.targets:
        match = next((wanted for wanted in missing if wanted in names(target, exact=exact)), None)
        if match is None:
            return Grade.WRONG
        missing.remove(match)
    reported = bool(reading.not_understood)
    if not missing and reported == answer.reported:
        return Grade.RIGHT
    return Grade.REPORTED if reported else Grade.LOST
