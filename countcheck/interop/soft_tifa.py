"""Score pictures as Soft-TIFA does: by the probability that a vision-language model gives to the right answer.

GenEval 2 asks a model one question for each part of a prompt, and takes the probability of the first word of the right
answer. The score of a picture is their arithmetic mean (AM) or their geometric mean (GM). Here only the questions for
numbers are asked; GenEval 2 also asks for attributes, positions and verbs, so that its own totals are others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from countcheck.detectors.base import Detections
from countcheck.errors import BadInput
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.language.nouns import plural_of
from countcheck.suites.language.numbers import MOST, spell
from countcheck.suites.suite import Relation, Target

LEAST = 1e-5  # stored scores have five decimals; the logarithm of 0 is none


def soft_tifa_scores(run: RunFolder, rows: Sequence[ResultRow]) -> list[Mapping[str, Any]]:
    """Score every counted picture of a run, a record a picture; those whose prompt asks for no exact number are left out.

    Args:
        run: Holds the detections.
        rows: Of the run.

    Raises:
        BadInput: When the run was counted without probabilities.
    """
    detector = run.info.counter.detector
    if detector.family != "vlm" or detector.settings.get("ask") != "probabilities":
        raise BadInput(
            f"{run.path} was not counted with probabilities, which Soft-TIFA needs. Give countcheck recount "
            f'{run.path} -d "vlm:MODEL?ask=probabilities", then export with --counting.'
        )
    by_picture = {(key, turn): detections for key, turn, detections in run.detections()}
    lines: list[Mapping[str, Any]] = []
    for row in rows:
        detections = by_picture.get((row.key, row.turn))
        if row.outcome != "picture" or detections is None:
            continue
        atoms = [
            _atom(target, detections)
            for target in row.targets
            if target.relation in (Relation.EXACTLY, Relation.NONE) and target.noun not in detections.unsupported
        ]
        if not atoms:
            continue
        probabilities = [atom["probability"] for atom in atoms]
        lines.append(
            {
                "prompt_id": row.prompt_id,
                "generator": row.generator,
                "repeat": row.repeat,
                "turn": row.turn,
                "prompt": row.text,
                "filename": str(run.path / row.picture),
                "atoms": atoms,
                "soft_tifa_am": round(arithmetic_mean(probabilities), 6),
                "soft_tifa_gm": round(geometric_mean(probabilities), 6),
            }
        )
    return lines


def arithmetic_mean(probabilities: Sequence[float]) -> float:
    """Take the arithmetic mean of one or more probabilities."""
    return sum(probabilities) / len(probabilities)


def geometric_mean(probabilities: Sequence[float]) -> float:
    """Take the geometric mean of one or more probabilities; smaller ones than 0.00001 are taken as that.

    >>> round(geometric_mean([0.5, 0.125]), 4)
    0.25
    """
    return math.exp(sum(math.log(max(p, LEAST)) for p in probabilities) / len(probabilities))


def _atom(target: Target, detections: Detections) -> dict[str, Any]:
    """One question with its answer and the answer's probability: that of at least so many less that of more."""
    number = target.count or 0
    scores = sorted(
        (float(s) for s, noun in zip(detections.scores, detections.nouns, strict=True) if noun == target.noun),
        reverse=True,
    )
    at_least = [1.0, *scores, 0.0]
    probability = at_least[number] - at_least[number + 1] if number < len(at_least) - 1 else 0.0
    return {
        "question": f"How many {plural_of(target.noun)} are in the image?",
        "answer": spell(number) if number <= MOST else str(number),
        "probability": round(max(probability, 0.0), 5),
    }
