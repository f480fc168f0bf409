"""Promises of power, kept in simulation and by formula."""

import numpy as np
import pytest
from statsmodels.stats.power import normal_sample_size_one_tail
from verdict_rows import rows

from countcheck.errors import BadSettings
from countcheck.metrics.columns import columns_of
from countcheck.metrics.power import Design, design_of, detectable_loss, power_of, prompts_needed
from countcheck.stats.intervals import paired_difference


def seen(design, prompts, repeats, loss, tries=600, seed=0):
    """How often the comparison finds the loss, when it is there."""
    rng = np.random.default_rng(seed)
    p, icc = design.rate, design.icc
    spread = (1 - icc) / icc
    found = 0
    for _ in range(tries):
        chance = rng.beta(p * spread, (1 - p) * spread, prompts)
        before = rng.binomial(repeats, chance)
        after = rng.binomial(repeats, chance * (p - loss) / p)
        estimate = paired_difference(after - before, np.full(prompts, repeats))
        found += not estimate.low <= 0 <= estimate.high
    return found / tries


@pytest.mark.parametrize(("repeats", "icc", "loss"), [(1, 0.5, 0.1), (4, 0.3, 0.08), (2, 0.7, 0.06)])
def test_power_is_what_was_promised(repeats, icc, loss):
    design = Design(rate=0.7, icc=icc)
    need = prompts_needed(design, repeats, loss)
    assert need.power >= 0.8
    assert seen(design, need.prompts, repeats, loss) == pytest.approx(need.power, abs=0.05)  # three standard errors


def test_unpaired_single_pictures_need_what_the_two_sample_formula_says():
    p, q = 0.7, 0.6
    need = prompts_needed(Design(rate=p, icc=0.0, paired=False), 1, p - q)
    variance = p * (1 - p) + q * (1 - q)
    theirs = normal_sample_size_one_tail(
        p - q, 0.8, 0.025, std_null=np.sqrt(variance), std_alternative=np.sqrt(variance)
    )
    assert need.prompts == pytest.approx(theirs, rel=0.02)


def test_the_reverse_gives_back_the_question():
    design = Design(rate=0.7, icc=0.4)
    need = prompts_needed(design, 2, 0.05)
    assert detectable_loss(design, need.prompts, 2).loss == pytest.approx(0.05, rel=0.01)


def test_pairing_saves_pictures_and_more_are_needed_for_less():
    paired, apart = (prompts_needed(Design(rate=0.7, icc=0.6, paired=way), 4, 0.05).prompts for way in (True, False))
    assert paired < apart / 2
    assert power_of(Design(rate=0.7), 300, 2, 0.05) < power_of(Design(rate=0.7), 600, 2, 0.05)


def test_an_earlier_run_tells_rate_and_correlation():
    rng = np.random.default_rng(0)
    spec = " ".join("".join("e" if rng.random() < p else "u" for _ in range(6)) for p in rng.beta(1.4, 0.6, 400))
    found = design_of(columns_of(rows(spec)).samples)
    assert (found.rate, found.icc) == (pytest.approx(0.7, abs=0.05), pytest.approx(1 / 3, abs=0.06))
    assert design_of(columns_of(rows("e u e u e")).samples).icc == 0.5


@pytest.mark.parametrize(
    ("design", "change", "said"),
    [
        ({"rate": 1.0}, {}, "rate before the loss is 1"),
        ({"rate": 0.7}, {"loss": 0.8}, "cannot happen"),
        ({"rate": 0.7}, {"loss": 0.0}, "cannot happen"),
        ({"rate": 0.7, "icc": 2}, {}, "correlation"),
        ({"rate": 0.7}, {"power": 80}, "power is 80"),
        ({"rate": 0.7}, {"repeats": 0}, "repeats is 0"),
    ],
)
def test_questions_without_an_answer(design, change, said):
    asked = {"repeats": 1, "loss": 0.05, "power": 0.8} | change
    with pytest.raises(BadSettings, match=said):
        prompts_needed(Design(**design), asked["repeats"], asked["loss"], asked["power"])
    with pytest.raises(BadSettings, match="tell nothing"):
        detectable_loss(Design(rate=0.5), 1, 1)
    with pytest.raises(BadSettings, match="no loss can be planned"):
        design_of(columns_of(rows("ee ee")).samples)


def test_a_rise_of_refusals_is_a_loss_too():
    need = prompts_needed(Design(rate=0.05, icc=0.3, higher=False), 1, 0.05)
    assert 100 < need.prompts < 1500
