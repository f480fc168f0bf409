"""How a suite's nouns are found in closed vocabularies, as COCO, Objects365, Open Images and VOC write them."""

import pytest

from countcheck.counting.queries import query_map
from countcheck.suites.suite import Noun

COCO = frozenset(
    [
        "person",
        "bicycle",
        "car",
        "motorcycle",
        "airplane",
        "traffic light",
        "fire hydrant",
        "parking meter",
        "bird",
        "dog",
        "skis",
        "snowboard",
        "sports ball",
        "tennis racket",
        "wine glass",
        "cup",
        "hot dog",
        "donut",
        "couch",
        "potted plant",
        "dining table",
        "tv",
        "mouse",
        "remote",
        "cell phone",
        "scissors",
        "teddy bear",
        "hair drier",
        "toothbrush",
    ]
)
OBJECTS365 = frozenset({"Handbag/Satchel", "Monitor/TV", "Gloves", "Glasses", "Grapes", "Wild Bird", "Street Lights"})
OTHER = frozenset({"pottedplant", "tvmonitor", "diningtable", "traffic_light", "cow (animal)", "Fire-hydrant"})


def asked(vocabulary, *names, **more):
    queries = query_map([Noun(name=name, **more) for name in names], vocabulary)
    return dict(queries.meaning), queries.unsupported


@pytest.mark.parametrize(
    ("noun", "word", "vocabulary"),
    [
        ("ski", "skis", COCO),
        ("scissors", "scissors", COCO),
        ("skis", "skis", COCO),
        ("traffic lights", "traffic light", COCO),
        ("hotdog", "hot dog", COCO),
        ("snow board", "snowboard", COCO),
        ("teddy-bear", "teddy bear", COCO),
        ("cellphone", "cell phone", COCO),
        ("Fire Hydrant", "fire hydrant", COCO),
        ("tooth brush", "toothbrush", COCO),
        ("airplanes", "airplane", COCO),
        ("handbag", "Handbag/Satchel", OBJECTS365),
        ("satchel", "Handbag/Satchel", OBJECTS365),
        ("tv", "Monitor/TV", OBJECTS365),
        ("glove", "Gloves", OBJECTS365),
        ("street light", "Street Lights", OBJECTS365),
        ("potted plant", "pottedplant", OTHER),
        ("dining table", "diningtable", OTHER),
        ("traffic light", "traffic_light", OTHER),
        ("cow", "cow (animal)", OTHER),
        ("fire hydrant", "Fire-hydrant", OTHER),
    ],
)
def test_a_noun_is_found_whatever_its_number_and_its_spelling(noun, word, vocabulary):
    meaning, unsupported = asked(vocabulary, noun)
    assert meaning.get(word) == noun
    assert not unsupported


@pytest.mark.parametrize(
    ("noun", "vocabulary"),
    [("glass", OBJECTS365), ("grape", OBJECTS365), ("light", COCO), ("hot", COCO), ("board", COCO), ("man", COCO)],
)
def test_a_word_of_another_meaning_stays_unsupported(noun, vocabulary):
    meaning, unsupported = asked(vocabulary, noun)
    assert unsupported == {noun}
    assert noun not in meaning.values()


def test_the_exact_class_goes_before_one_of_another_number():
    both = frozenset({"glove", "gloves"})
    assert asked(both, "gloves")[0]["gloves"] == "gloves"
    assert asked(both, "glove")[0]["glove"] == "glove"


def test_a_word_that_could_be_two_classes_is_unsupported():
    assert asked(frozenset({"hot dog", "hot-dog"}), "hotdog")[1] == {"hotdog"}


def test_two_spellings_of_one_class_are_not_both_counted():
    meaning, unsupported = asked(COCO, "hot dog", "hotdog")
    assert meaning["hot dog"] == "hot dog"
    assert unsupported == {"hotdog"}
