"""Finished runs of any size with made-up outcomes, written as a run writes them: for benchmarks of what reads runs.

Nine in ten samples are pictures with five boxes each, the others refusals and failures. The boxes of one picture in a
few hundred are drawn anew, counted and judged; the others repeat them, so that a million samples take two minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from countcheck.cards import Card
from countcheck.counting.counter import Counter
from countcheck.counting.verdict import Kind, judge
from countcheck.detectors.base import Detections
from countcheck.engine.provenance import describe_counter
from countcheck.storage.records import OutcomeRecord
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import GeneratorInfo, RunInfo, SelfTestInfo
from countcheck.suites.samples import Recipe, Sample, plan
from countcheck.suites.serialize import suite_to_json
from countcheck.suites.suite import Noun, Prompt, Suite, Target

REPEATS = 10
KINDS = 512
"""Different outcomes in a ledger."""
NOUNS = ("blob", "pig", "cat", "star")
STYLES = ("plain", "noir", "rain")


class Blind:
    """A detector that is never asked to look: a recount reads stored boxes."""

    name = "blind"
    vocabulary = frozenset(NOUNS)

    def detect(self, pictures, nouns):
        raise AssertionError("a recount must not look again")


def blind_counter() -> Counter:
    """A counter that counts stored boxes and never sees a picture."""
    return Counter(Card(name="blind", family="blind", rule={"margin": 0.05}), Blind())


def made_suite(prompts: int) -> Suite:
    """A suite of so many prompts, for 0 to 5 of one noun, in three styles."""
    return Suite(
        name="synthetic",
        prompts=tuple(
            Prompt(
                id=f"p{i}",
                text=f"{i % 6} {NOUNS[i // 6 % 4]}s, number {i}",
                targets=(Target(noun=NOUNS[i // 6 % 4], count=i % 6),),
                tags={"style": STYLES[i // 24 % 3]},
            )
            for i in range(prompts)
        ),
    )


def made_entries(samples: Sequence[Sample], counter: Counter, seed: int = 0) -> list[OutcomeRecord]:
    """Make the outcomes of samples of `made_suite`; another seed makes others."""
    dice = np.random.default_rng(seed)
    kinds: dict[tuple[str, int, int], OutcomeRecord] = {}
    entries = []
    for sample, kind in zip(samples, dice.integers(0, KINDS, len(samples)).tolist(), strict=True):
        (target,) = sample.asked.targets
        name = (target.noun, target.count, kind)
        if name not in kinds:
            kinds[name] = _entry(target, counter, np.random.default_rng([seed, kind, target.count]), kind)
        entry = replace(kinds[name], key=sample.key, text=sample.text)
        if entry.outcome == "picture":
            entry = replace(entry, picture=f"images/{sample.key[:2]}/{sample.key}.png")
        entries.append(entry)
    return entries


def _entry(target: Target, counter: Counter, dice: np.random.Generator, kind: int) -> OutcomeRecord:
    common = {"key": "", "text": "", "seconds": float(dice.uniform(0.2, 2)), "cost": 0.004}
    if kind % 20 == 0:
        detail = {"reason": "unexplained", "words": "I cannot draw that.", "code": "blocked"}
        return OutcomeRecord(
            outcome="refusal", verdict=Kind.REFUSED, leaning=Kind.REFUSED, reason="refused", detail=detail, **common
        )
    if kind % 20 == 1:
        detail = {"fault": "transient", "message": "Connection refused"}
        return OutcomeRecord(
            outcome="failure", verdict=Kind.FAILED, leaning=Kind.FAILED, reason="failed", detail=detail, **common
        )
    corners = dice.uniform(0, 90, (5, 2))
    found = Detections(
        boxes=np.concatenate([corners, corners + 12], 1).astype(np.float32),
        scores=dice.uniform(0.05, 1, 5).astype(np.float32),
        nouns=(target.noun,) * 5,
        size=(128, 128),
    )
    counted = counter.count(found, [Noun(name=target.noun)])
    verdict = judge((target,), counted)
    numbers = (counted.counts[target.noun], counted.low[target.noun], counted.high[target.noun])
    return OutcomeRecord(
        outcome="picture",
        detections=found,
        verdict=verdict.kind,
        leaning=verdict.leaning,
        reason=verdict.reason,
        counted={target.noun: numbers},
        **common,
    )


def made_run(path: Path, total: int, *, seed: int = 0) -> None:
    """Write a finished run of so many samples, `REPEATS` of each prompt."""
    counter = blind_counter()
    suite = made_suite(total // REPEATS)
    samples = list(plan(suite, Recipe(name="g"), repeats=REPEATS))
    info = RunInfo(
        suite=suite.name,
        suite_digest=suite.digest,
        suite_body=suite_to_json(suite),
        generators={"g": GeneratorInfo()},
    )
    with RunFolder.create(path, info) as run:
        write_outcomes(run, samples, made_entries(samples, counter, seed), counter)


def write_outcomes(run: RunFolder, samples: Sequence[Sample], entries: Sequence[OutcomeRecord], counter: Counter):
    """Write planned samples and their outcomes, counted by this counter."""
    passed = {"passed": True, "right": 48, "total": 48, "needed": 46, "by_style": {}}
    counting = run.begin_counting(describe_counter(counter), SelfTestInfo.from_json(passed))
    run.add_planned(samples)
    for start in range(0, len(entries), 20_000):
        run.write(entries[start : start + 20_000], counting)
