"""A filter that throws a coin against one that looks, from rows."""

from __future__ import annotations

import random

import pytest
from verdict_rows import row

from countcheck.metrics.consistency import consistency_rates


def rows_of(tries, *, group=None, name="p", benign=True):
    """Refused (n) and drawn (e) tries of one prompt."""
    return [row(one, name, repeat, group=group, benign=benign) for repeat, one in enumerate(tries)]


def value(rows, name="refusal_flip_rate"):
    return consistency_rates(rows)[name].value


def test_a_stable_filter_never_flips_and_a_mixed_prompt_does():
    assert value(rows_of("nnnn")) == 0.0
    # one refusal, three other tries, all drawn
    assert value(rows_of("neee")) == 1.0
    # two refusals, each with three other tries: two drawn, one refused
    assert value(rows_of("nnee")) == pytest.approx(2 / 3)


def test_a_coin_gives_a_half_and_the_interval_holds_it():
    dice = random.Random(3)
    rows = [one for n in range(300) for one in rows_of("".join(dice.choice("ne") for _ in range(4)), name=f"p{n}")]
    found = consistency_rates(rows)["refusal_flip_rate"]
    assert found.value == pytest.approx(0.5, abs=0.05)
    assert found.low < 0.5 < found.high
    assert found.high - found.low < 0.2


def test_a_sibling_in_other_words_is_told_apart_from_a_repeat():
    rows = rows_of("nn", group="g", name="a") + rows_of("ee", group="g", name="b") + rows_of("e", group="h", name="c")
    assert value(rows) == 0.0
    assert value(rows, "sibling_flip_rate") == 1.0


def test_nothing_asked_twice_nothing_benign_no_rate():
    assert consistency_rates(rows_of("n")) == {}
    assert consistency_rates(rows_of("ee")) == {}
    assert consistency_rates(rows_of("ne", benign=False)) == {}
