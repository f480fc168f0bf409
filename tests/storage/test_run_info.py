from __future__ import annotations

import pytest

from countcheck.storage.run_info import CounterInfo, GeneratorInfo, RunInfo, SelfTestInfo, SelfTestScoreInfo

COUNTER = {
    "name": "tiny",
    "detector": {"family": "tiny", "source": "", "revision": "1", "settings": {"size": 320}},
    "rule": {"threshold": 0.4},
    "licence": "MIT",
    "measured": {"calibrated_on": "june"},
    "vocabulary": ["pig", "wolf"],
}


def test_a_counter_reads_back_as_it_was_written():
    read = CounterInfo.from_json(COUNTER)
    assert read.to_json() == COUNTER
    assert (read.name, read.detector.settings, read.vocabulary) == ("tiny", {"size": 320}, ("pig", "wolf"))
    assert read.calibrated


def test_a_counter_equals_itself_after_it_was_stored():
    counter = CounterInfo(name="tiny", rule={"thresholds": {"pig": 0.5}}, vocabulary=("pig",))
    assert counter.stored() == CounterInfo.from_json(counter.to_json()) == counter


@pytest.mark.parametrize("body", [None, {}, [], "text", {"rule": None, "detector": [], "measured": 3}])
def test_what_is_no_record_reads_as_an_empty_one(body):
    assert CounterInfo.from_json(body) == CounterInfo()
    assert SelfTestInfo.from_json(body) == SelfTestInfo()


def test_a_generators_recipe_may_stand_beside_the_rest():
    old = GeneratorInfo.from_json({"revision": "r", "settings": {"steps": 4}})
    new = GeneratorInfo.from_json({"recipe": {"revision": "r", "settings": {"steps": 4}}})
    assert old == new
    assert old.to_json() == {"revision": "r", "settings": {"steps": 4}}


def test_a_self_test_keeps_its_styles():
    body = {"passed": True, "right": 47, "total": 48, "needed": 46, "by_style": {"noir": {"passed": False, "right": 3}}}
    read = SelfTestInfo.from_json(body)
    assert read.plain == SelfTestScoreInfo(passed=True, right=47, total=48, needed=46)
    assert read.by_style["noir"].passed is False
    assert read.to_json() == body
    made = SelfTestInfo(plain=read.plain, by_style=read.by_style)
    assert SelfTestInfo.from_json(made.to_json()) == made


def test_a_run_keeps_what_it_does_not_know():
    body = {"name": "june", "suite": "pigs", "repeats": 2, "labels_from": ["a.csv"], "generators": {"g": {}}}
    read = RunInfo.from_json(body)
    assert (read.repeats, read.limit, read.extra, list(read.generators)) == (2, None, {"labels_from": ["a.csv"]}, ["g"])
    assert RunInfo.from_json(read.to_json()) == read


def test_a_name_is_given_where_none_is_recorded():
    assert RunInfo().called("june").name == "june"
    assert RunInfo(name="may").called("june").name == "may"
