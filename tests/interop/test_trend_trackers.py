"""What MLflow and Weights & Biases are told of a checkpoint, and how their refusals read.

The real packages are run by ``benchmarks/bridges/trackers_run.py``.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from countcheck.errors import BadSettings, MissingExtra
from countcheck.interop.trend_trackers import MlflowTrend, WandbTrend, require_installed
from countcheck.metrics.trend import TrendPoint
from countcheck.stats.estimate import Estimate

RATE = Estimate(value=0.5, low=0.25, high=0.75, level=0.95, n=8, clusters=8, method="Wilson")
POINT = TrendPoint(step=500, generator="step-500", counts={"pictures": 8}, rates={"exact_rate": RATE})
LOGGED = {
    "exact_rate": 0.5,
    "exact_rate.low": 0.25,
    "exact_rate.high": 0.75,
    "exact_rate.n": 8.0,
    "counts/pictures": 8.0,
}


class Client:
    """As much of MLflow's client as is used."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        def call(*arguments, **options):
            sys.stdout.write("View run at ...")
            self.calls.append((name, arguments, options))
            return SimpleNamespace(experiment_id="1", info=SimpleNamespace(run_id="abc"))

        return call


@pytest.fixture
def mlflow(monkeypatch):
    client = Client()
    module = SimpleNamespace(MlflowClient=lambda: client, exceptions=SimpleNamespace(MlflowException=RuntimeError))
    monkeypatch.setitem(sys.modules, "mlflow", module)
    metric = lambda key, value, timestamp, step: (key, value, step)  # noqa: E731
    monkeypatch.setitem(sys.modules, "mlflow.entities", SimpleNamespace(Metric=metric))
    return client


def test_mlflow_gets_every_rate_at_its_step(mlflow, capsys):
    tracker = MlflowTrend("pigs", "run", {"suite": "farm"})
    tracker.log(POINT)
    tracker.close()
    names = [name for name, _, _ in mlflow.calls]
    assert names == ["get_experiment_by_name", "create_run", "log_param", "log_batch", "set_terminated"]
    assert mlflow.calls[3][2]["metrics"] == [(name, value, 500) for name, value in LOGGED.items()]
    assert tracker.run_id == "abc"
    assert capsys.readouterr().out == ""


def test_mlflow_goes_on_with_a_run(mlflow):
    assert MlflowTrend("pigs", "run", {"suite": "farm"}, "old").run_id == "old"
    assert mlflow.calls == [("update_run", ("old",), {"status": "RUNNING"})]


def test_wandb_gets_every_rate_over_the_step(monkeypatch):
    logged, made = [], []
    run = SimpleNamespace(
        id="xyz", define_metric=lambda *a, **o: made.append((a, o)), log=logged.append, finish=lambda: None
    )
    module = SimpleNamespace(init=lambda **options: made.append(options) or run, Error=RuntimeError)
    monkeypatch.setitem(sys.modules, "wandb", module)
    tracker = WandbTrend("pigs", "run", {"suite": "farm"}, "old")
    tracker.log(POINT)
    tracker.close()
    assert logged == [{"step": 500, **LOGGED}]
    assert (made[0]["id"], made[0]["resume"]) == ("old", "allow")
    assert made[1:] == [(("step",), {}), (("*",), {"step_metric": "step"})]


@pytest.mark.parametrize("make", [MlflowTrend, WandbTrend])
def test_a_refusal_is_a_sentence(monkeypatch, make):
    def refuse(*_, **__):
        raise RuntimeError("401: no key\nand more")

    refusing = SimpleNamespace(
        MlflowClient=refuse, init=refuse, exceptions=SimpleNamespace(MlflowException=RuntimeError), Error=RuntimeError
    )
    monkeypatch.setitem(sys.modules, "mlflow", refusing)
    monkeypatch.setitem(sys.modules, "wandb", refusing)
    with pytest.raises(BadSettings, match=r"rejected the trend: 401: no key$"):
        make("pigs", "run", {})


@pytest.mark.parametrize(("make", "package"), [(MlflowTrend, "mlflow"), (WandbTrend, "wandb")])
def test_a_missing_package_names_its_extra(monkeypatch, make, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=package):
        make("pigs", "run", {})
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=package):
        require_installed(mlflow=package == "mlflow", wandb=package == "wandb")
    require_installed(mlflow=False, wandb=False)
