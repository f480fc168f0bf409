"""Several suites as one."""

import pytest

from countcheck.errors import BadSuite
from countcheck.suites.merge import join, load_suites
from countcheck.suites.suite import Noun, Prompt, Suite


def suite(name: str, *texts: str, **nouns: Noun) -> Suite:
    prompts = tuple(Prompt(id=text.replace(" ", "-"), text=text, group="g") for text in texts)
    return Suite(name=name, prompts=prompts, nouns=nouns)


def test_ids_that_clash_and_groups_are_prefixed_and_prompts_tagged():
    joined = join([suite("a", "three pigs", "two cats"), suite("b", "three pigs")])
    assert joined.name == "a+b"
    assert [prompt.id for prompt in joined.prompts] == ["a/three-pigs", "two-cats", "b/three-pigs"]
    assert [(prompt.group, prompt.tags["suite"]) for prompt in joined.prompts] == [
        ("a/g", "a"),
        ("a/g", "a"),
        ("b/g", "b"),
    ]


def test_suites_of_one_name_are_numbered():
    assert join([suite("a", "x"), suite("a", "y")]).name == "a+a-2"


def test_suites_that_describe_a_noun_differently_are_refused():
    one, other = (suite(name, "x", pig=Noun(name="pig", phrase=name)) for name in "ab")
    with pytest.raises(BadSuite, match="describe 'pig' differently"):
        join([one, other])


def test_a_suite_named_twice_is_taken_once():
    assert load_suites(["demo", "demo"]).name == "demo"
