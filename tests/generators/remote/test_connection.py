"""Settings of the connection: checked, and read under their old names with a warning."""

from __future__ import annotations

import pytest

from countcheck.cards import Card
from countcheck.errors import BadSettings
from countcheck.generators.remote.connection import CONNECTION, check_settings, duration, with_new_names


def test_the_defaults_are_sound():
    check_settings("x", CONNECTION)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("concurrency", 0), ("attempts", 1.5), ("per_request", "2"), ("timeout", 0), ("max_wait", float("inf"))],
)
def test_a_value_that_makes_no_sense_is_named(setting, value):
    with pytest.raises(BadSettings, match=f"x: {setting} is"):
        check_settings("x", {**CONNECTION, setting: value})


def test_old_names_are_read_and_both_names_are_refused(caplog):
    card = Card(name="x", family="openai", settings={"most_wait": 9})
    assert with_new_names(card).settings == {"max_wait": 9}
    assert "most_wait is called max_wait" in caplog.text
    both = Card(name="x", family="openai", settings={"most_wait": 9, "max_wait": 8})
    with pytest.raises(BadSettings, match="most_wait and max_wait"):
        with_new_names(both)


@pytest.mark.parametrize(("seconds", "written"), [(0, "0 s"), (59.6, "1 min"), (61, "1 min 1 s"), (7199, "2 h")])
def test_durations_are_written_for_people(seconds, written):
    assert duration(seconds) == written
