"""Correction by labels, on simulated counters."""

import numpy as np
import pytest

from countcheck.stats.intervals import cluster_rate
from countcheck.stats.prediction_powered import MIN_TUNED, LabelSample, prediction_powered


def test_a_biased_counter_misses_the_truth_and_the_correction_finds_it():
    rng = np.random.default_rng(4)
    raw = hit = 0
    for _ in range(60):
        y = rng.random((80, 2)) < rng.beta(1.4, 0.6, (80, 1))
        said = np.where(y, rng.random(y.shape) < 0.75, rng.random(y.shape) < 0.05).ravel().astype(float)
        prompt = np.repeat(np.arange(80), 2)
        chosen = [rng.choice(np.flatnonzero(said == v), 40, replace=False) for v in (0, 1)]
        labels = np.sort(np.concatenate(chosen))
        sampled = LabelSample(cluster=prompt, stratum=said.astype(np.int64), labelled=labels)
        found = prediction_powered(sampled, said, y.ravel()[labels].astype(float), np.ones(160))
        plain = cluster_rate(np.bincount(prompt, weights=said), np.bincount(prompt))
        hit += found.low <= 0.7 <= found.high
        raw += plain.low <= 0.7 <= plain.high
    assert hit >= 53 and raw <= 30


def simulated(rng, signal, *, n=600, labels=60):
    """Errors of a count in n pictures, as a counter sees them (with so much signal, 0 to 1), and labels of some."""
    truth = rng.poisson(1.2, n).astype(float)
    noise = rng.poisson(1.2, n).astype(float)
    predicted = np.where(rng.random(n) < signal, truth, noise)
    chosen = np.sort(rng.choice(n, labels, replace=False))
    sample = LabelSample(cluster=np.arange(n), stratum=np.zeros(n, np.int64), labelled=chosen)
    return sample, predicted, truth[chosen], np.ones(n)


@pytest.mark.parametrize("signal", [0.0, 0.5, 0.9])
def test_tuning_is_never_worse_than_the_labels_alone_or_the_plain_difference_and_keeps_its_level(signal):
    rng = np.random.default_rng(8)
    widths = {"tuned": 0.0, "plain": 0.0, "labels alone": 0.0}
    inside = 0
    for _ in range(200):
        sample, predicted, labels, base = simulated(rng, signal)
        tuned = prediction_powered(sample, predicted, labels, base, share=False)
        plain = prediction_powered(sample, predicted, labels, base, share=False, tune=False)
        alone = prediction_powered(sample, np.zeros(len(base)), labels, base, share=False)
        for name, found in zip(widths, (tuned, plain, alone), strict=True):
            widths[name] += found.high - found.low
        inside += tuned.low <= 1.2 <= tuned.high
    assert widths["tuned"] <= 1.03 * min(widths["plain"], widths["labels alone"])
    assert inside >= 180  # 95 % promised; 180 of 200 would come by chance once in 300 times


def test_a_prediction_without_spread_or_with_few_labels_keeps_a_power_of_one():
    rng = np.random.default_rng(1)
    for labels in (MIN_TUNED - 1, 60):
        sample, predicted, told, base = simulated(rng, 0.5, labels=labels)
        if labels >= MIN_TUNED:
            predicted = np.ones(len(base))
        tuned, plain = (
            prediction_powered(sample, predicted, told, base, share=False, tune=tune) for tune in (True, False)
        )
        assert tuned == plain


def test_a_tuned_share_by_hand():
    """Thirty pictures said to be over, thirty not; half of each labelled: a third and a sixth are over."""
    predicted = np.array([1.0] * 30 + [0.0] * 30)
    labelled = np.r_[0:15, 30:45]
    labels = np.array([1.0] * 9 + [0.0] * 6 + [1.0] * 3 + [0.0] * 12)
    sample = LabelSample(cluster=np.arange(60), stratum=np.zeros(60, np.int64), labelled=labelled)
    found = prediction_powered(sample, predicted, labels, np.ones(60))
    # Labels and pictures are balanced, so λ moves nothing: the mean of the labels.
    assert found.value == pytest.approx(12 / 30)
