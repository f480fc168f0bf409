"""How long a run of 100,000 samples takes to recount and to sum up, and how much memory.

    python -m benchmarks.ledger [SAMPLES]

Synthetic rows: as many samples as told, five boxes each, with the shipped counter's description. Goal: both together
within 20 s and 300 MB. The peer reads the verdicts of the recount, and nothing else of the rows, with the sqlite3 module
and counts them in a plain loop.
"""

from __future__ import annotations

import resource
import sqlite3
import sys
import tempfile
import time
from collections import Counter as Tally
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from benchmarks.made_ledgers import blind_counter
from countcheck.counting.counter import Counter
from countcheck.counting.rule import CountingRule
from countcheck.counting.self_test import SelfTest
from countcheck.counting.verdict import judge
from countcheck.detectors.base import Detections
from countcheck.engine import recount as engine_recount
from countcheck.engine.recount import recount
from countcheck.metrics.summary import summarize
from countcheck.storage.records import OutcomeRecord
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import GeneratorInfo, RunInfo, SelfTestInfo
from countcheck.suites.samples import Recipe, plan
from countcheck.suites.serialize import suite_to_json
from countcheck.suites.suite import Noun, Prompt, Suite, Target


def main() -> None:
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        counter = blind_counter()
        filled = fill(path, total, counter)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # There is no detector that could be tested.
        engine_recount.check_counter = lambda *_: SelfTest(plain=None)
        began, cpu = time.perf_counter(), _cpu_seconds()
        with RunFolder.open(path) as run:
            recount(run, counter.with_rule(CountingRule(threshold=0.4, margin=0.05)))
            recounted, recount_cpu = time.perf_counter() - began, _cpu_seconds() - cpu
            began, cpu = time.perf_counter(), _cpu_seconds()
            summarize(run.table(), run.info)
            summed, summary_cpu = time.perf_counter() - began, _cpu_seconds() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        with sqlite3.connect(path / "run.sqlite") as plain:
            newest = "SELECT verdict FROM verdicts WHERE counting = (SELECT max(counting) FROM verdicts)"
            tally = Tally(verdict for (verdict,) in plain.execute(newest))
        loop = time.perf_counter() - began
    print(machine())
    print(f"{total:,} samples, 5 boxes each; written at {total / filled:,.0f} samples/s")
    print(f"{'':12}{'seconds':>10}{'CPU seconds':>14}{'samples/s':>12}{'x plain loop':>14}")
    for name, seconds, busy in (
        ("recount", recounted, recount_cpu),
        ("summary", summed, summary_cpu),
        ("both", recounted + summed, recount_cpu + summary_cpu),
    ):
        print(f"{name:12}{seconds:>10.1f}{busy:>14.1f}{total / seconds:>12,.0f}{seconds / loop:>14.1f}")
    print(
        f"peak memory {peak / 1024:.0f} MB, of which {before / 1024:.0f} MB before the recount; {len(tally)} verdicts seen"
    )


def _cpu_seconds() -> float:
    """Of this process and of those that it has started."""
    of_others = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + of_others.ru_utime + of_others.ru_stime


def fill(path: Path, total: int, counter: Counter) -> float:
    """A finished run with synthetic outcomes; returns the seconds that writing took."""
    from countcheck.engine.provenance import describe_counter

    repeats = 10
    prompts = tuple(
        Prompt(id=f"p{i}", text=f"{i % 6} blobs, number {i}", targets=(Target(noun="blob", count=i % 6),))
        for i in range(total // repeats)
    )
    suite = Suite(name="synthetic", prompts=prompts)
    info = RunInfo(suite=suite.name, suite_body=suite_to_json(suite), generators={"g": GeneratorInfo()})
    run = RunFolder.create(path, info)
    passed = {"passed": True, "right": 48, "total": 48, "needed": 46, "by_style": {}}
    counting = run.begin_counting(describe_counter(counter), SelfTestInfo.from_json(passed))
    samples = list(plan(suite, Recipe(name="g"), repeats=repeats))
    run.add_planned(samples)
    dice = np.random.default_rng(0)
    began = time.perf_counter()
    for start in range(0, total, 1000):
        run.write([_entry(sample, counter, dice) for sample in samples[start : start + 1000]], counting)
    seconds = time.perf_counter() - began
    run.close()
    return seconds


def _entry(sample, counter, dice) -> OutcomeRecord:
    corners = dice.uniform(0, 90, (5, 2))
    found = Detections(
        boxes=np.concatenate([corners, corners + 12], 1).astype(np.float32),
        scores=dice.uniform(0.05, 1, 5).astype(np.float32),
        nouns=("blob",) * 5,
        size=(128, 128),
    )
    counted = counter.count(found, [Noun(name="blob")])
    verdict = judge(sample.asked.targets, counted)
    return OutcomeRecord(
        key=sample.key,
        outcome="picture",
        text=sample.text,
        picture=f"images/{sample.key[:2]}/{sample.key}.png",
        detections=found,
        verdict=verdict.kind,
        leaning=verdict.leaning,
        reason=verdict.reason,
        counted={"blob": (counted.counts["blob"], counted.low["blob"], counted.high["blob"])},
    )


if __name__ == "__main__":
    main()
