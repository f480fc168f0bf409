"""How long commands take that read runs, and how much memory, as runs grow; synthetic runs without picture files.

    python -m benchmarks.scale_ledger [SAMPLES ...]        # 1000 10000 100000 1000000

Goals for a million samples: summary within 60 s and 1 GB, a comparison of two runs within 120 s and 2 GB, an export to
Parquet within 60 s.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import machine


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [1000, 10_000, 100_000, 1_000_000]
    print("| samples | command | seconds | memory, MB | samples a second |\n|---|---|---|---|---|")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            runs = [Path(folder) / name for name in ("a", "b")]
            # In a process of its own: a command's peak memory begins at that of the process that starts it.
            context = multiprocessing.get_context("spawn")
            for seed, run in enumerate(runs):
                maker = context.Process(target=make, args=(run, size, seed))
                maker.start()
                maker.join()
            rows = str(Path(folder) / "rows.parquet")
            for command in (
                ["summary", str(runs[0])],
                ["compare", *map(str, runs)],
                ["export", str(runs[0]), "-f", "parquet", "-o", rows],
            ):
                seconds, memory = timed(command)
                print(f"| {size:,} | {command[0]} | {seconds:.1f} | {memory:.0f} | {size / seconds:,.0f} |", flush=True)
    print(machine())


def make(run: Path, size: int, seed: int) -> None:
    """Write a made-up run; its modules are loaded in the process that writes it alone."""
    from benchmarks.made_ledgers import made_run

    made_run(run, size, seed=seed)


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds and peak memory in MB of a command in a process of its own."""
    began = time.perf_counter()
    whole = [sys.executable, "-m", "countcheck", *command]
    with subprocess.Popen(whole, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed ({process.returncode})")
    return time.perf_counter() - began, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
