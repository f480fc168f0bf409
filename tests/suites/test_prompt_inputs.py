"""Prompts as Python callers have them."""

from __future__ import annotations

import pytest

from countcheck.errors import BadInput
from countcheck.suites.prompt_inputs import as_prompt
from countcheck.suites.suite import Prompt


def wanted(prompt):
    return [target.sentence() for target in as_prompt(prompt).targets]


@pytest.mark.parametrize(
    ("prompt", "targets"),
    [
        ("three pigs and no wolf", ["exactly 3 pig", "no wolf"]),
        ({"Pig": 3, "polar bear": "at most 2"}, ["exactly 3 pig", "at most 2 polar bear"]),
        ({"cat": "more than dog"}, ["more cat than dog"]),
        ({"include": [{"class": "dog", "count": 2}]}, ["at least 2 dog"]),
        ({"include": [{"class": "dog", "count": 2}], "exclude": [{"class": "dog", "count": 3}]}, ["exactly 2 dog"]),
        ({}, []),
    ],
)
def test_every_form_gives_targets(prompt, targets):
    assert wanted(prompt) == targets


def test_a_prompt_stays_as_it_is():
    prompt = Prompt(id="a", text="a")
    assert as_prompt(prompt) is prompt


def test_metadata_keeps_its_prompt_and_task():
    prompt = as_prompt({"tag": "counting", "prompt": "two dogs", "include": [{"class": "dog", "count": 2}]})
    assert (prompt.text, prompt.tags) == ("two dogs", {"task": "counting"})


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ({"pig": True}, "pig is True"),
        ({"pig": 2.5}, r"pig is 2\.5"),
        ({"pig": "heaps"}, "pig is 'heaps'"),
        ({"include": [{"count": 2}]}, "not GenEval metadata"),
        ({"include": ["dog"]}, "not GenEval metadata"),
        (["three pigs"], "of type list"),
    ],
)
def test_what_makes_no_sense_is_said(prompt, words):
    with pytest.raises(BadInput, match=f"prompt 4.*{words}"):
        as_prompt(prompt, place="prompt 4")
