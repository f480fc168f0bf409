"""``watch``: score a training run's samples as they appear."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from countcheck.cli.main import MAKE, app
from countcheck.cli.options import OUTPUT, CounterOption, JsonOption, RunFolderOption
from countcheck.cli.output import note, show_result

if TYPE_CHECKING:
    from countcheck.engine.watch import Checkpoint, WatchConfig
    from countcheck.interop.trend_trackers import TrendTracker
    from countcheck.storage.records import OutcomeRecord
    from countcheck.storage.run_folder import RunFolder

_TIMES, _TRACKERS = "When it looks, and when it ends", "Experiment trackers"

_Folder: TypeAlias = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder that the samples go to.")]
_Suite: TypeAlias = Annotated[
    list[str],
    typer.Option("--suite", "-s", metavar="SUITE", help="What was asked: suites, by name or file."),
]
_Pattern: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="PATTERN",
        help="Where step and prompt stand in a path: {step}, {prompt}, {number} (from 0), {place} (from 1), {repeat}, *. "
        "Left out: the usual names, as in checkpoint-500/three_pigs_0.png.",
    ),
]
_Name: TypeAlias = Annotated[
    str, typer.Option(metavar="NAME", help="What checkpoints are called: step gives step-500.")
]
_Rate: TypeAlias = Annotated[str, typer.Option(metavar="RATE", help="The rate that is shown by step.")]
_Interval: TypeAlias = Annotated[
    float, typer.Option(metavar="SECONDS", rich_help_panel=_TIMES, help="Time between two looks into the folder.")
]
_Settle: TypeAlias = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        rich_help_panel=_TIMES,
        help="How long a file that cannot be read may stay unchanged before it counts as damaged.",
    ),
]
_Idle: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", rich_help_panel=_TIMES, help="End when no picture has come for so long."),
]
_Once: TypeAlias = Annotated[
    bool, typer.Option("--once", rich_help_panel=_TIMES, help="Score what is there and end; the same as --idle 0.")
]
_Report: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", rich_help_panel=OUTPUT, help="Also write the report page anew at every checkpoint."),
]
_Mlflow: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="EXPERIMENT", rich_help_panel=_TRACKERS, help="Also log every checkpoint to MLflow."),
]
_Wandb: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="PROJECT", rich_help_panel=_TRACKERS, help="Also log every checkpoint to Weights & Biases."),
]


@app.command(rich_help_panel=MAKE)
def watch(
    folder: _Folder,
    suite: _Suite,
    counter: CounterOption = "auto",
    pattern: _Pattern = "",
    name: _Name = "step",
    rate: _Rate = "exact_rate",
    interval: _Interval = 2.0,
    settle: _Settle = 10.0,
    idle: _Idle = None,
    once: _Once = False,
    out: RunFolderOption = None,
    report: _Report = None,
    mlflow: _Mlflow = None,
    wandb: _Wandb = None,
    as_json: JsonOption = False,
) -> None:
    """Score a training run's samples as they appear, one point a checkpoint. Ctrl-C ends it; the same command goes on.

    Raises:
        KeyboardInterrupt: When Ctrl-C ended it.

    Examples:
        countcheck watch out/samples --suite prompts.txt -d owlv2
        countcheck watch out --suite demo --pattern 'step_{step}/{prompt}_{repeat}' --wandb my-project
        countcheck watch out/samples --suite demo --once
    """
    from countcheck.cli.interruption import stopping_on_interrupt
    from countcheck.counting.counter import load_counter
    from countcheck.engine import watch as engine
    from countcheck.interop.trend_trackers import require_installed
    from countcheck.metrics.rates import rate_named
    from countcheck.suites.merge import load_suites

    rate_named(rate)
    require_installed(mlflow=mlflow is not None, wandb=wandb is not None)
    asked = load_suites(suite)
    config = engine.WatchConfig(
        suite=asked,
        folder=folder,
        path=out or _default_path(folder, asked.name),
        pattern=pattern,
        name=name,
        interval=interval,
        settle=settle,
        idle=0.0 if once else idle,
    )
    loaded = load_counter(_named_counter(counter, config))
    with ExitStack() as stack:
        shown = _Shown(config=config, rate=rate, report=report, mlflow=mlflow, wandb=wandb, stack=stack)
        stop = stack.enter_context(stopping_on_interrupt())
        note(f"watching {folder} into {config.path}; Ctrl-C ends it, the same command goes on")
        run = stack.enter_context(
            engine.watch(config, loaded, progress=_Notes(), stop=stop, done=shown.show_checkpoints)
        )
        _show_trend(run, rate, as_json=as_json)
    if stop.interrupted:
        raise KeyboardInterrupt


@dataclass(slots=True, kw_only=True)
class _Shown:
    """Where checkpoints are shown beside the terminal."""

    config: WatchConfig
    rate: str
    report: Path | None
    mlflow: str | None
    wandb: str | None
    stack: ExitStack
    trackers: dict[str, TrendTracker] = field(default_factory=dict)

    def show_checkpoints(self, run: RunFolder, checkpoints: Sequence[Checkpoint]) -> None:
        """Print a line for each checkpoint, log it, and write the report anew."""
        from countcheck.metrics.trend import trend_point
        from countcheck.reports.terminal.trend import point_sentence

        table, info = run.table(), run.info
        self._open_trackers(run)
        for checkpoint in checkpoints:
            point = trend_point(table, info, checkpoint.generator)
            note(point_sentence(point, self.rate))
            for tracker in self.trackers.values():
                tracker.log(point)
        if self.report is not None:
            from countcheck.reports.html.page import write_report

            write_report([run], self.report)

    def _open_trackers(self, run: RunFolder) -> None:
        """Begin or go on with the trackers' runs, whose ids the run folder keeps."""
        from countcheck.interop.trend_trackers import MlflowTrend, WandbTrend

        parameters = {
            "suite": run.info.suite[:250],
            "suite_digest": run.info.suite_digest,
            "counter": run.info.counter.name[:250],
            "folder": str(run.watched.get("folder", ""))[:250],
        }
        wanted = ((self.mlflow, "mlflow", MlflowTrend), (self.wandb, "wandb", WandbTrend))
        for place, kind, make in wanted:
            if place is not None and kind not in self.trackers:
                known = run.watched.get("trackers", {})
                tracker: TrendTracker = make(place, run.name, parameters, known.get(f"{kind} {place}", ""))
                self.stack.callback(tracker.close)
                self.trackers[kind] = tracker
                run.record_watched({"trackers": {**known, f"{kind} {place}": tracker.run_id}})


class _Notes:
    """A `Progress` that prints sentences alone: a watch has no end that a bar could show."""

    def start(self, generator: str, planned: int, done: int) -> None:
        """Do nothing."""

    def advance(self, generator: str, entry: OutcomeRecord) -> None:
        """Do nothing."""

    def message(self, sentence: str) -> None:
        """Print a sentence."""
        note(sentence)


def _default_path(folder: Path, suite: str) -> Path:
    from countcheck.cli.running import default_name
    from countcheck.resources import printable_path

    return Path("runs") / default_name([suite, "watch", printable_path(folder.resolve().name)])


def _named_counter(counter: str, config: WatchConfig) -> str:
    from countcheck.cards import Card
    from countcheck.cli.running import named_counter
    from countcheck.engine.config import RunConfig

    pictures = Card(name=config.name, family="folder", source=str(config.folder))
    return named_counter(counter, RunConfig(suite=config.suite, generators=(pictures,), path=config.path))


def _show_trend(run: RunFolder, rate: str, *, as_json: bool) -> None:
    from countcheck.metrics.trend import trend, trend_to_json
    from countcheck.reports.terminal.trend import render_trend

    points = trend(run.table(), run.info)
    show_result(
        lambda: trend_to_json(run.name, run.info.suite, points), lambda: render_trend(points, rate), as_json=as_json
    )
    note(f"run: {run.path}. Its report: countcheck report {run.path}")
