"""Watch a folder of samples with the real MLflow and Weights & Biases, offline, and print what they kept by step.

    pip install 'countcheck[mlflow,wandb]'
    python -m benchmarks.bridges.trackers_run

MLflow writes to an SQLite file, wandb to its offline folder; both are read back. The watch is
ended after the second checkpoint and given again, so that both go on with their runs.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from countcheck.cli.main import execute
from countcheck.images.decode import encode_png
from countcheck.scenes import compose, render

PROMPTS = {"one pig": 1, "two pigs": 2, "three pigs": 3, "four pigs": 4}
# How many of the pictures have a pig too many, by step.
WRONG = {500: 3, 1000: 2, 1500: 0}


def draw(folder: Path, step: int) -> None:
    """Write a checkpoint's samples."""
    place = folder / f"checkpoint-{step}"
    place.mkdir(parents=True)
    for n, (text, pigs) in enumerate(PROMPTS.items()):
        drawn = pigs + (n < WRONG[step])
        (place / f"{text.replace(' ', '_')}.png").write_bytes(encode_png(render(compose({"pig": drawn}, seed=n), 256)))


def main() -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.environ |= {
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
            "WANDB_MODE": "offline",
            "WANDB_DIR": str(folder),
            "WANDB_SILENT": "true",
        }
        (folder / "prompts.txt").write_text("\n".join(PROMPTS))
        command = ["watch", str(folder / "samples"), "--suite", str(folder / "prompts.txt"), "-d", "tiny", "--once"]
        command += ["--interval", "0.1", "-o", str(folder / "run"), "--mlflow", "pigs", "--wandb", "pigs"]
        for steps in ((500, 1000), (1500,)):
            for step in steps:
                draw(folder / "samples", step)
            assert execute(command) == 0
        print(f"{'step':<8}{'MLflow':>10}{'wandb':>10}{'wandb low':>12}{'high':>8}")
        mlflow, wandb = dict(mlflow_points()), {point["step"]: point for point in wandb_points(folder)}
        for step in WRONG:
            point = wandb[step]
            print(
                f"{step:<8}{mlflow[step]:>10.2f}{point['exact_rate']:>10.2f}"
                f"{point['exact_rate.low']:>12.2f}{point['exact_rate.high']:>8.2f}"
            )


def mlflow_points() -> Iterator[tuple[int, float]]:
    """The exact rate by step that MLflow holds; there is one run."""
    import mlflow

    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("pigs").experiment_id])
    for metric in client.get_metric_history(run.info.run_id, "exact_rate"):
        yield metric.step, metric.value


def wandb_points(folder: Path) -> Iterator[dict[str, Any]]:
    """The points that wandb holds in its offline files, of one run's id."""
    import json

    from wandb.proto import wandb_internal_pb2

    files = sorted(folder.glob("wandb/offline-run-*/run-*.wandb"))
    assert len({file.stem for file in files}) == 1, "wandb went on with another run"
    for file in files:
        for data in log_records(file.read_bytes()):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            if record.WhichOneof("record_type") == "history":
                yield {
                    (item.key or ".".join(item.nested_key)): json.loads(item.value_json) for item in record.history.item
                }


def log_records(data: bytes) -> Iterator[bytes]:
    """The records of wandb's file: a LevelDB log, blocks of 32 KiB with a header of 7 bytes before every part."""
    block, place, parts = 32768, 7, b""
    while place + 7 <= len(data):
        if block - place % block < 7:
            place += block - place % block
            continue
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        parts += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield parts
            parts = b""


if __name__ == "__main__":
    main()
