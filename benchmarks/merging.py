"""How long the parts of a run take to become one: synthetic parts, every picture with five boxes and no file.

    python -m benchmarks.merging [PARTS] [SAMPLES_OF_EACH]

Goal: 64 parts of 10,000 samples in 60 s.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.made_ledgers import REPEATS, blind_counter, made_entries, made_suite, write_outcomes
from countcheck.engine.merge import merge
from countcheck.engine.shard import Shard
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import GeneratorInfo, RunInfo
from countcheck.suites.samples import Recipe, plan
from countcheck.suites.serialize import suite_to_json


def main() -> None:
    parts = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    each = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    counter = blind_counter()
    suite = made_suite(parts * each // REPEATS)
    samples = list(plan(suite, Recipe(name="g"), repeats=REPEATS))
    place = {prompt.id: number for number, prompt in enumerate(suite.prompts)}
    body = suite_to_json(suite)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index in range(1, parts + 1):
            shard = Shard(index=index, count=parts)
            path = Path(folder) / f"part-{index}"
            info = RunInfo(
                suite=suite.name,
                suite_digest=suite.digest,
                suite_body=body,
                generators={"g": GeneratorInfo()},
                extra={"shard": str(shard)},
            )
            own = [sample for sample in samples if shard.holds(place[sample.asked.id])]
            with RunFolder.create(path, info) as run:
                write_outcomes(run, own, made_entries(own, counter, index), counter)
            paths.append(path)
        began, cpu = time.perf_counter(), time.process_time()
        with merge(paths, Path(folder) / "merged") as run:
            seconds, busy = time.perf_counter() - began, time.process_time() - cpu
            assert run.count_samples() == (len(samples), len(samples))
    total = len(samples)
    print(f"{parts} parts of {each:,} samples; {machine()}")
    print(f"merged in {seconds:.1f} s, {total / seconds:,.0f} samples a second; {busy:.1f} s of one core")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
