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

import numpy as np

from benchmarks.ledger import _entry
from benchmarks.machine import machine
from benchmarks.made_ledgers import blind_counter
from countcheck.engine.merge import merge
from countcheck.engine.provenance import describe_counter
from countcheck.engine.shard import Shard
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import GeneratorInfo, RunInfo, SelfTestInfo
from countcheck.suites.samples import Recipe, plan
from countcheck.suites.serialize import suite_to_json
from countcheck.suites.suite import Prompt, Suite, Target


def main() -> None:
    parts = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    each = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    counter = blind_counter()
    prompts = tuple(
        Prompt(id=f"p{i}", text=f"{i % 6} blobs, number {i}", targets=(Target(noun="blob", count=i % 6),))
        for i in range(parts * each // 10)
    )
    suite = Suite(name="synthetic", prompts=prompts)
    samples = list(plan(suite, Recipe(name="g"), repeats=10))
    dice = np.random.default_rng(0)
    place = {prompt.id: number for number, prompt in enumerate(prompts)}
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
                counting = run.begin_counting(
                    describe_counter(counter), SelfTestInfo.from_json({"passed": True, "right": 48, "total": 48})
                )
                run.add_planned(own)
                for start in range(0, len(own), 1000):
                    run.write([_entry(sample, counter, dice) for sample in own[start : start + 1000]], counting)
            paths.append(path)
        began, cpu = time.perf_counter(), time.process_time()
        with merge(paths, Path(folder) / "merged") as run:
            seconds, busy = time.perf_counter() - began, time.process_time() - cpu
            assert len(run.completed_keys()) == len(samples)
    total = len(samples)
    print(f"{parts} parts of {each:,} samples; {machine()}")
    print(f"merged in {seconds:.1f} s, {total / seconds:,.0f} samples a second; {busy:.1f} s of one core")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
