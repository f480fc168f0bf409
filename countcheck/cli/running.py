"""What the commands that make or judge pictures share: progress, Ctrl-C, and the result at the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from countcheck.cli.evidence import read_evidence
from countcheck.cli.output import note, show_result
from countcheck.errors import BadSettings

if TYPE_CHECKING:
    from countcheck.engine.config import RunConfig
    from countcheck.storage.run_folder import RunFolder
    from countcheck.suites.suite import Suite

ENGINES = ("local", "ray")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Where a run's models work, as given on the command line.

    Attributes:
        engine: ``local``, or ``ray`` for many machines.
        devices: One worker process on each, as in ``cuda:0,cuda:1``; empty for this process.
        workers: Of each model on Ray, ``N`` or ``MIN-MAX``; empty for what suits the cluster.
        gpus_per_worker: On Ray; ``None`` for one where the cluster has any.
    """

    engine: str = "local"
    devices: str = ""
    workers: str = ""
    gpus_per_worker: float | None = None

    def check(self) -> None:
        """Accept options that go together.

        Raises:
            BadSettings: For an unknown engine, or an option of the other one.
        """
        if self.engine not in ENGINES:
            raise BadSettings(f"--engine {self.engine!r} is unknown. Choose {' or '.join(ENGINES)}.")
        if self.engine != "ray" and self.workers:
            raise BadSettings("--workers are Ray's. Add --engine ray, or leave --workers out.")
        if self.engine != "ray" and self.gpus_per_worker is not None:
            raise BadSettings("--gpus-per-worker is Ray's. Add --engine ray, or leave it out.")
        if self.engine == "ray" and self.devices:
            raise BadSettings("--device is for the GPUs of this machine; Ray gives each worker its own. Leave one out.")


def make_run(
    config: RunConfig,
    counter: str,
    options: EngineOptions = EngineOptions(),
    until_decided: Path | None = None,
) -> RunFolder:
    """Make a run while showing its progress; return it, still open. Ctrl-C ends it cleanly.

    Args:
        counter: Card or spec of the counter, or ``auto``; see `named_counter`.
        options: Where the models work.
        until_decided: A gate policy; the run ends as soon as it is decided.

    Raises:
        BadSettings: For options that do not go together.
        KeyboardInterrupt: When Ctrl-C ended it; raises what the engine's ``run`` raises, too.
    """
    from countcheck.cli.interruption import stopping_on_interrupt
    from countcheck.cli.progress import run_progress
    from countcheck.counting.counter import load_counter
    from countcheck.engine.run import run

    options.check()
    counter = named_counter(counter, config)
    decide = None if until_decided is None else _decider(until_decided, config)
    with run_progress() as progress, stopping_on_interrupt() as stop:
        if options.engine == "ray":
            from countcheck.engine.ray import run_on_ray
            from countcheck.engine.workers.size import WorkerCount

            workers = WorkerCount.parse(options.workers, options.gpus_per_worker)
            finished = run_on_ray(config, counter, progress=progress, stop=stop, decide=decide, workers=workers)
        elif options.devices:
            from countcheck.engine.workers.processes import run_on_devices

            finished = run_on_devices(config, counter, options.devices, progress=progress, stop=stop, decide=decide)
        else:
            finished = run(config, load_counter(counter), progress=progress, stop=stop, decide=decide)
        if stop.is_set() and stop.interrupted:
            finished.close()
            raise KeyboardInterrupt
    return finished


def named_counter(counter: str, config: RunConfig) -> str:
    """Return the spec of a counter; for ``auto`` that of the run that is there, else the one that fits the generators.

    Raises:
        BadSettings: When no counter fits, naming two commands that would do.
    """
    from countcheck.counting.auto import AUTO, SHIPPED, choose_counter
    from countcheck.storage.run_folder import RunFolder

    if counter != AUTO:
        return counter
    if RunFolder.exists(config.path):
        with RunFolder.open(config.path) as begun:
            begun.show_own_counting()
            if begun.info.counter.name:
                return begun.info.counter.name
    chosen = choose_counter(config.generators)
    if chosen != SHIPPED:
        note(f"counting with {chosen}, the first counter with an open vocabulary that is installed; -d names another")
    return chosen


def _decider(path: Path, config: RunConfig) -> Callable[[RunFolder], str | None]:
    """Return what the run calls after every batch: a sentence once the gate policy is decided.

    Rules that the suite has too few prompts for are named first.
    """
    from countcheck.gate.check import check_policy
    from countcheck.gate.early_stop import SequentialGate
    from countcheck.gate.policy import read_policy

    policy = read_policy(path)
    checked = check_policy(policy, config.selected_suite(), config.repeats, sequential=True)
    for rule in checked.rules:
        if rule.enough is False:
            note(f"{path.name} may stay undecided to the end: {rule.reason}")
    baseline = None if policy.baseline is None else read_evidence(policy.baseline, policy.level).sides
    gate = SequentialGate(policy, baseline)
    not_before = 0.0

    def decide(run: RunFolder) -> str | None:
        nonlocal not_before
        began = monotonic()
        if began < not_before:
            return None
        decision = gate.update(run.table(), run.info)
        not_before = monotonic() + 10 * (monotonic() - began)  # deciding takes at most a tenth of the run's time
        return None if decision is None else f"the gate {path.name} is decided: {decision}; no more pictures are made"

    return decide


def show_finished(finished: RunFolder, *, as_json: bool, output: Path | None = None) -> None:
    """Show a finished run's summary, and close the run.

    Raises:
        CannotDecide: When every sample failed.
    """
    from countcheck.engine.run import require_success
    from countcheck.metrics.summary import summarize
    from countcheck.reports.terminal.summary import render_summary

    with finished:
        table = finished.table()
        summary = summarize(table, finished.info, finished.labels(), path=finished.path)
        show_result(
            summary.to_json, lambda: render_summary(summary, name=finished.name), as_json=as_json, output=output
        )
        require_success(table)
        note(f"run: {finished.path}. Its report: countcheck report {finished.path}")


def note_left_out(suite: Suite) -> None:
    """Say how many lines of a suite's file are not asked, or not understood."""
    from countcheck.reports.format import quantity

    if suite.skipped:
        note(f"{suite.name}: {quantity(len(suite.skipped), 'line')} left out; `countcheck suite show` lists them")
    if suite.remarks:
        lines = quantity(len(suite.remarks), "line")
        note(f"{suite.name}: {lines} not wholly understood; `countcheck suite show` lists them")


def default_name(parts: Sequence[str]) -> str:
    """Return a folder name for a run: letters, digits, dots and dashes; the same parts give the same name.

    >>> default_name(["farm", "tiny"])
    'farm-tiny'
    """
    readable = "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", part).strip("-.") for part in parts)
    if len(readable) <= 80 and all(re.fullmatch(r"[A-Za-z0-9.\-]+", part) for part in parts):
        return readable
    from hashlib import sha256

    return f"{readable[:72]}-{sha256('|'.join(parts).encode(errors='surrogateescape')).hexdigest()[:7]}"
