"""Keys and seeds: what changes them and what does not."""

from __future__ import annotations

from dataclasses import replace

import squares

from countcheck.suites.samples import Recipe, key_of, plan, seed_of

SUITE = squares.suite("3 squares", "4 squares")
FIRST, SECOND = SUITE.prompts


def test_seeds_are_the_same_for_every_generator():
    seeds = [[s.seed for s in plan(SUITE, Recipe(name=name), repeats=3)] for name in ("a", "b")]
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 6


def test_a_seed_depends_on_text_and_repeat_alone():
    assert seed_of(FIRST, 0) == seed_of(replace(FIRST, id="other", tags={}), 0)
    assert seed_of(FIRST, 0) != seed_of(FIRST, 1)
    assert 0 <= seed_of(SECOND, 7) < 2**31


def test_a_key_changes_with_all_that_can_change_the_picture():
    recipe = Recipe(name="g", revision="1", settings={"steps": 4})
    keys = {
        key_of(recipe, FIRST, 0),
        key_of(recipe, FIRST, 1),
        key_of(recipe, SECOND, 0),
        key_of(recipe, replace(FIRST, tags={"style": "noir"}), 0),
        key_of(replace(recipe, name="h"), FIRST, 0),
        key_of(replace(recipe, revision="2"), FIRST, 0),
        key_of(replace(recipe, settings={"steps": 5}), FIRST, 0),
    }
    assert len(keys) == 7
    assert all(len(key) == 32 for key in keys)


def test_repeats_come_one_after_the_other_so_that_stopping_leaves_a_balanced_run():
    assert [s.repeat for s in plan(SUITE, Recipe(name="g"), repeats=2)] == [0, 0, 1, 1]
