"""How long commands take that read runs, and how much memory, as runs grow; synthetic runs without picture files.

    python -m benchmarks.scale_ledger [SAMPLES ...] [--folder FOLDER] [--only COMMAND ...]        # 1000 10000 100000 1000000

With a folder, runs that are there already are not made again, so that a million samples can be measured in pieces. CPU
seconds are those of the command and of the processes that it starts; memory is that of the command alone.

Goals for a million samples: summary within 60 s and 1 GB, a comparison of two runs within 120 s and 2 GB, an export to
Parquet within 60 s, a report within 120 s that opens in Chromium within 1 s.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.report import paint

COMMANDS = ("summary", "compare", "export", "report", "open")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("sizes", nargs="*", type=int, default=[1000, 10_000, 100_000, 1_000_000])
    options.add_argument("--folder", type=Path, help="keeps the runs")
    options.add_argument("--only", nargs="+", choices=COMMANDS, default=COMMANDS)
    chosen = options.parse_args()
    head = ("samples", "command", "seconds", "CPU seconds", "CPU µs a sample", "memory, MB", "load")
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)
    opened = []
    with ExitStack() as stack:
        for size in chosen.sizes:
            folder = chosen.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            runs = [made(folder / f"{size}-{seed}", size, seed) for seed in range(2 if "compare" in chosen.only else 1)]
            for name in chosen.only:
                if name == "open":
                    opened.append((size, *paint(runs[0] / "report.html")))
                else:
                    measure(name, runs, size)
    print("\n| samples | first paint, s | rows shown, s | a filter answered, s |\n|---|---|---|---|")
    for size, painted, ready, filtered in opened:
        print(f"| {size:,} | {painted:.2f} | {ready:.2f} | {filtered:.2f} |")
    print(machine())


def measure(name: str, runs: list[Path], size: int) -> None:
    """Run a command and print its row of the table."""
    given = {
        "summary": [str(runs[0])],
        "compare": [str(run) for run in runs],
        "export": [str(runs[0]), "-f", "parquet", "-o", str(runs[0] / "rows.parquet")],
        "report": [str(runs[0])],
    }
    began = os.getloadavg()[0]
    seconds, cpu, memory = timed([name, *given[name]])
    load = (began + os.getloadavg()[0]) / 2
    each = f"{1e6 * cpu / size:,.0f}"
    print(f"| {size:,} | {name} | {seconds:.1f} | {cpu:.1f} | {each} | {memory:.0f} | {load:.1f} |", flush=True)


def made(run: Path, size: int, seed: int) -> Path:
    """Make a run where there is none, in a process of its own: a command's peak memory begins at that of its parent."""
    if not run.exists():
        maker = multiprocessing.get_context("spawn").Process(target=make, args=(run, size, seed))
        maker.start()
        maker.join()
    return run


def make(run: Path, size: int, seed: int) -> None:
    """Write a made-up run; its modules are loaded in the process that writes it alone."""
    from benchmarks.made_ledgers import made_run

    made_run(run, size, seed=seed)


def timed(command: list[str]) -> tuple[float, float, float]:
    """Seconds, CPU seconds and peak memory in MB of a command in a process of its own."""
    began = time.perf_counter()
    whole = [sys.executable, "-m", "countcheck", *command]
    with subprocess.Popen(whole, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed ({process.returncode})")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
