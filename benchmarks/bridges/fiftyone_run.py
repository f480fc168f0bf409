"""Add a run's pictures to the real FiftyOne with its own database, and print what it holds of them.

    pip install fiftyone
    python -m benchmarks.bridges.fiftyone_run

FiftyOne starts its MongoDB in a new folder. Where its package could not download one, put a ``mongod`` of version 6 or
later on the path. The pictures are drawn by rule; two have a pig too many. The export is given twice, and
the first sample gets a tag in between.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from countcheck.cli.main import execute
from countcheck.images.decode import encode_png
from countcheck.scenes import compose, render

PROMPTS = {"one pig": 1, "two pigs": 2, "three pigs": 4, "four pigs": 4, "five pigs": 5, "six pigs": 7}


def main() -> None:
    if len(sys.argv) > 1:
        export(Path(sys.argv[1]))
        return
    # A process of its own, since FiftyOne's database ends with the process that began it.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = {"FIFTYONE_DATABASE_DIR": f"{folder}/database", "FIFTYONE_DO_NOT_TRACK": "true"}
        command = [sys.executable, "-m", "benchmarks.bridges.fiftyone_run", folder]
        subprocess.run(command, env={**os.environ, **settings}, check=True)


def export(folder: Path) -> None:
    """Score drawn pictures, and export the run twice."""
    import fiftyone

    suite, run = draw(folder / "pictures"), str(folder / "run")
    execute(["score", str(folder / "pictures"), "--suite", str(suite), "-d", "tiny", "-o", run])
    execute(["export", run, "-f", "fiftyone", "-o", "pigs"])
    fiftyone.load_dataset("pigs").limit(1).tag_samples("seen")
    execute(["export", run, "-f", "fiftyone", "-o", "pigs"])
    show("pigs")


def draw(folder: Path) -> Path:
    """Write the pictures and the suite that they answer; returns its file."""
    folder.mkdir()
    for number, (text, pigs) in enumerate(PROMPTS.items()):
        (folder / f"{text}.png").write_bytes(encode_png(render(compose({"pig": pigs}, seed=number), 256)))
    prompts = [
        {"text": text, "targets": [{"noun": "pig", "count": number}], "tags": {"style": "plain"}}
        for number, text in enumerate(PROMPTS, 1)
    ]
    file = folder.parent / "pigs.yaml"
    file.write_text(json.dumps({"name": "pigs", "prompts": prompts}))
    return file


def show(name: str) -> None:
    """Print what FiftyOne answers to questions about the dataset."""
    import fiftyone
    from fiftyone import ViewField

    dataset = fiftyone.load_dataset(name)
    wrong = dataset.match(ViewField("verdict.label") != "exact")
    print(f"fiftyone {fiftyone.__version__}: {len(dataset)} samples of {dataset.media_type}")
    print(f"{'verdicts':<22}{dataset.count_values('verdict.label')}")
    print(f"{'tags':<22}{dataset.count_sample_tags()}")
    print(f"{'boxes':<22}{dataset.count_values('counted_boxes.detections.label')}")
    print(f"{'scores from, to':<22}{dataset.bounds('counted_boxes.detections.confidence')}")
    print(f"{'pigs asked for':<22}{dataset.sum('asked.pig')}")
    print(f"{'pigs counted':<22}{dataset.sum('counted.pig')}")
    print(f"{'prompts drawn wrong':<22}{sorted(set(wrong.values('prompt')))}")
    print(f"{'size of the first':<22}{_size(dataset)}")


def _size(dataset: Any) -> str:
    """Have FiftyOne open the first picture."""
    dataset.compute_metadata()
    metadata = dataset.first().metadata
    return f"{metadata.width} x {metadata.height}"


if __name__ == "__main__":
    main()
