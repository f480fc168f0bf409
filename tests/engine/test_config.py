"""What a run is to make: the part of the suite that the tags leave."""

from __future__ import annotations

import pytest

from countcheck.engine.config import RunConfig
from countcheck.errors import BadInput
from countcheck.suites.suite import Conversation, Prompt, Suite, Turn

SUITE = Suite(
    name="s",
    prompts=(
        Prompt(id="a", text="pigs", tags={"style": "noir", "number": "3"}),
        Prompt(id="b", text="pigs", tags={"style": "plain", "number": "3"}),
    ),
    conversations=(Conversation(id="c", turns=(Turn(say="pigs"),), tags={"style": "noir"}),),
)


def selected(tmp_path, only):
    return [a.id for a in RunConfig(suite=SUITE, generators=[], path=tmp_path, only=only).selected_suite().asked]


@pytest.mark.parametrize(
    ("only", "ids"),
    [
        (None, ["a", "b", "c"]),
        ({}, ["a", "b", "c"]),
        ({"style": "noir"}, ["a", "c"]),
        ({"style": "noir", "number": "3"}, ["a"]),
    ],
)
def test_only_what_has_all_the_tags_is_selected(tmp_path, only, ids):
    assert selected(tmp_path, only) == ids


def test_nothing_left_is_an_error_that_names_suite_and_tags(tmp_path):
    with pytest.raises(BadInput, match=r"no prompt of s has the tags \{'style': 'oil'\}"):
        selected(tmp_path, {"style": "oil"})
