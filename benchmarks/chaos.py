"""Accidents without end: kills, power cuts, damage, odd inputs and environments, and what came of each.

    python -m benchmarks.chaos [--minutes 30] [--seed N]

Every promise of docs/reliability.md is a zero in the table. The seed is printed; the same one tries the same accidents.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "generators")]

from chaos.cuts import cuts  # noqa: E402
from chaos.damage import damages  # noqa: E402
from chaos.environments import environments  # noqa: E402
from chaos.hostile import files, texts  # noqa: E402
from chaos.kills import kills  # noqa: E402
from chaos.tally import Tally, table  # noqa: E402

from benchmarks.machine import machine  # noqa: E402


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=30.0)
    options.add_argument("--seed", type=int, default=random.randrange(2**32))
    given = options.parse_args()
    dice = random.Random(given.seed)
    ends = time.monotonic() + 60 * given.minutes
    totals: dict[str, Tally] = {}
    rounds = 0
    while rounds == 0 or time.monotonic() < ends:
        part = 0.2 if rounds else 1.0
        for campaign in (
            lambda folder: kills(folder, dice, times=6),
            lambda folder: cuts(folder, dice, times=20),
            lambda folder: damages(folder, dice, times=60),
            lambda folder: files(folder, dice, times=80),
            lambda folder: texts(dice, times=60),
            lambda folder, part=part: environments(folder, fraction=part),
        ):
            if rounds and time.monotonic() > ends:
                break
            with tempfile.TemporaryDirectory() as folder:
                _add(totals, campaign(Path(folder)))
        rounds += 1
    print(machine())
    print(f"seed {given.seed}, {rounds} rounds")
    print(table(list(totals.values())))
    sys.exit(0 if all(tally.clean for tally in totals.values()) else 1)


def _add(totals: dict[str, Tally], tally: Tally) -> None:
    total = totals.setdefault(tally.kind, Tally(kind=tally.kind))
    for name in ("tried", "lost", "doubled", "tracebacks", "different"):
        setattr(total, name, getattr(total, name) + getattr(tally, name))
    for note in tally.notes:
        total.note(note)


if __name__ == "__main__":
    main()
