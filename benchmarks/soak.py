"""A day of asking a moody provider, on a fast clock: is memory flat, is nothing lost, is nothing paid twice?

    python -m benchmarks.soak [--hours 24] [--per-minute 10] [--speed 300]

A service in a process of its own limits, breaks, refuses and is down for half an hour; the real client asks it through the
real SDK, with every clock and every wait of the process running faster. Goal: memory, descriptors and threads of the last
quarter as those of the second.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "generators")]

from chaos.soak import soak  # noqa: E402
from chaos.tally import table  # noqa: E402

from benchmarks.machine import machine  # noqa: E402


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--hours", type=float, default=24.0)
    options.add_argument("--per-minute", type=float, default=10.0)
    options.add_argument("--speed", type=float, default=300.0)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = soak(Path(folder), hours=given.hours, per_minute=given.per_minute, speed=given.speed)
    print(machine())
    print(f"{'hour':>6}{'done':>8}{'MiB':>8}{'descriptors':>13}{'threads':>9}")
    for reading in found.readings[:: max(1, len(found.readings) // 12)] + found.readings[-1:]:
        print(
            f"{reading.hour:>6.1f}{reading.answered:>8,}{reading.mebibytes:>8.1f}{reading.descriptors:>13}{reading.threads:>9}"
        )
    print(f"{found.limited} requests limited, {found.broken} cut off; memory grew by {found.growth:+.1f} MiB")
    print(table([found.tally]))
    sys.exit(0 if found.tally.clean else 1)


if __name__ == "__main__":
    main()
