"""Parts of a run: which prompt belongs where, what launchers say, and what cannot be a part."""

from __future__ import annotations

from pathlib import Path

import pytest
import squares

from countcheck.cards import Card
from countcheck.engine.config import RunConfig
from countcheck.engine.run import plan_generator
from countcheck.engine.shard import Shard, shard_from_environment, shard_path
from countcheck.errors import BadSettings

CARD = Card(name="squares", family="squares")
SUITE = squares.suite(*(f"{n % 4} squares, number {n}" for n in range(11)))


def planned(tmp_path, shard, **more):
    config = RunConfig(suite=SUITE, generators=[CARD], path=tmp_path, shard=shard, **more)
    return plan_generator(config, CARD, squares.SquaresGenerator(CARD)).samples


@pytest.mark.parametrize("count", [1, 2, 3, 11, 20])
@pytest.mark.parametrize("more", [{}, {"repeats": 3}, {"repeats": 2, "limit": 13}])
def test_the_parts_together_are_the_run_and_share_nothing(tmp_path, count, more):
    parts = [planned(tmp_path, Shard(index=index, count=count), **more) for index in range(1, count + 1)]
    keys = [sample.key for part in parts for sample in part]
    assert sorted(keys) == sorted(sample.key for sample in planned(tmp_path, None, **more))
    assert len(set(keys)) == len(keys)


def test_the_repeats_of_a_prompt_stay_together(tmp_path):
    parts = [planned(tmp_path, Shard(index=index, count=3), repeats=4) for index in (1, 2, 3)]
    prompts = [{sample.asked.id for sample in part} for part in parts]
    assert not prompts[0] & prompts[1] and not prompts[1] & prompts[2] and not prompts[0] & prompts[2]


@pytest.mark.parametrize(
    "text", ["5/4", "0/4", "1/0", "-1/4", "1.5/4", "a/b", "4", "1/2/3", "", "²/4", "1/99999999999"]
)
def test_what_is_no_part_is_refused_with_its_text(text):
    with pytest.raises(BadSettings, match=r"--shard .*is no part of a run"):
        Shard.parse(text)


@pytest.mark.parametrize(
    ("environment", "shard"),
    [
        ({}, None),
        ({"RANK": "0", "WORLD_SIZE": "1"}, None),
        ({"RANK": "0", "WORLD_SIZE": "2"}, "1/2"),
        ({"RANK": "1", "WORLD_SIZE": "2", "SLURM_PROCID": "3", "SLURM_NTASKS": "8"}, "2/2"),
        ({"SLURM_PROCID": "3", "SLURM_NTASKS": "8"}, "4/8"),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "1"}, None),
        ({"RANK": "x", "WORLD_SIZE": "2"}, None),
        ({"RANK": "2", "WORLD_SIZE": "2"}, None),
    ],
)
def test_launchers_give_each_process_its_part(environment, shard):
    found = shard_from_environment(environment)
    assert (None if found is None else str(found[0])) == shard


def test_a_part_has_a_folder_of_its_own():
    assert shard_path(Path("runs/pigs"), Shard(index=1, count=2)) == Path("runs/pigs-shard-1-of-2")
