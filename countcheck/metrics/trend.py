"""The rates of a training run's checkpoints by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from countcheck.errors import BadInput
from countcheck.metrics.summary import summarize
from countcheck.stats.estimate import Estimate
from countcheck.storage.result_table import Results, table_of
from countcheck.storage.run_info import GeneratorInfo, RunInfo

SCHEMA = "countcheck/trend/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """One checkpoint.

    Attributes:
        step: Its training step.
        generator: Its name in the run.
        counts: planned, asked, pictures, failures, missing ...: numbers of samples, as in a summary.
        rates: Rate to estimate.
    """

    step: int
    generator: str
    counts: Mapping[str, int]
    rates: Mapping[str, Estimate]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        rates = {name: estimate.to_json() for name, estimate in self.rates.items()}
        return {"step": self.step, "generator": self.generator, "counts": dict(self.counts), "rates": rates}


def step_of(generator: GeneratorInfo) -> int | None:
    """Return the training step of a generator; ``None`` for one that is no checkpoint.

    >>> step_of(GeneratorInfo(settings={"step": 500}))
    500
    """
    step = generator.settings.get("step")
    return step if isinstance(step, int) and not isinstance(step, bool) else None


def trend(results: Results, info: RunInfo, level: float = 0.95) -> list[TrendPoint]:
    """Estimate the rates of every checkpoint among the results, by step.

    Args:
        results: Of one run.
        info: What is on record of the run.
        level: Confidence level of the intervals.

    Raises:
        BadInput: If the level is not between 0 and 1.
    """
    steps = {name: step for name, generator in info.generators.items() if (step := step_of(generator)) is not None}
    table = table_of(results)
    return [
        trend_point(table, info, name, level) for name, _ in sorted(steps.items(), key=lambda item: (item[1], item[0]))
    ]


def trend_point(results: Results, info: RunInfo, generator: str, level: float = 0.95) -> TrendPoint:
    """Estimate the rates of one checkpoint among the results.

    Args:
        results, info, level: As in `trend`.
        generator: The checkpoint's name in the run.

    Raises:
        BadInput: If the level is not between 0 and 1, or the generator is no checkpoint.
    """
    step = step_of(info.generators[generator])
    if step is None:
        raise BadInput(f"{generator} has no training step. Name a checkpoint.")
    alone = replace(info, generators={generator: info.generators[generator]})
    summary = summarize(table_of(results).of_generator(generator), alone, level=level).generators[generator]
    return TrendPoint(step=step, generator=generator, counts=summary.counts, rates=summary.rates)


def trend_to_json(run: str, suite: str, points: Iterable[TrendPoint]) -> dict[str, Any]:
    """Return the published shape; see ``schemas/trend.json``."""
    return {"schema": SCHEMA, "run": run, "suite": suite, "points": [point.to_json() for point in points]}
