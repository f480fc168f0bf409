"""A minute of accidents; ``python -m benchmarks.chaos --minutes 30`` goes on for longer."""

from __future__ import annotations

import random
import sys

import pytest
from chaos.cuts import cuts
from chaos.damage import damages
from chaos.environments import environments
from chaos.hostile import files, texts
from chaos.kills import kills
from chaos.soak import soak
from chaos.tally import Tally, table
from chaos.worker_kills import head_kills


@pytest.fixture
def dice():
    return random.Random(20261128)


def test_a_paid_run_that_is_killed_loses_nothing_and_pays_nothing_twice(tmp_path, dice):
    tally = kills(tmp_path, dice, times=3, samples=40)
    assert tally.tried == 3 and tally.clean, table([tally])


def test_a_run_whose_head_is_killed_goes_on_and_is_that_of_one_process(tmp_path, dice):
    tally = head_kills(tmp_path, dice, times=1)
    assert tally.tried == 1 and tally.clean, table([tally])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a descriptor's file is found in /proc")
def test_a_power_cut_loses_nothing_that_was_stored(tmp_path, dice):
    tally = cuts(tmp_path, dice, times=12)
    assert tally.tried == 12 and tally.clean, table([tally])


def test_a_damaged_run_gives_the_same_result_or_a_sentence(tmp_path, dice):
    tally = damages(tmp_path, dice, times=40)
    assert tally.tried > 90 and tally.clean, table([tally])


def test_damaged_inputs_give_a_result_or_a_sentence(tmp_path, dice):
    tally = files(tmp_path, dice, times=60)
    assert tally.tried == 60 and tally.clean, table([tally])


def test_odd_texts_and_pictures_are_read_or_refused_soon(dice):
    tally = texts(dice, times=40)
    assert tally.tried == 80 and tally.clean, table([tally])


def test_commands_end_well_where_little_works(tmp_path):
    tally = environments(tmp_path, fraction=0.25)
    assert tally.tried >= 8 and tally.clean, table([tally])


def test_hours_of_asking_lose_nothing_and_leave_nothing_open(tmp_path):
    found = soak(tmp_path, hours=0.05, per_minute=20, speed=600, readings=6)
    assert found.tally.tried == 60 and found.tally.clean, table([found.tally])
    assert found.limited > 0
    assert found.growth < 10
    assert (
        found.readings[-1].descriptors
        <= max(reading.descriptors for reading in found.readings[: len(found.readings) // 2]) + 2
    )


def test_a_tally_with_anything_broken_is_not_clean():
    assert Tally(kind="x", tried=3).clean
    for name in ("lost", "doubled", "tracebacks", "different"):
        assert not Tally(kind="x", **{name: 1}).clean
