"""A small run written through the storage alone: no generator, no counter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import squares

from countcheck.counting.verdict import Kind
from countcheck.detectors.base import Detections
from countcheck.images.decode import encode_png
from countcheck.storage.records import OutcomeRecord
from countcheck.storage.rows import Label
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import CounterInfo, DetectorInfo, GeneratorInfo, RunInfo
from countcheck.suites.samples import Recipe, plan
from countcheck.suites.serialize import suite_to_json

COUNTER = CounterInfo(name="boxes", detector=DetectorInfo(family="x"), rule={"threshold": 0.4})


def detections(n: int) -> Detections:
    return Detections(
        boxes=np.array([[4 * i, 0, 4 * i + 3, 3] for i in range(n)], np.float32).reshape(-1, 4),
        scores=np.full(n, 0.75, np.float32),
        nouns=("square",) * n,
        size=(64, 48),
    )


def write_run(path: Path) -> RunFolder:
    """A run, still open: a picture that is exact, one that is over, a refusal; a label; a sample that is missing."""
    suite = squares.suite("3 squares", "2 squares", "4 squares", "5 squares")
    run = RunFolder.create(
        path, RunInfo(suite="squares", suite_body=suite_to_json(suite), generators={"g": GeneratorInfo()})
    )
    samples = list(plan(suite, Recipe(name="g")))
    run.add_planned(samples)
    counting = run.begin_counting(COUNTER)
    entries = []
    for sample, n, kind in zip(samples, (3, 3), (Kind.EXACT, Kind.OVER), strict=False):
        picture = run.pictures.path_of(sample.key, 0)
        data = encode_png(squares.squares(n))
        entries.append(
            OutcomeRecord(
                key=sample.key,
                outcome="picture",
                text=sample.text,
                picture=picture,
                digest=run.pictures.writer.write(picture, data).digest,
                bytes=len(data),
                seconds=1.5,
                cost=0.04,
                detections=detections(n),
                verdict=kind,
                leaning=kind,
                counted={"square": (n, n, n)},
            )
        )
    entries.append(
        OutcomeRecord(
            key=samples[2].key,
            outcome="refusal",
            text=samples[2].text,
            detail={"reason": "stated", "words": "I will not draw squares."},
            verdict=Kind.REFUSED,
            leaning=Kind.REFUSED,
        )
    )
    run.write(entries, counting)
    run.label_store.add([Label(key=samples[0].key, noun="square", count=3, labeller="ada", at="2026-11-28")])
    return run
