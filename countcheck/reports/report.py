"""What a report tells, whatever its form: models side by side, with their rows and rates. No HTML, no pictures here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from countcheck.errors import BadSettings, CannotDecide, UnknownName
from countcheck.reports.wording import EstimateJson, estimate_words, number, points, several
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_info import RunInfo

if TYPE_CHECKING:
    from countcheck.storage.run_folder import RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One generator of one run, under the label the report shows it by.

    Attributes:
        label: Unique in the report: the generator's name, with the run's when two runs hold the same generator.
        run: Index into `Report.runs`.
        counts: Planned, asked, pictures, refusals, failures, uncertain, missing: of prompts.
        turns: The same of conversation turns, and the number of ``conversations``; empty when there are none.
        rates, corrected: Rate name to published estimate.
        by: Tag, value, rate: published estimate.
        matrix: Asked to counted to number of pictures.
    """

    label: str
    generator: str
    run: int
    rows: tuple[ResultRow, ...]
    counts: Mapping[str, int]
    rates: Mapping[str, EstimateJson]
    corrected: Mapping[str, EstimateJson]
    by: Mapping[str, Mapping[str, Mapping[str, EstimateJson]]]
    matrix: Mapping[str, Mapping[str, int]]
    turns: Mapping[str, int] = field(default_factory=dict)

    @property
    def called(self) -> str:
        """The label for a sentence: cut when it is long."""
        return self.label if len(self.label) <= 80 else f"{self.label[:79]}…"

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
    """The report over one or more runs.

    Raises:
        BadSettings: If the same run is given twice.
        UnknownName: If no model is called ``baseline``.
    """
    from countcheck.metrics.summary import summarize

    paths = [run.path.resolve() for run in runs]
    if len(set(paths)) < len(paths):
        raise BadSettings(f"{next(p for p in paths if paths.count(p) > 1)} is named twice. Name each run once.")
    names = _unlike([run.path.resolve().name for run in runs], [str(path) for path in paths])
    everyone = [generator for run in runs for generator in run.generators]
    sources, models = [], []
    for index, run in enumerate(runs):
        rows = run.rows()
        labels = run.labels()
        summary = summarize(rows, run.info.called(run.name), labels).to_json()
        source = Source(name=names[index], path=paths[index], info=run.info, summary=summary, labels=len(labels))
        sources.append(source)
        of: dict[str, list[ResultRow]] = {generator: [] for generator in run.generators}
        for row in rows:
            of.setdefault(row.generator, []).append(row)
        for generator in run.generators:
            body = summary["generators"][generator]
            label = generator if everyone.count(generator) < 2 else f"{generator} · {names[index]}"
            models.append(
                Model(
                    label=label,
                    generator=generator,
                    run=index,
                    rows=tuple(of.get(generator, ())),
                    counts=body["counts"],
                    rates=body["rates"],
                    corrected=body.get("corrected", {}),
                    by=body.get("by", {}),
                    matrix=body.get("matrix", {}),
                    turns=body.get("conversations", {}),
                )
            )
    base = _find(models, names, baseline)
    differences = _compare(models, [run.info.called(name) for name, run in zip(names, runs, strict=True)], base)
    suites = list(dict.fromkeys(run.info.suite or run.suite.name for run in runs))
    return Report(
        suite=", ".join(suites),
        runs=tuple(sources),
        models=tuple(models),
        baseline=base,
        differences=differences,
    )


def _compare(models: Sequence[Model], infos: Sequence[RunInfo], base: int) -> dict[str, Mapping[str, Any]]:
    """Every other model against the baseline; those that share no scored prompt with it are left out."""
    from countcheck.metrics.comparison import compare
    from countcheck.metrics.sides import sides_of_run

    sides = [sides_of_run(model.rows, infos[model.run]).get(model.generator) for model in models]
    against = sides[base] if sides else None
    found: dict[str, Mapping[str, Any]] = {}
    for model, side in zip(models, sides, strict=True):
        if model is models[base] or side is None or against is None:
            continue
        try:
            found[model.label] = compare(against, side).to_json()
        except CannotDecide:
            continue
    return found


def _find(models: Sequence[Model], names: Sequence[str], wanted: str | None) -> int:
    if wanted is None:
        return 0
    for index, model in enumerate(models):
        if wanted in (model.label, model.generator, names[model.run]):
            return index
    raise UnknownName("model", wanted, [model.label for model in models])


def _unlike(names: Sequence[str], otherwise: Sequence[str]) -> list[str]:
    return [name if list(names).count(name) == 1 else other for name, other in zip(names, otherwise, strict=True)]


def headline(report: Report) -> str:
    """The verdict in one sentence."""
    if not report.models:
        return "Nothing was asked of any model."
    scored = [m for m in report.models if _value(m, "exact_rate") is not None]
    if not scored:
        return _of_turns(report) or "No picture came back that could be scored."
    if len(scored) == 1:
        model = scored[0]
        if model.counts["refusals"] == model.counts["asked"]:
            return f"{model.called} refused {_every(model.counts['asked'])}, and drew nothing."
        value, interval = estimate_words("exact_rate", model.rates["exact_rate"])
        tries = several(model.counts["asked"], "try", "tries")
        return (
            f"{model.called} drew exactly what was asked in {value} of {tries}{_between(interval)}{_by_people(model)}."
        )
    if len(scored) == 2 and report.models[report.baseline] in scored:
        said = _against(report, next(model for model in scored if model is not report.models[report.baseline]))
        if said:
            return said
    scored.sort(key=lambda m: -(_value(m, "exact_rate") or 0.0))
    best, rest = scored[0], scored[1:]
    value, interval = estimate_words("exact_rate", best.rates["exact_rate"])
    follow = ", ".join(f"{m.called} in {estimate_words('exact_rate', m.rates['exact_rate'])[0]}" for m in rest[:3])
    more = f" and {len(rest) - 3} more in fewer" if len(rest) > 3 else ""
    return f"{best.called} drew exactly what was asked in {value} of tries{_between(interval)}; {follow}{more}."


def _of_turns(report: Report) -> str:
    """The verdict when nothing but conversations was held; empty when none was."""
    said = [
        f"{model.called} drew exactly what was asked in {value} of {several(model.turns['asked'], 'turn')}{_between(interval)}"
        for model in report.models
        if _value(model, "turn_exact_rate") is not None
        for value, interval in [estimate_words("turn_exact_rate", model.rates["turn_exact_rate"])]
    ]
    return f"In conversation, {'; '.join(said[:4])}." if said else ""


def _against(report: Report, model: Model) -> str:
    """One model against the baseline in a sentence; empty when they were not compared."""
    base = report.models[report.baseline]
    found = report.differences.get(model.label, {}).get("rates", {}).get("exact_rate")
    if not found or found["difference"]["low"] is None:
        return ""
    change = found["difference"]
    now, before = (estimate_words("exact_rate", found[side])[0] for side in ("b", "a"))
    low, high = sorted((abs(change["low"]), abs(change["high"])))
    drew = f"{model.called} drew exactly what was asked in {now} of tries, {base.called} in {before}"
    of = report.differences[model.label]
    if sum(of["unpaired"].values()) and of["pairs"]:
        # The rates are those of the pairs, and may differ from the table's by what had no partner.
        drew = f"Over the {several(of['pairs'], 'try', 'tries')} scored for both, {drew}"
    elif not of["pairs"]:
        drew = f"Over tries that do not pair, {drew}"
    if change["low"] <= 0 <= change["high"]:
        reach = points(change)[1]
        return f"{drew}: no clear difference (95\u00a0% interval {reach} points)."
    better = "better" if change["value"] > 0 else "worse"
    size = abs(change["value"]) * 100
    return f"{drew}: {size:.0f} points {better} (95\u00a0% interval {low * 100:.0f} to {high * 100:.0f})."


def _by_people(model: Model) -> str:
    """What labels make of the exact rate; empty without labels."""
    corrected = model.corrected.get("exact_rate")
    if corrected is None or corrected["value"] is None:
        return ""
    value, interval = estimate_words("exact_rate", corrected)
    return f"; what people counted corrects that to {value}" + (f" ({interval})" if interval else "")


def _every(n: int) -> str:
    return "its only try" if n == 1 else f"all {number(n)} tries"


def losses(report: Report) -> list[str]:
    """One sentence for each thing that was lost or set aside; empty when every sample was scored for sure."""
    said = []
    for model in report.models:
        parts = []
        if model.lost:
            failures, missing, planned = (model.total(name) for name in ("failures", "missing", "planned"))
            what = [several(failures, "failure")] if failures else []
            what += [f"{number(missing)} not made"] if missing else []
            parts.append(f"scored {number(planned - model.lost)} of {number(planned)} ({', '.join(what)})")
        if model.total("uncertain"):
            parts.append(f"{several(model.total('uncertain'), 'picture')} too close to call")
        if parts:
            said.append(f"{model.called}: {'; '.join(parts)}.")
    return said


def _value(model: Model, rate: str) -> float | None:
    estimate = model.rates.get(rate)
    return None if estimate is None else estimate["value"]


def _between(interval: str) -> str:
    return f" (95\u00a0% interval {interval})" if interval else ""
