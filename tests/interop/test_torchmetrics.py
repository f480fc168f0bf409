"""The metric in torchmetrics' form."""

from __future__ import annotations

import torchmetrics

from countcheck.interop.torchmetrics import CountMetric
from countcheck.scenes import compose, render


def drawn(n):
    return render(compose({"pig": n}, seed=1))


def test_it_is_used_like_any_metric():
    metric = CountMetric("tiny")
    values = metric([drawn(3), drawn(2)], ["three pigs", "three pigs, noir"])  # forward: this batch alone
    assert values["exact_rate"].item() == 0.5
    assert isinstance(metric, torchmetrics.Metric)


def test_update_by_update_and_reset():
    metric = CountMetric("tiny")
    metric.update(drawn(3), "three pigs")
    metric.update(drawn(4), "three pigs, noir")
    assert metric.compute()["over_rate"].item() == 0.5
    metric.reset()
    metric.update(drawn(3), "three pigs")
    assert metric.compute()["exact_rate"].item() == 1.0
