"""Score a training run's samples as they appear: one generator of the run for every checkpoint.

The same stages as in `countcheck.engine.run`, over a folder that is looked through again and again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from countcheck.cards import Card
from countcheck.counting.counter import Counter
from countcheck.engine.batching import BackgroundBatcher
from countcheck.engine.budget import Budget
from countcheck.engine.config import RunConfig
from countcheck.engine.context import GeneratorPlan, RunContext, run_ending
from countcheck.engine.counter_check import prepare_counter
from countcheck.engine.pipeline import GeneratorPipeline
from countcheck.engine.progress import NullProgress, Progress
from countcheck.engine.provenance import describe_counter, describe_generator, open_or_create, with_begun_version
from countcheck.errors import BadInput, BadSettings, RunMismatch
from countcheck.files import exclusive_lock
from countcheck.generators.checkpoint_folder import (
    CheckpointFolder,
    CheckpointPicture,
    CheckpointPictures,
    read_origin,
)
from countcheck.generators.checkpoint_names import StepPattern
from countcheck.metrics.trend import step_of
from countcheck.resources import printable_path
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import SelfTestInfo
from countcheck.suites.samples import Recipe, Sample, plan
from countcheck.suites.suite import Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchConfig:
    """What is watched.

    Attributes:
        suite: What was asked; its conversations are left out.
        folder: Where the samples appear.
        path: The run folder, new or begun by the same watch.
        pattern: Where step and prompt stand in a path; see `countcheck.generators.checkpoint_names.StepPattern`.
        name: What checkpoints are called: ``step`` gives step-500.
        interval: Seconds between two looks into the folder, above 0.
        settle: Seconds for which a file that cannot be read must be unchanged before it counts as damaged, 0 or more.
        idle: Seconds without a new picture after which the watch ends, 0 or more; ``None`` for never.
    """

    suite: Suite
    folder: Path
    path: Path
    pattern: str = ""
    name: str = "step"
    interval: float = 2.0
    settle: float = 10.0
    idle: float | None = None

    def __post_init__(self) -> None:
        """Raise `BadSettings` for times that make no sense, and `BadInput` for a suite without prompts."""
        if not self.suite.prompts:
            raise BadInput(f"{self.suite.name} has no prompts. Name a suite of prompts.")
        if not self.interval > 0:
            raise BadSettings(f"the interval is {self.interval} seconds. Give more than 0.")
        for name, seconds in (("settle", self.settle), ("idle", self.idle or 0.0)):
            if not seconds >= 0:
                raise BadSettings(f"{name} is {seconds} seconds. Give 0 or more.")


@dataclass(slots=True, kw_only=True)
class Checkpoint:
    """One checkpoint of a watched run.

    Attributes:
        step: Its training step.
        generator: Its name in the run.
        planned: Its samples by prompt id and repeat.
        done: How many of them have an outcome.
        reported: How many had one when it was last reported; -1 when it must be reported anew.
    """

    step: int
    generator: str
    planned: dict[tuple[str, int], Sample] = field(default_factory=dict)
    done: int = 0
    reported: int = 0

    @property
    def complete(self) -> bool:
        """Whether every sample has an outcome."""
        return self.done == len(self.planned)


# Called with the checkpoints that are complete, or followed by the next, or all when the watch ends; and again with those
# that got more pictures.
CheckpointsDone: TypeAlias = Callable[[RunFolder, Sequence[Checkpoint]], None]


def watch(
    config: WatchConfig,
    counter: Counter,
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    done: CheckpointsDone | None = None,
) -> RunFolder:
    """Score pictures as they appear until the watch is stopped or idle; return the run folder, still open.

    Args:
        config: What to watch.
        counter: Counts.
        progress: Receives what happens.
        stop: Set it, and the watch ends with what is in progress.
        done: Receives the checkpoints; see `CheckpointsDone`.

    Raises:
        CannotDecide: When the counter fails its self-test.
        RunMismatch: When the run folder was begun with something else.
        BadInput: When there is no such folder, or the counter does not know a noun of the suite.
        DiskFull: When there is no room; what was scored is kept.
    """
    progress, stop = progress or NullProgress(), stop or threading.Event()
    pattern = StepPattern(config.pattern)
    folder = CheckpointFolder(
        folder=config.folder,
        prompts=config.suite.prompts,
        pattern=pattern,
        leave_out=config.path,
        quiet=min(1.0, config.interval),
        settle=config.settle,
    )
    suite = replace(config.suite, conversations=())
    counter, self_test = prepare_counter(counter, suite, progress.message)
    with exclusive_lock(config.path):
        counter = with_begun_version(counter, config.path)
        run = _open(config, suite, pattern, counter)
        with run_ending(run, counter, progress):
            counting = run.begin_counting(describe_counter(counter), SelfTestInfo.from_json(self_test.to_json()))
            run.resume.remove_strays()
            context = RunContext(
                folder=run,
                counting=counting,
                counter=counter,
                suite=suite,
                progress=progress,
                budget=Budget(None, run.spent),
                stop=stop,
            )
            _Watch(config, context, folder, done).until_stopped()
    return run


class _Watch:
    """A watch in progress: the folder, and the checkpoints that it has shown."""

    def __init__(
        self,
        config: WatchConfig,
        context: RunContext,
        folder: CheckpointFolder,
        done: CheckpointsDone | None,
    ) -> None:
        self._config = config
        self._context = context
        self._folder = folder
        self._done = done
        self._checkpoints: dict[int, Checkpoint] = {}
        self._told: set[str] = set()
        self._latest: int | None = None  # the checkpoint that got the last picture
        self._remember()

    def until_stopped(self) -> None:
        """Score what appears until the watch is stopped, or nothing has appeared for long enough."""
        last = time.monotonic()
        while not self._context.stop.is_set():
            if self._score(self._folder.scan()) or self._folder.waiting:
                last = time.monotonic()
            self._tell_left_out()
            self._report()
            if (
                self._config.idle is not None
                and not self._folder.waiting
                and time.monotonic() - last >= self._config.idle
            ):
                break
            self._context.stop.wait(self._config.interval)
        self._report(ending=True)

    def _remember(self) -> None:
        """Take up the checkpoints that an earlier process scored."""
        run = self._context.folder
        steps = {name: step for name, info in run.info.generators.items() if (step := step_of(info)) is not None}
        for row in run.rows():
            checkpoint = self._checkpoint(steps[row.generator])
            origin = read_origin(row.extra)
            if row.outcome != "missing" and origin is not None:
                checkpoint.done += 1
                label, stamp = origin
                place = (checkpoint.step, row.prompt_id, row.repeat)
                self._folder.remember(label, place, stamp, damaged=row.outcome == "failure")
            self._plan(checkpoint, row.repeat)
        reported = run.watched.get("reported", {})
        for checkpoint in self._checkpoints.values():
            checkpoint.reported = reported.get(str(checkpoint.step), 0)

    def _checkpoint(self, step: int) -> Checkpoint:
        name = f"{self._config.name}-{step}"
        return self._checkpoints.setdefault(step, Checkpoint(step=step, generator=name))

    def _plan(self, checkpoint: Checkpoint, repeat: int) -> None:
        """Plan every prompt up to a repeat: a checkpoint owes each prompt as often as it draws any."""
        if any(planned == repeat for _, planned in checkpoint.planned):
            return
        recipe = Recipe(name=checkpoint.generator, settings={"step": checkpoint.step})
        for sample in plan(Suite(name="", prompts=self._config.suite.prompts), recipe, repeats=repeat + 1):
            checkpoint.planned.setdefault((sample.asked.id, sample.repeat), sample)

    def _score(self, ready: Sequence[CheckpointPicture]) -> int:
        """Score pictures checkpoint by checkpoint; return how many got an outcome."""
        by_step: dict[int, list[CheckpointPicture]] = {}
        for picture in ready:
            by_step.setdefault(picture.step, []).append(picture)
        scored = 0
        for step, pictures in by_step.items():
            if not self._context.stop.is_set():
                scored += self._score_step(step, pictures)
        return scored

    def _score_step(self, step: int, pictures: Sequence[CheckpointPicture]) -> int:
        run, checkpoint = self._context.folder, self._checkpoint(step)
        for picture in pictures:
            self._plan(checkpoint, picture.repeat)
        files = {(picture.prompt_id, picture.repeat): picture for picture in pictures}
        generator_plan = GeneratorPlan(
            card=Card(name=checkpoint.generator, family="folder"),
            generator=CheckpointPictures(checkpoint.generator, step, self._folder, files),
            samples=tuple(checkpoint.planned.values()),
        )
        if checkpoint.generator not in run.info.generators:
            run.record_generators({checkpoint.generator: describe_generator(generator_plan)})
        repeats = 1 + max(repeat for _, repeat in checkpoint.planned)
        if repeats > (run.info.repeats or 1):
            run.record_repeats(repeats)
        run.add_planned(generator_plan.samples)
        wanted = [checkpoint.planned[place] for place in files]
        # A damaged file that was written anew is scored anew.
        again = sorted(run.completed_keys() & {sample.key for sample in wanted})
        if again:
            run.resume.forget(again)
            checkpoint.done -= len(again)
            checkpoint.reported = -1
        progress = self._context.progress
        progress.start(checkpoint.generator, len(checkpoint.planned), checkpoint.done)
        with BackgroundBatcher(self._context.count_batch) as batcher:
            GeneratorPipeline(self._context, generator_plan, batcher).make(wanted)
        scored = sum(picture.taken for picture in pictures)
        checkpoint.done += scored
        if scored:
            self._latest = step
        return scored

    def _report(self, *, ending: bool = False) -> None:
        """Report the checkpoints that are complete, or followed by another, or all of them when the watch ends."""
        waiting = self._folder.waiting
        news = [
            checkpoint
            for step, checkpoint in sorted(self._checkpoints.items())
            if ending or (step not in waiting and (checkpoint.complete or step != self._latest))
            if checkpoint.done and checkpoint.done != checkpoint.reported
        ]
        if not news:
            return
        if self._done is not None:
            self._done(self._context.folder, news)
        for checkpoint in news:
            checkpoint.reported = checkpoint.done
        reported = {str(each.step): each.reported for each in self._checkpoints.values() if each.reported > 0}
        self._context.folder.record_watched({"reported": reported})

    def _tell_left_out(self) -> None:
        """Say once of every kind how many pictures have no place, and which is the first."""
        for reason, n in self._folder.reasons().items():
            if reason not in self._told:
                first = next(label for label, why in self._folder.left_out.items() if why == reason)
                self._tell(
                    reason,
                    f"{n} pictures are left out ({reason}), the first {first}"
                    if n > 1
                    else f"{first} is left out: {reason}",
                )
        if self._folder.changed:
            self._tell(
                "changed",
                "pictures that were scored have changed since; they are not scored again. Name another run with -o",
            )

    def _tell(self, kind: str, sentence: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            self._context.progress.message(sentence)


def _open(config: WatchConfig, suite: Suite, pattern: StepPattern, counter: Counter) -> RunFolder:
    """Create the run folder, or open the one that the same watch began.

    Raises:
        RunMismatch: When it was begun otherwise.
    """
    watched = {"folder": printable_path(config.folder.resolve()), "pattern": pattern.pattern, "name": config.name}
    repeats = 1
    if RunFolder.exists(config.path):
        with RunFolder.open(config.path) as begun:
            before, repeats = begun.watched, begun.info.repeats or 1
            if begun.generators and not before:
                raise RunMismatch(f"{config.path} is a run that watches no folder. Name another folder with -o.")
        for name, value in watched.items():
            if before and before.get(name) != value:
                raise RunMismatch(
                    f"{config.path} was begun with another {name} ({before.get(name)!r}, now {value!r}). "
                    "Name another folder with -o, or give the command it was begun with."
                )
    run = open_or_create(RunConfig(suite=suite, generators=(), path=config.path, repeats=repeats), (), counter)
    run.record_watched(watched)
    return run
