"""What every form of a report shows: models side by side, with their rows and rates. No HTML, no pictures here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from countcheck.errors import BadSettings, CannotDecide, UnknownName
from countcheck.reports.format import EstimateJson
from countcheck.storage.rows import IS_REFUSAL
from countcheck.storage.run_info import RunInfo
from countcheck.storage.run_results import RunResults

if TYPE_CHECKING:
    from countcheck.storage.run_folder import RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One generator of one run, under the label the report shows it by.

    Attributes:
        label: Unique in the report: the generator's name, with the run's when two runs hold the same generator.
        run: Index into `Report.runs`.
        rows: Its samples and turns.
        counts: Planned, asked, pictures, refusals, failures, uncertain, missing: of prompts.
        rewriting: What rewriting did to the prompts, as published; empty where nothing is known to be rewritten.
        turns: The same of conversation turns, and the number of ``conversations``; empty when there are none.
        rates, corrected: Rate name to published estimate.
        by: Tag, value, rate: published estimate.
        matrix: Asked to counted to number of pictures.
    """

    label: str
    generator: str
    run: int
    rows: RunResults
    counts: Mapping[str, int]
    rates: Mapping[str, EstimateJson]
    corrected: Mapping[str, EstimateJson]
    by: Mapping[str, Mapping[str, Mapping[str, EstimateJson]]]
    matrix: Mapping[str, Mapping[str, int]]
    turns: Mapping[str, int] = field(default_factory=dict)
    rewriting: Mapping[str, Any] = field(default_factory=dict)

    def total(self, name: str) -> int:
        """One of ``counts``, of prompts and conversation turns together."""
        return self.counts[name] + self.turns.get(name, 0)

    @property
    def lost(self) -> int:
        """Samples and turns that were planned and never scored."""
        return self.total("failures") + self.total("missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One run behind the report: its name, folder and record, its summary as published, and its labels' number."""

    name: str
    path: Path
    info: RunInfo
    summary: Mapping[str, Any]
    labels: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that any form of the report shows.

    Attributes:
        baseline: Index of the model that the others are compared with.
        differences: Label of a model to rate to the published comparison with the baseline.
    """

    suite: str
    runs: tuple[Source, ...]
    models: tuple[Model, ...]
    baseline: int = 0
    differences: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def created(self) -> str:
        """When the newest run was made, as recorded; empty when no run says."""
        return max((source.info.created for source in self.runs), default="")


def read_report(runs: Sequence[RunFolder], *, baseline: str | None = None) -> Report:
    """Read one or more runs into a report.

    Args:
        runs: Open runs.
        baseline: Label, generator or run that the other models are compared with; the first model when ``None``.

    Raises:
        BadSettings: If the same run is given twice.
        UnknownName: If no model is called ``baseline``.
    """
    paths = [run.path.resolve() for run in runs]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise BadSettings(f"{twice} is named twice. Name each run once.")
    folders = [path.name for path in paths]
    names = [name if folders.count(name) == 1 else str(path) for name, path in zip(folders, paths, strict=True)]
    generators = [generator for run in runs for generator in run.generators]
    sources, models = [], []
    for index, (run, name) in enumerate(zip(runs, names, strict=True)):
        results = run.results()
        source = _source(run, results, name)
        sources.append(source)
        for generator in run.generators:
            label = generator if generators.count(generator) == 1 else f"{generator} · {name}"
            models.append(_model(label, generator, index, source, results.of_generator(generator)))
    base = 0 if baseline is None else _find(models, names, baseline)
    suites = dict.fromkeys(run.info.suite or run.suite.name for run in runs)
    return Report(
        suite=", ".join(suites),
        runs=tuple(sources),
        models=tuple(models),
        baseline=base,
        differences=_differences(models, [source.info.called(source.name) for source in sources], base),
    )


def _source(run: RunFolder, results: RunResults, name: str) -> Source:
    from countcheck.metrics.summary import summarize

    labels = run.labels()
    counts = sum(label.noun != IS_REFUSAL for label in labels)
    summary = summarize(results.table, run.info.called(run.name), labels).to_json()
    return Source(name=name, path=run.path.resolve(), info=run.info, summary=summary, labels=counts)


def _model(label: str, generator: str, run: int, source: Source, rows: RunResults) -> Model:
    body = source.summary["generators"][generator]
    return Model(
        label=label,
        generator=generator,
        run=run,
        rows=rows,
        counts=body["counts"],
        rates=body["rates"],
        corrected=body.get("corrected", {}),
        by=body.get("by", {}),
        matrix=body.get("matrix", {}),
        turns=body.get("conversations", {}),
        rewriting=body.get("rewriting", {}),
    )


def _differences(models: Sequence[Model], infos: Sequence[RunInfo], base: int) -> dict[str, Mapping[str, Any]]:
    """Compare every other model with the baseline; leave out those that share no scored prompt with it."""
    from countcheck.metrics.comparison import compare
    from countcheck.metrics.sides import sides_of_run

    sides = [sides_of_run(model.rows.table, infos[model.run]).get(model.generator) for model in models]
    baseline = sides[base] if sides else None
    differences: dict[str, Mapping[str, Any]] = {}
    for index, (model, side) in enumerate(zip(models, sides, strict=True)):
        if index == base or side is None or baseline is None:
            continue
        with suppress(CannotDecide):
            differences[model.label] = compare(baseline, side).to_json()
    return differences


def _find(models: Sequence[Model], names: Sequence[str], wanted: str) -> int:
    for index, model in enumerate(models):
        if wanted in (model.label, model.generator, names[model.run]):
            return index
    raise UnknownName("model", wanted, [model.label for model in models])
