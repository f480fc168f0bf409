"""How long `compare` and `summary` take, and how much memory, on made-up runs.

python benchmarks/comparing.py [--samples 100000] [--resamples 10000]
"""

from __future__ import annotations

import argparse
import random
import resource
import time

from machine import machine

from countcheck.counting.verdict import Kind
from countcheck.metrics.comparison import compare
from countcheck.metrics.sides import ComparisonSide, sides_of_run
from countcheck.metrics.summary import summarize
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_info import RunInfo
from countcheck.suites.suite import Target


def rows(samples: int, rate: float, seed: int, repeats: int = 4) -> list[ResultRow]:
    toss = random.Random(seed)
    return [one(i, k, toss.random() < rate, toss) for i in range(samples // repeats) for k in range(repeats)]


def one(i: int, repeat: int, exact: bool, toss: random.Random) -> ResultRow:
    asked = i % 8 + 1
    counted = asked if exact else max(0, asked + toss.choice((-2, -1, 1)))
    kind = Kind.EXACT if exact else Kind.OVER if counted > asked else Kind.UNDER if counted else Kind.MISSING
    noun = ("pig", "cat", "car", "star")[i % 4]
    return ResultRow(
        key=f"{i}-{repeat}",
        generator="g",
        prompt_id=f"p{i}",
        repeat=repeat,
        seed=repeat,
        text=f"{asked} {noun}",
        outcome="picture",
        verdict=kind,
        leaning=kind,
        asked={noun: asked},
        counted={noun: counted},
        targets=(Target(noun=noun, count=asked),),
        seconds=1.0,
        tags={"style": ("plain", "noir", "rain")[i % 3]},
    )


def timed(samples: int, resamples: int) -> tuple[float, float, float]:
    """Seconds for columns of both runs, for the comparison, and for a summary."""
    sides = [rows(samples, rate, seed) for rate, seed in ((0.7, 1), (0.66, 2))]
    info = RunInfo(suite_digest="made up")
    begun = time.perf_counter()
    parties: list[ComparisonSide] = [sides_of_run(side, info)["g"] for side in sides]
    read = time.perf_counter()
    compare(*parties, resamples=resamples)
    compared = time.perf_counter()
    summarize(sides[0], info)
    return read - begun, compared - read, time.perf_counter() - compared


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--samples", type=int, default=100_000)
    asked.add_argument("--resamples", type=int, default=10_000)
    options = asked.parse_args()
    print(f"{'samples':>9} {'resamples':>9} {'columns':>9} {'compare':>9} {'summary':>9}  of the allowance")
    for samples, allowed in ((1_000, 1.0), (options.samples, 10.0)):
        columns, comparing, summing = timed(samples, options.resamples)
        ratio = (columns + comparing) / allowed
        print(f"{samples:9,} {options.resamples:9,} {columns:8.2f}s {comparing:8.2f}s {summing:8.2f}s  {ratio:.2f}")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(machine())
    print(f"most memory, rows of both runs included: {most:.2f} GiB of 1 GiB allowed")


if __name__ == "__main__":
    main()
