"""``kill -9`` of workers, of heads and of whole machines at random instants: every run ends as an undisturbed one.

    python -m benchmarks.worker_kills [--times 30] [--seed N] [--only workers|heads|machines]

Workers and heads are processes of runs with ``--device cpu,cpu``; machines are raylets of a Ray cluster on this machine.
The generator is ``scenes``, the counter the shipped one. Rows are compared with those of a run in one process: all but
seconds, and the digest of every picture.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACES = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "generators")]
sys.path[:0] = PLACES

from chaos.tally import Tally, table  # noqa: E402
from chaos.worker_kills import head_kills, machine_kills, worker_kills  # noqa: E402

from benchmarks.machine import machine  # noqa: E402


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--times", type=int, default=30)
    options.add_argument("--seed", type=int, default=random.randrange(2**32))
    options.add_argument("--only", choices=("workers", "heads", "machines"))
    given = options.parse_args()
    dice = random.Random(given.seed)
    tallies: list[Tally] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        if given.only in (None, "workers"):
            tallies.append(worker_kills(Path(folder) / "workers", dice, times=given.times, kind="scenes"))
        if given.only in (None, "heads"):
            tallies.append(head_kills(Path(folder) / "heads", dice, times=given.times, kind="scenes"))
        if given.only in (None, "machines"):
            tallies.append(_machines(Path(folder) / "machines", dice, given.times))
    print(f"seed {given.seed}, {time.monotonic() - began:.0f} s")
    print(table(tallies))
    print(machine())
    sys.exit(0 if all(tally.clean for tally in tallies) else 1)


def _machines(folder: Path, dice: random.Random, times: int) -> Tally:
    import ray
    from ray.cluster_utils import Cluster

    os.environ["PYTHONPATH"] = os.pathsep.join(PLACES)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
    try:
        return machine_kills(folder, dice, cluster, times=times, kind="scenes")
    finally:
        ray.shutdown()
        cluster.shutdown()


if __name__ == "__main__":
    main()
