"""A training run's rates by step into MLflow or Weights & Biases: one tracker run for the watch, one point a checkpoint."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator, Mapping
from typing import Protocol

from countcheck.errors import MissingExtra
from countcheck.interop.trackers import rate_metrics, use_mlflow, use_wandb
from countcheck.metrics.trend import TrendPoint

THE_TREND = "the trend"


class TrendTracker(Protocol):
    """Takes points; ``run_id`` is the tracker's own id of the run, with which a later process goes on."""

    run_id: str

    def log(self, point: TrendPoint) -> None:
        """Log the rates of one checkpoint at its step. A step that is logged again gets the newer values."""

    def close(self) -> None:
        """End the tracker's run."""


class MlflowTrend:
    """Points in one MLflow run; MLflow's own settings (``MLFLOW_TRACKING_URI``) say where.

    Args:
        experiment: The experiment's name.
        name: Of the run.
        parameters: Logged once.
        run_id: Of the run to go on with; empty for a new one.

    Raises:
        MissingExtra: When MLflow is not installed.
        BadSettings: When MLflow refuses; `log` and `close` raise it too.
    """

    def __init__(self, experiment: str, name: str, parameters: Mapping[str, str], run_id: str = "") -> None:
        with use_mlflow(THE_TREND) as mlflow:
            self._client = mlflow.MlflowClient()
            if run_id:
                self._client.update_run(run_id, status="RUNNING")
            else:
                found = self._client.get_experiment_by_name(experiment)
                place = found.experiment_id if found is not None else self._client.create_experiment(experiment)
                run_id = self._client.create_run(place, run_name=name).info.run_id
                for parameter, value in parameters.items():
                    self._client.log_param(run_id, parameter, value)
        self.run_id = run_id

    def log(self, point: TrendPoint) -> None:
        """Log the rates of one checkpoint; see `TrendTracker.log`."""
        now = int(time.time() * 1000)
        with use_mlflow(THE_TREND):
            from mlflow.entities import Metric

            entries = [Metric(name, value, now, point.step) for name, value in point_metrics(point)]
            self._client.log_batch(self.run_id, metrics=entries)

    def close(self) -> None:
        """End the run."""
        with use_mlflow(THE_TREND):
            self._client.set_terminated(self.run_id)


class WandbTrend:
    """Points in one Weights & Biases run, over the axis ``step``; ``WANDB_MODE=offline`` keeps them on this machine.

    Args:
        project: The project's name.
        name: Of the run.
        parameters: Its configuration.
        run_id: Of the run to go on with; empty for a new one.

    Raises:
        MissingExtra: When wandb is not installed.
        BadSettings: When wandb refuses; `log` and `close` raise it too.
    """

    def __init__(self, project: str, name: str, parameters: Mapping[str, str], run_id: str = "") -> None:
        with use_wandb(THE_TREND) as wandb:
            self._run = wandb.init(
                project=project,
                name=name,
                config=dict(parameters),
                id=run_id or None,
                resume="allow" if run_id else None,
                reinit="finish_previous",
            )
            # Checkpoints may come in any order, and wandb's own counter only goes up.
            self._run.define_metric("step")
            self._run.define_metric("*", step_metric="step")
        self.run_id = str(self._run.id)

    def log(self, point: TrendPoint) -> None:
        """Log the rates of one checkpoint; see `TrendTracker.log`."""
        with use_wandb(THE_TREND):
            self._run.log({"step": point.step, **dict(point_metrics(point))})

    def close(self) -> None:
        """End the run."""
        with use_wandb(THE_TREND):
            self._run.finish()


def require_installed(*, mlflow: bool, wandb: bool) -> None:
    """Refuse a tracker whose package is missing, before anything is scored.

    Raises:
        MissingExtra: When a wanted tracker is not installed.
    """
    for wanted, extra, title in ((mlflow, "mlflow", "MLflow"), (wandb, "wandb", "Weights & Biases")):
        if wanted and importlib.util.find_spec(extra) is None:
            raise MissingExtra(extra, feature=f"logging to {title}")


def point_metrics(point: TrendPoint) -> Iterator[tuple[str, float]]:
    """Yield names and values: each rate with the ends of its interval and its denominator, then the counts.

    >>> from countcheck.stats.estimate import Estimate
    >>> rate = Estimate(value=0.5, low=0.2, high=0.8, level=0.95, n=4, clusters=4, method="Wilson")
    >>> point = TrendPoint(step=500, generator="step-500", counts={"pictures": 4}, rates={"exact_rate": rate})
    >>> dict(point_metrics(point))["exact_rate.low"]
    0.2
    """
    yield from rate_metrics({name: rate.to_json() for name, rate in point.rates.items()})
    for name, n in point.counts.items():
        yield f"counts/{name}", float(n)
