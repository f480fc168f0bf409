"""Rates into an experiment tracker: MLflow and Weights & Biases, each behind its own extra."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from countcheck.errors import BadSettings, MissingExtra, first_line
from countcheck.reports.report import Model, Report
from countcheck.storage.run_info import GeneratorInfo

_UNSAFE = re.compile(r"[^A-Za-z0-9_\-. /]+")


def log_mlflow(report: Report, experiment: str, *, attach: Path | None = None) -> None:
    """Log one MLflow run a model: rates and their intervals as metrics, suite and settings as parameters.

    MLflow's own settings (``MLFLOW_TRACKING_URI``) say where to.

    Args:
        report: What to log.
        experiment: The experiment's name.
        attach: A written report to store as an artifact.

    Raises:
        MissingExtra: When MLflow is not installed.
        BadSettings: When MLflow rejects the report.
    """
    with use_mlflow("the report") as mlflow:
        mlflow.set_experiment(experiment)
        for model in report.models:
            with mlflow.start_run(run_name=model.label):
                mlflow.log_params(dict(parameters(report, model)))
                mlflow.log_metrics(dict(metrics(model)))
                if attach is not None:
                    mlflow.log_artifact(str(attach))


def log_wandb(report: Report, project: str, *, attach: Path | None = None) -> None:
    """Log one Weights & Biases run a model, as `log_mlflow` does.

    Raises:
        MissingExtra: When wandb is not installed.
        BadSettings: When wandb rejects the report.
    """
    with use_wandb("the report") as wandb:
        for model in report.models:
            run = wandb.init(
                project=project, name=model.label, config=dict(parameters(report, model)), reinit="finish_previous"
            )
            run.summary.update(dict(metrics(model)))
            if attach is not None:
                artifact = wandb.Artifact("report", type="report")
                artifact.add_file(str(attach))
                run.log_artifact(artifact)
            run.finish()


@contextlib.contextmanager
def use_mlflow(what: str) -> Iterator[Any]:
    """Give MLflow; what it prints, such as the addresses of runs, goes to stderr, since stdout is for results.

    Args:
        what: Is logged; named in an error.

    Raises:
        MissingExtra: When MLflow is not installed.
        BadSettings: When MLflow rejects what is done with it.
    """
    try:
        import mlflow
    except ImportError as error:
        raise MissingExtra("mlflow", feature="logging to MLflow") from error
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield mlflow
    except (mlflow.exceptions.MlflowException, ImportError, OSError) as error:
        raise BadSettings(f"MLflow rejected {what}: {first_line(error)}") from error


@contextlib.contextmanager
def use_wandb(what: str) -> Iterator[Any]:
    """Give wandb, as `use_mlflow` gives MLflow.

    Raises:
        MissingExtra: When wandb is not installed.
        BadSettings: When wandb rejects what is done with it.
    """
    try:
        import wandb
    except ImportError as error:
        raise MissingExtra("wandb", feature="logging to Weights & Biases") from error
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield wandb
    except (wandb.Error, OSError) as error:
        raise BadSettings(f"Weights & Biases rejected {what}: {first_line(error)}") from error


def metrics(model: Model) -> Iterator[tuple[str, float]]:
    """Yield names and values: each rate with the ends of its interval and its denominator; rates by tag with a slash.

    No name is a folder of another name, because MLflow's file store could not hold both.
    """
    yield from rate_metrics(model.rates)
    yield from rate_metrics(model.corrected, prefix="corrected/")
    for name, n in model.counts.items():
        yield f"counts/{name}", float(n)
    for name, n in model.turns.items():
        yield f"conversations/{name}", float(n)
    for tag, values in model.by.items():
        for value, rates in values.items():
            exact = rates.get("exact_rate")
            if exact is not None and exact["value"] is not None:
                yield _safe(f"exact_rate_by/{tag}/{value}"), float(exact["value"])


def rate_metrics(rates: Mapping[str, Mapping[str, Any]], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield names and values of published estimates: value, ends of the interval and denominator, where there are any."""
    for rate, estimate in rates.items():
        for end, suffix in (("value", ""), ("low", ".low"), ("high", ".high"), ("n", ".n")):
            if estimate[end] is not None:
                yield f"{prefix}{rate}{suffix}", float(estimate[end])


def parameters(report: Report, model: Model) -> Iterator[tuple[str, str]]:
    """Yield names and values: suite, generator with its settings, counter, repeats."""
    info = report.runs[model.run].info
    generator = info.generators.get(model.generator, GeneratorInfo())
    yield "suite", report.suite[:250]
    yield "suite_digest", info.suite_digest
    yield "generator", model.generator[:250]
    yield "counter", info.counter.name[:250]
    yield "repeats", "" if info.repeats is None else str(info.repeats)
    for name, value in {**generator.recorded, "revision": generator.revision, **generator.settings}.items():
        if not isinstance(value, Mapping | list) and value not in (None, ""):
            yield _safe(f"generator.{name}"), str(value)[:250]


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name)[:240]
