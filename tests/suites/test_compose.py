from collections import Counter
from itertools import combinations

import pytest

from countcheck.suites.catalog import load_suite
from countcheck.suites.compose import InvalidField, combine, read_levels, slug


def axes(**sizes: int):
    return {name: read_levels(list(range(size))) for name, size in sizes.items()}


def test_all_combinations_without_pick():
    assert len(combine(axes(a=3, b=4))) == 12


def test_a_pick_uses_every_level_equally_often_and_every_pair_nearly_so():
    chosen = combine(axes(a=6, b=12, c=6), pick=72)
    for name, size in (("a", 6), ("b", 12), ("c", 6)):
        assert set(Counter(c[name].value for c in chosen).values()) == {72 // size}
    for one, other in combinations("abc", 2):
        pairs = Counter((c[one].value, c[other].value) for c in chosen)
        assert max(pairs.values()) <= 72 // (len({c[one].value for c in chosen}) * 6) + 2


def test_the_first_part_of_a_pick_is_balanced_too():
    chosen = combine(axes(a=6, b=4), pick=24)[:12]
    assert set(Counter(c["a"].value for c in chosen).values()) == {2}


def test_what_matches_leave_out_is_left_out():
    chosen = combine(axes(a=3, b=3), leave_out=[{"a": [0, 1], "b": 2}])
    assert len(chosen) == 7
    with pytest.raises(InvalidField, match="no axis 'z'"):
        combine(axes(a=3), leave_out=[{"z": 1}])


def test_too_many_combinations_are_refused():
    with pytest.raises(InvalidField, match="multiply to 1000000"):
        combine(axes(a=1000, b=1000))


def test_slugs_are_readable_and_long_ones_stay_apart():
    assert slug("Three pigs, film noir!") == "three-pigs-film-noir"
    assert slug("a" * 80 + "b") != slug("a" * 80 + "c")
    assert len(slug("a" * 200)) <= 56
    assert slug("!!!")


def test_the_demo_is_balanced():
    suite = load_suite("demo")
    assert len(suite.prompts) == 48
    assert set(Counter(p.tags["style"] for p in suite.prompts).values()) == {8}
    assert {t.count for t in suite.targets} == set(range(1, 7))
