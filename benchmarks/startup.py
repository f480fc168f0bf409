"""How long light commands take to start, beside bare Python and a bare typer program.

    python -m benchmarks.startup [ROUNDS]

Goal: `countcheck --help` within 0.3 s. Rounds are interleaved; the median counts.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks.machine import machine

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "bare typer --help": [
        sys.executable,
        "-c",
        "import typer; app = typer.Typer(); app.command()(lambda: None); app()",
        "--help",
    ],
    "countcheck --help": [sys.executable, "-m", "countcheck", "--help"],
    "countcheck list suites": [sys.executable, "-m", "countcheck", "list", "suites"],
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            began = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True)
            times[name].append(time.perf_counter() - began)
    print(machine())
    bare = statistics.median(times["bare typer --help"])
    print(f"{'':26}{'median s':>10}{'x bare typer':>14}")
    for name, measured in times.items():
        median = statistics.median(measured)
        print(f"{name:26}{median:>10.2f}{median / bare:>14.2f}")


if __name__ == "__main__":
    main()
