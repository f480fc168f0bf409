"""GenEval's rule, against cases worked out by hand from the published rule."""

from dataclasses import replace

import numpy as np
import pytest

from countcheck.counting.geneval_rule import judge_geneval, metadata_of, relations, verdict_of
from countcheck.counting.verdict import Kind
from countcheck.detectors.base import Detections
from countcheck.suites.suite import Relation, Target


def seen(**scores: list[float]) -> Detections:
    """Boxes of these scores by class, each class in a row of its own."""
    rows = [(noun.replace("_", " "), n, s) for noun, many in scores.items() for n, s in enumerate(many)]
    return Detections(
        boxes=np.array([[10 * n, 0, 10 * n + 8, 8] for _, n, _ in rows], np.float32).reshape(-1, 4),
        scores=np.array([s for *_, s in rows], np.float32),
        nouns=tuple(noun for noun, *_ in rows),
        size=(200, 200),
    )


def asks(tag: str, include=(), exclude=()):
    def clauses(pairs):
        return [{"class": noun, "count": count} for noun, count in pairs]

    return {"tag": tag, "include": clauses(include), "exclude": clauses(exclude), "prompt": "p"}


ONE = asks("single_object", [("bench", 1)])
TWO = asks("two_object", [("cat", 1), ("dog", 1)])
THREE = asks("counting", [("clock", 3)], [("clock", 4)])
LOOSE = asks("other", [("clock", 2)], [("clock", 4)])
NONE = asks("other", [("dog", 1)], [("cat", 1)])

CASES = [
    # one object, threshold 0.3, strictly above
    (ONE, seen(bench=[0.9]), True, ""),
    (ONE, seen(bench=[0.31]), True, ""),
    (ONE, seen(bench=[0.300001]), True, ""),
    (ONE, seen(bench=[0.3]), False, "expected bench>=1, found 0"),
    (ONE, seen(bench=[0.25]), False, "expected bench>=1, found 0"),
    (ONE, seen(bench=[0.29999]), False, "expected bench>=1, found 0"),
    (ONE, seen(), False, "expected bench>=1, found 0"),
    (ONE, seen(chair=[0.99]), False, "expected bench>=1, found 0"),
    (ONE, seen(bench=[0.9, 0.8, 0.7]), True, ""),
    (ONE, seen(bench=[0.9], chair=[0.9]), True, ""),
    (ONE, seen(bench=[0.1, 0.2, 0.35]), True, ""),
    (ONE, seen(bench=[0.9] * 40), True, ""),
    # two objects
    (TWO, seen(cat=[0.5], dog=[0.5]), True, ""),
    (TWO, seen(cat=[0.5]), False, "expected dog>=1, found 0"),
    (TWO, seen(dog=[0.5]), False, "expected cat>=1, found 0"),
    (TWO, seen(), False, "expected cat>=1, found 0\nexpected dog>=1, found 0"),
    (TWO, seen(cat=[0.5] * 5, dog=[0.31]), True, ""),
    (TWO, seen(cat=[0.2], dog=[0.9]), False, "expected cat>=1, found 0"),
    (TWO, seen(cat=[0.9], dog=[0.2]), False, "expected dog>=1, found 0"),
    (TWO, seen(cat=[0.1], dog=[0.1]), False, "expected cat>=1, found 0\nexpected dog>=1, found 0"),
    # counting: threshold 0.9, n included and n + 1 excluded
    (THREE, seen(clock=[0.95] * 3), True, ""),
    (THREE, seen(clock=[0.9] * 3), False, "expected clock>=3, found 0"),
    (THREE, seen(clock=[0.95] * 2), False, "expected clock>=3, found 2"),
    (THREE, seen(clock=[0.95]), False, "expected clock>=3, found 1"),
    (THREE, seen(clock=[0.95] * 4), False, "expected clock<4, found 4"),
    (THREE, seen(clock=[0.95] * 7), False, "expected clock<4, found 7"),
    (THREE, seen(), False, "expected clock>=3, found 0"),
    (THREE, seen(clock=[0.95, 0.95, 0.95, 0.89]), True, ""),
    (THREE, seen(clock=[0.95, 0.95, 0.89]), False, "expected clock>=3, found 2"),
    (THREE, seen(clock=[0.89] * 3), False, "expected clock>=3, found 0"),
    (THREE, seen(clock=[0.91, 0.92, 0.93]), True, ""),
    (THREE, seen(clock=[0.91, 0.92, 0.93, 0.94]), False, "expected clock<4, found 4"),
    (THREE, seen(clock=[0.95] * 3, watch=[0.99] * 9), True, ""),
    (THREE, seen(clock=[0.95] * 30), False, "expected clock<4, found 16"),
    (THREE, seen(clock=[0.5] * 20 + [0.95] * 3), True, ""),
    # exclusion of another number, at 0.3
    (LOOSE, seen(clock=[0.4] * 2), True, ""),
    (LOOSE, seen(clock=[0.4] * 3), True, ""),
    (LOOSE, seen(clock=[0.4] * 4), False, "expected clock<4, found 4"),
    (LOOSE, seen(clock=[0.4]), False, "expected clock>=2, found 1"),
    (NONE, seen(dog=[0.5]), True, ""),
    (NONE, seen(dog=[0.5], cat=[0.2]), True, ""),
    (NONE, seen(dog=[0.5], cat=[0.5]), False, "expected cat<1, found 1"),
    (NONE, seen(cat=[0.5, 0.5]), False, "expected dog>=1, found 0\nexpected cat<1, found 2"),
    # at most sixteen a class
    (asks("counting", [("egg", 16)], [("egg", 17)]), seen(egg=[0.95] * 16), True, ""),
    (asks("counting", [("egg", 16)], [("egg", 17)]), seen(egg=[0.95] * 25), True, ""),
    (asks("counting", [("egg", 17)]), seen(egg=[0.95] * 25), False, "expected egg>=17, found 16"),
    # a clause twice changes nothing
    (asks("x", [("dog", 1), ("dog", 1)]), seen(dog=[0.5]), True, ""),
    (asks("x", [("dog", 1), ("dog", 2)]), seen(dog=[0.5]), False, "expected dog>=2, found 1"),
    # nothing asked
    (asks("x"), seen(dog=[0.5]), True, ""),
]


@pytest.mark.parametrize(("metadata", "found", "correct", "reason"), CASES)
def test_counts(metadata, found, correct, reason):
    verdict = judge_geneval(found, metadata)
    assert (verdict.correct, verdict.reason) == (correct, reason)


def placed(a: tuple[float, ...], b: tuple[float, ...], *, a_score=0.9, b_score=0.9) -> Detections:
    return Detections(
        boxes=np.array([b, a], np.float32),
        scores=np.array([b_score, a_score], np.float32),
        nouns=("cow", "mouse"),
        size=(400, 400),
    )


def position(relation: str):
    include = [{"class": "cow", "count": 1}, {"class": "mouse", "count": 1, "position": [relation, 0]}]
    return {"tag": "position", "include": include, "prompt": "p"}


MIDDLE = (100, 100, 120, 120)
PLACES = [
    ("left of", (20, 100, 40, 120), True, ""),
    ("right of", (20, 100, 40, 120), False, "expected mouse right of target, found left of target"),
    ("right of", (200, 100, 220, 120), True, ""),
    ("above", (100, 20, 120, 40), True, ""),
    ("below", (100, 20, 120, 40), False, "expected mouse below target, found above target"),
    ("below", (100, 300, 120, 320), True, ""),
    ("left of", (20, 20, 40, 40), True, ""),  # the diagonal is both
    ("above", (20, 20, 40, 40), True, ""),
    ("right of", (20, 20, 40, 40), False, "expected mouse right of target, found left of and above target"),
    ("left of", (100, 100, 120, 120), False, "expected mouse left of target, found  target"),
    ("left of", (96, 100, 116, 120), False, "expected mouse left of target, found  target"),  # 4 = a tenth of 20 + 20
    ("left of", (90, 100, 110, 120), True, ""),  # 6 of 10 beyond the tenth: 0.6
    ("left of", (92, 100, 112, 120), False, "expected mouse left of target, found  target"),  # 4 of 8: 0.5, not above
    ("above", (130, 40, 150, 60), True, ""),  # 56 of 67 up, 26 of 67 right
    ("right of", (130, 40, 150, 60), False, "expected mouse right of target, found above target"),
]


@pytest.mark.parametrize(("relation", "box", "correct", "reason"), PLACES)
def test_positions(relation, box, correct, reason):
    verdict = judge_geneval(placed(box, MIDDLE), position(relation))
    assert (verdict.correct, verdict.reason) == (correct, reason)


def test_a_missing_target_has_no_place():
    verdict = judge_geneval(placed((20, 100, 40, 120), MIDDLE, b_score=0.1), position("left of"))
    assert verdict.reason == "expected cow>=1, found 0\nno target for mouse to be left of"


def test_only_the_best_box_is_placed():
    found = Detections(
        boxes=np.array([MIDDLE, (200, 100, 220, 120), (20, 100, 40, 120)], np.float32),
        scores=np.array([0.9, 0.5, 0.8], np.float32),
        nouns=("cow", "mouse", "mouse"),
        size=(400, 400),
    )
    assert judge_geneval(found, position("left of")).correct


def test_relations_are_opposite_when_swapped():
    assert relations((0, 0, 10, 10), (50, 0, 60, 10)) == ("left of",)
    assert relations((50, 0, 60, 10), (0, 0, 10, 10)) == ("right of",)


COLOURS = {"tag": "colors", "include": [{"class": "cup", "count": 1, "color": "red"}], "prompt": "p"}


@pytest.mark.parametrize(("found", "correct"), [(seen(cup=[0.5]), None), (seen(), False)])
def test_colours_are_left_undecided_unless_the_count_decides(found, correct):
    assert judge_geneval(found, COLOURS).correct is correct


def test_metadata_comes_back_from_a_suites_prompt():
    targets = (Target(noun="clock", count=3), Target(noun="cat", relation=Relation.NONE))
    assert metadata_of("p", targets, {"task": "counting"}) == {
        "tag": "counting",
        "include": [{"class": "clock", "count": 3}],
        "exclude": [{"class": "clock", "count": 4}, {"class": "cat", "count": 1}],
        "prompt": "p",
    }
    targets = (Target(noun="cup", relation=Relation.AT_LEAST, count=1, words="red cup"),)
    assert metadata_of("p", targets, {"task": "colors", "colour": "red"})["include"][0]["color"] == "red"


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (seen(clock=[0.95] * 3), Kind.EXACT),
        (seen(clock=[0.95] * 4), Kind.OVER),
        (seen(clock=[0.95] * 2), Kind.UNDER),
        (seen(clock=[0.5] * 3), Kind.MISSING),
    ],
)
def test_in_our_words(found, kind):
    verdict, counts = verdict_of(found, "p", (Target(noun="clock", count=3),), {"task": "counting"})
    assert verdict.kind is kind
    assert counts == {"clock": int((found.scores > np.float32(0.9)).sum())}


def test_a_wrong_place_with_right_counts_is_mixed():
    targets = tuple(Target(noun=n, relation=Relation.AT_LEAST, count=1) for n in ("cow", "mouse"))
    verdict, _ = verdict_of(placed((20, 100, 40, 120), MIDDLE), "p", targets, {"task": "position", "position": "above"})
    assert verdict.kind is Kind.MIXED


def coloured(found, *colours):
    return replace(found, colours=colours)


RED_APPLE = {"tag": "colors", "include": [{"class": "apple", "count": 1, "color": "red"}], "prompt": "p"}
TWO_RED = {"tag": "colors", "include": [{"class": "apple", "count": 2, "color": "red"}], "prompt": "p"}
ATTRIBUTES = {
    "tag": "color_attr",
    "include": [{"class": "apple", "count": 1, "color": "red"}, {"class": "dog", "count": 1, "color": "black"}],
    "prompt": "p",
}
PLACED = {
    "tag": "position",
    "include": [
        {"class": "dog", "count": 1, "color": "black"},
        {"class": "apple", "count": 1, "color": "red", "position": ["right of", 0]},
    ],
    "prompt": "p",
}

COLOUR_CASES = [
    (RED_APPLE, coloured(seen(apple=[0.9]), "red"), True, ""),
    (RED_APPLE, coloured(seen(apple=[0.9]), "green"), False, "expected red apple>=1, found 0 red; and 1 green"),
    (RED_APPLE, coloured(seen(apple=[0.9, 0.8]), "red", "green"), True, ""),
    # only as many objects as are asked for are looked at, best first
    (
        RED_APPLE,
        coloured(seen(apple=[0.8, 0.9]), "red", "green"),
        False,
        "expected red apple>=1, found 0 red; and 1 green",
    ),
    (
        TWO_RED,
        coloured(seen(apple=[0.9, 0.8, 0.7]), "red", "blue", "red"),
        False,
        "expected red apple>=2, found 1 red; and 1 red, 1 blue",
    ),
    (TWO_RED, coloured(seen(apple=[0.9, 0.8]), "red", "red"), True, ""),
    (TWO_RED, coloured(seen(apple=[0.9]), "red"), False, "expected apple>=2, found 1"),
    (ATTRIBUTES, coloured(seen(apple=[0.9], dog=[0.9]), "red", "black"), True, ""),
    (
        ATTRIBUTES,
        coloured(seen(apple=[0.9], dog=[0.9]), "black", "red"),
        False,
        "expected red apple>=1, found 0 red; and 1 black\nexpected black dog>=1, found 0 black; and 1 red",
    ),
    (
        ATTRIBUTES,
        coloured(seen(apple=[0.9]), "green"),
        False,
        "expected red apple>=1, found 0 red; and 1 green\nexpected dog>=1, found 0",
    ),
    # a wrong colour is no target for a position, and its own position is not looked at
    (
        PLACED,
        coloured(seen(dog=[0.9], apple=[0.9]), "white", "red"),
        False,
        "expected black dog>=1, found 0 black; and 1 white\nno target for apple to be right of",
    ),
    (RED_APPLE, seen(apple=[0.9]), None, "colours were not checked"),
    (RED_APPLE, coloured(seen(apple=[0.9, 0.2]), "red", ""), True, ""),
    (RED_APPLE, seen(), False, "expected apple>=1, found 0"),
]


@pytest.mark.parametrize(("metadata", "found", "correct", "reason"), COLOUR_CASES)
def test_colours_are_judged_as_geneval_does(metadata, found, correct, reason):
    verdict = judge_geneval(found, metadata)
    assert (verdict.correct, verdict.reason) == (correct, reason)


def test_a_coloured_prompt_ends_in_a_verdict_of_ours():
    target = (Target(noun="apple", count=1, relation=Relation.AT_LEAST, words="red apple"),)
    tags = {"task": "colors", "colour": "red"}
    kinds = [verdict_of(coloured(seen(apple=[0.9]), colour), "", target, tags)[0].kind for colour in ("red", "green")]
    assert kinds == [Kind.EXACT, Kind.MIXED]
