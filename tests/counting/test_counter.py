from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countcheck.cards import Card
from countcheck.counting.counter import Counter, load_counter
from countcheck.counting.queries import query_map
from countcheck.detectors.base import Detections
from countcheck.errors import BadSettings, UnknownName
from countcheck.suites.suite import Noun

PIG, WOLF, DOG = Noun(name="pig"), Noun(name="wolf"), Noun(name="dog")
SIZE = (100, 80)


class Oracle:
    """Finds whatever its table says for the words it is asked for."""

    name = "oracle"

    def __init__(self, table, vocabulary=None):
        self.table, self.vocabulary = table, vocabulary

    def detect(self, pictures, nouns):
        rows = [(word, score) for word, score in self.table if word in nouns]
        found = Detections(
            boxes=np.array([[10 * i, 0, 10 * i + 8, 8] for i in range(len(rows))], np.float32).reshape(-1, 4),
            scores=np.array([score for _, score in rows], np.float32),
            nouns=tuple(word for word, _ in rows),
            size=SIZE,
            unsupported=frozenset(nouns) - (self.vocabulary if self.vocabulary is not None else frozenset(nouns)),
        )
        return [found for _ in pictures]


def counter(table, vocabulary=None):
    return Counter(Card(name="oracle", family="oracle"), Oracle(table, vocabulary))


def counts(table, nouns, vocabulary=None):
    looking = counter(table, vocabulary)
    (found,) = looking.detect([np.zeros((80, 100, 3), np.uint8)], nouns)
    return looking.count(found, nouns)


def test_synonyms_are_joined():
    pig = Noun(name="pig", synonyms=("hog",))
    assert counts([("pig", 0.9), ("hog", 0.8)], [pig]).counts == {"pig": 2}


def test_the_phrase_is_asked_for_and_the_noun_is_answered():
    apple = Noun(name="apple", phrase="red apple")
    assert counts([("red apple", 0.9)], [apple]).counts == {"apple": 1}


def test_lookalikes_keep_their_own_names():
    looking = counter([("wolf", 0.4), ("dog", 0.9)])
    (found,) = looking.detect([np.zeros((80, 100, 3), np.uint8)], [WOLF])
    assert found.nouns == ("wolf", "dog")
    assert looking.count(found, [WOLF]).counts == {"wolf": 1}


def test_a_lookalike_that_is_asked_for_is_counted():
    assert counts([("wolf", 0.4), ("dog", 0.9)], [WOLF, DOG]).counts == {"wolf": 1, "dog": 1}


def test_a_noun_outside_a_closed_vocabulary_is_unsupported_and_never_0():
    count = counts([], [PIG, DOG], frozenset({"dog"}))
    assert count.counts == {"dog": 0}
    assert count.unsupported == {"pig"}


@pytest.mark.parametrize(("asked", "known"), [("sofa", "couch"), ("people", "person"), ("motorbike", "motorcycle")])
def test_a_closed_vocabulary_is_met_by_synonym(asked, known):
    assert counts([(known, 0.9)], [Noun(name=asked)], frozenset({known})).counts == {asked: 1}


def test_a_word_asked_for_by_name_is_not_taken_by_a_synonym():
    count = counts([("cat", 0.9)], [Noun(name="kitten"), Noun(name="cat")], frozenset({"cat"}))
    assert count.counts == {"cat": 1}
    assert count.unsupported == {"kitten"}


def test_spelling_of_a_closed_vocabulary_does_not_matter():
    assert counts([("Pig", 0.9)], [PIG], frozenset({"Pig"})).counts == {"pig": 1}


def test_no_nouns_and_no_pictures_are_no_trouble():
    looking = counter([("pig", 0.9)])
    assert looking.detect([], [PIG]) == []
    (found,) = looking.detect([np.zeros((80, 100, 3), np.uint8)], [])
    assert looking.count(found, []).counts == {}


@given(st.permutations([PIG, WOLF, DOG, Noun(name="cat", synonyms=("dog",)), Noun(name="fox")]))
def test_the_order_of_nouns_changes_no_query(nouns):
    first = query_map([PIG, WOLF, DOG, Noun(name="cat", synonyms=("dog",)), Noun(name="fox")], None)
    assert list(query_map(nouns, None).meaning.items()) == list(first.meaning.items())


OUTSIDE = """
from countcheck.detectors.base import Detections

class Blind:
    def __init__(self, card):
        self.name, self.vocabulary = card.name, None

    def detect(self, pictures, nouns):
        return [Detections.nothing((1, 1)) for _ in pictures]
"""


def test_a_class_in_a_file_of_ones_own_is_a_counter(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(OUTSIDE)
    looking = load_counter(f"{path}:Blind?threshold=0.6")
    assert looking.rule.threshold == 0.6
    assert len(looking.detect([None], [PIG])) == 1


@pytest.mark.parametrize(
    ("spec", "error"),
    [("nothing.py:Blind", BadSettings), ("no_such_package.module:Blind", BadSettings), ("tinny", UnknownName)],
)
def test_a_counter_that_is_not_there_is_named(spec, error):
    with pytest.raises(error):
        load_counter(spec)


class Reddish:
    """Names every box red, and remembers whether it was shown masks."""

    def __init__(self):
        self.masks = []

    def classify(self, picture, detections):
        self.masks.append(detections.masks)
        return ("red",) * len(detections.nouns)


def test_colours_are_named_after_detection_and_masks_are_not_kept():
    class Masked(Oracle):
        def detect(self, pictures, nouns):
            return [
                replace(found, masks=(np.ones((8, 10), bool),) * len(found.nouns))
                for found in super().detect(pictures, nouns)
            ]

    colours = Reddish()
    card = Card(name="oracle", family="oracle", settings={"classify": "color"})
    looking = Counter(card, Masked([("pig", 0.9), ("wolf", 0.4)]), colours=colours)
    (found,) = looking.detect([np.zeros((80, 100, 3), np.uint8)], [PIG])
    assert found.colours == ("red",) * len(found.nouns) and found.masks == ()
    assert all(masks for masks in colours.masks)
    same = looking.with_rule(looking.rule).detect([np.zeros((80, 100, 3), np.uint8)], [PIG])
    assert same[0].colours == found.colours


def test_another_classification_is_refused():
    with pytest.raises(BadSettings, match=r"tiny\?classify=size: classify is 'size'. Give color"):
        load_counter("tiny?classify=size")
