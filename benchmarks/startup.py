"""How long light commands take to start, beside bare Python and a bare typer program.

    python -m benchmarks.startup [ROUNDS]

Goals: `countcheck --help` within 0.3 s; `summary`, `gate` and `compare` of a small run within 0.5 s. Rounds are interleaved; the median counts. The first round is not counted: it leaves
behind the compiled modules that any installation has after its first start.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import machine

BARE = "bare typer --help"


def commands(run: Path) -> dict[str, list[str]]:
    """What is timed, by its name; ``run`` is a finished run's folder."""
    typer = "import typer; app = typer.Typer(); app.command()(lambda: None); app()"
    countcheck = [sys.executable, "-m", "countcheck"]
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        BARE: [sys.executable, "-c", typer, "--help"],
        "countcheck --help": [*countcheck, "--help"],
        "countcheck summary --help": [*countcheck, "summary", "--help"],
        "countcheck list suites": [*countcheck, "list", "suites"],
        "countcheck summary RUN": [*countcheck, "summary", str(run)],
        "countcheck gate RUN": [*countcheck, "gate", str(run), "--at-least", "exact_rate=0.1"],
        "countcheck compare RUN RUN": [*countcheck, "compare", str(run), str(run)],
        "countcheck report RUN": [*countcheck, "report", str(run), "-o", str(run / "report.html")],
    }


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "compiled")
        run = Path(folder) / "run"
        making = [sys.executable, "-m", "countcheck", "run", "demo", "-g", "scenes", "-d", "tiny", "-o", str(run)]
        subprocess.run(making, capture_output=True, check=True, env=environment)
        timed = commands(run)
        times: dict[str, list[float]] = {name: [] for name in timed}
        used: dict[str, list[float]] = {name: [] for name in timed}
        for number in range(rounds + 1):
            for name, command in timed.items():
                began, cpu = time.perf_counter(), _cpu_seconds()
                subprocess.run(command, capture_output=True, check=True, env=environment)
                if number:
                    times[name].append(time.perf_counter() - began)
                    used[name].append(_cpu_seconds() - cpu)
    print(machine())
    bare = statistics.median(times[BARE])
    print(f"{'':28}{'median s':>10}{'CPU s':>8}{'x bare typer':>14}")
    for name, measured in times.items():
        median = statistics.median(measured)
        print(f"{name:28}{median:>10.2f}{statistics.median(used[name]):>8.2f}{median / bare:>14.2f}")


def _cpu_seconds() -> float:
    """Of the commands that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


if __name__ == "__main__":
    main()
