"""Made-up labelled counts whose best rule is known."""

from __future__ import annotations

import numpy as np

from countcheck.calibration.examples import Example
from countcheck.counting.rule import CountingRule
from countcheck.detectors.base import Detections
from countcheck.storage.rows import ResultRow

RULE = CountingRule(threshold=0.3, floor=0.05)


def seen(scores, noun="pig"):
    n = len(scores)
    left = np.arange(n, dtype=np.float32) * 20
    boxes = np.stack([left, np.zeros(n), left + 10, np.full(n, 10)], axis=1).astype(np.float32)
    return Detections(
        boxes=boxes.reshape(-1, 4), scores=np.array(scores, np.float32), nouns=(noun,) * n, size=(400, 20)
    )


def examples(true_at, *, prompts=40, repeats=2, noun="pig", seed=0):
    """Real objects score above ``true_at``, phantoms below it; a rule with that threshold is always right."""
    dice = np.random.default_rng(seed)
    made = []
    for p in range(prompts):
        for r in range(repeats):
            truth = int(dice.integers(1, 6))
            real = dice.uniform(true_at + 0.06, 0.99, truth)
            phantoms = dice.uniform(0.1, true_at - 0.06, int(dice.integers(1, 4)))
            row = ResultRow(
                key=f"{p:04}{r}{noun}", generator="g", prompt_id=f"{noun}{p}", repeat=r, seed=0, text="", outcome="picture",
                tags={"style": "noir" if p % 2 else "photo"},
            )  # fmt: skip
            made.append(Example(row=row, detections=seen([*real, *phantoms], noun), noun=noun, truth=truth))
    return made
