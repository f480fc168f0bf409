"""Correction by labels, on simulated counters."""

import numpy as np

from countcheck.stats.intervals import cluster_rate
from countcheck.stats.prediction_powered import LabelSample, prediction_powered


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
