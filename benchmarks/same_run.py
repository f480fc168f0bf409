"""The same suite in one process, in two shards that are merged, on two worker processes and on Ray with two raylets.

    python -m benchmarks.same_run [SUITE] [--repeats 2]

Every row of ``export --format jsonl`` is compared, but for seconds, and every picture's SHA-256.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from dataclasses import replace  # noqa: E402

from benchmarks.machine import machine  # noqa: E402
from countcheck.cards import read_generator_card  # noqa: E402
from countcheck.counting.counter import load_counter  # noqa: E402
from countcheck.engine.config import RunConfig  # noqa: E402
from countcheck.engine.merge import merge  # noqa: E402
from countcheck.engine.run import run  # noqa: E402
from countcheck.engine.shard import Shard, shard_path  # noqa: E402
from countcheck.engine.workers.processes import run_on_devices  # noqa: E402
from countcheck.storage.rows import row_to_json  # noqa: E402
from countcheck.storage.run_folder import RunFolder  # noqa: E402
from countcheck.suites.catalog import load_suite  # noqa: E402


def in_shards(config: RunConfig, path: Path) -> RunFolder:
    """Two parts, merged."""
    parts = []
    for index in (1, 2):
        shard = Shard(index=index, count=2)
        parts.append(shard_path(path, shard))
        run(replace(config, path=parts[-1], shard=shard), load_counter("tiny")).close()
    return merge(parts, path)


def on_ray(config: RunConfig) -> RunFolder:
    """Two workers on two raylets."""
    import ray
    from ray.cluster_utils import Cluster

    from countcheck.engine.ray import run_on_ray

    os.environ["PYTHONPATH"] = str(ROOT)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
    try:
        return run_on_ray(config, "tiny", workers=2)
    finally:
        ray.shutdown()
        cluster.shutdown()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("suite", nargs="?", default="three-little-pigs")
    options.add_argument("--repeats", type=int, default=2)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = RunConfig(
            suite=load_suite(given.suite),
            generators=[read_generator_card("scenes?size=256&error_rate=0.2")],
            path=Path(folder) / "one",
            repeats=given.repeats,
        )
        ways = {
            "one process": lambda: run(config, load_counter("tiny")),
            "two shards, merged": lambda: in_shards(config, Path(folder) / "merged"),
            "two processes": lambda: run_on_devices(replace(config, path=Path(folder) / "two"), "tiny", "cpu,cpu"),
            "Ray, two raylets": lambda: on_ray(replace(config, path=Path(folder) / "ray")),
        }
        first: list[dict[str, object]] = []
        print(f"{'':22}{'rows':>7}{'seconds':>9}{'rows that differ':>18}{'pictures that differ':>22}")
        failed = False
        for name, make in ways.items():
            began = time.perf_counter()
            with make() as made:
                rows = [{**row_to_json(row), "seconds": None, "digest": row.digest} for row in made.rows()]
            first = first or rows
            digests = sum(a["digest"] != b["digest"] for a, b in zip(rows, first, strict=True))
            others = sum({**a, "digest": ""} != {**b, "digest": ""} for a, b in zip(rows, first, strict=True))
            failed |= bool(digests or others)
            print(f"{name:22}{len(rows):>7}{time.perf_counter() - began:>9.1f}{others:>18}{digests:>22}", flush=True)
    print(machine())
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
