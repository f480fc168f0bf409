"""A run made up for tests and benchmarks: outcomes by a seeded coin, pictures of dots whose boxes are known."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from countcheck.counting.rule import CountingRule, count
from countcheck.counting.verdict import Kind, judge
from countcheck.detectors.base import Detections
from countcheck.storage.records import OutcomeRecord
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import CounterInfo, GeneratorInfo, RunInfo, SelfTestInfo
from countcheck.suites.samples import Recipe, plan
from countcheck.suites.suite import Conversation, Prompt, Suite, Target, Turn

RULE = CountingRule(threshold=0.4, margin=0.1)
NOUNS = ("pig", "wolf", "apple", "cat")
STYLES = ("photo", "noir", "watercolour")
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
REFUSALS = (
    ("stated", "violence", "I can't draw this: it may show violence."),
    ("unexplained", "", "I'm not able to help with that."),
    ("deflected", "", "What kind of light would you like?"),
)


def a_suite(prompts: int = 24, conversations: int = 2, *, hostile: str = "") -> Suite:
    """Prompts over nouns, numbers, styles and number forms; conversations about pigs that turn noir."""
    asked = []
    for i in range(prompts):
        noun, style, n = NOUNS[i % 4], STYLES[(i // 2) % 3], 1 + (i * 5) % 6
        form = ("words", "digits")[i % 2]
        text = f"{WORDS[n] if form == 'words' else n} {noun}{'s' if n > 1 else ''}, {style}{hostile}"
        tags = {"style": style, "number_form": form}
        targets = (Target(noun=noun, count=n),)
        asked.append(Prompt(id=f"p{i:05}", text=text, targets=targets, tags=tags, group=f"g{i // 3}"))
    three = (Target(noun="pig", count=3),)
    talks = tuple(
        Conversation(
            id=f"talk{i}",
            turns=(
                Turn(say="Draw three little pigs.", targets=three),
                Turn(say=f"Now in noir tone.{hostile}", targets=three),
                Turn(say="Let it rain.", targets=three),
            ),
            repairs=1,
        )
        for i in range(conversations)
    )
    return Suite(name="made-up", description="Made up for a test.", prompts=tuple(asked), conversations=talks)


def a_run(
    path: Path,
    *,
    suite: Suite | None = None,
    generators: tuple[tuple[str, float, float], ...] = (("alpha", 0.75, 0.05), ("beta", 0.5, 0.15)),
    repeats: int = 2,
    words: str = "",
    size: int = 96,
    pictures: bool = True,
    price: float | None = 0.004,
    noisy: float = 0.08,
    counter_name: str = "dots",
    painted: Sequence[bytes] = (),
) -> RunFolder:
    """A finished run. ``generators``: name, share of exact pictures, share of refusals.

    ``painted``: files that stand in for the pictures of dots, where their weight matters and their content does not.
    """
    suite = suite or a_suite()
    recipes = {name: Recipe(name=name, revision="0123abc", settings={"steps": 4}) for name, _, _ in generators}
    controls: dict[str, Any] = {"passed": True, "right": 47, "total": 48, "needed": 46, "by_style": {}}
    run = RunFolder.create(path, _info(suite, recipes, repeats))
    counter = CounterInfo.from_json({"name": counter_name, "rule": asdict(RULE)})
    counting = run.begin_counting(counter, SelfTestInfo.from_json(controls))
    for name, exact, refused in generators:
        samples = list(plan(suite, recipes[name], repeats=repeats))
        run.add_planned(samples)
        entries = []
        for sample in samples:
            coin = random.Random(sample.key)
            if isinstance(sample.asked, Prompt):
                turns = [(sample.text, 0, 0, sample.asked.targets)]
            else:
                turns = [(t.say, i, 0, t.targets) for i, t in enumerate(sample.asked.turns)]
            for turn, (text, script, repair, targets) in enumerate(turns):
                entry = _entry(
                    run, sample.key, turn, script, repair, text, targets, coin, exact, refused,
                    counting=counting, words=words, size=size, pictures=pictures, price=price, noisy=noisy,
                    painted=painted, closes=turn == len(turns) - 1,
                )  # fmt: skip
                entries.append(entry)
        run.write(entries, counting)
    return run


def _info(suite: Suite, recipes: dict[str, Recipe], repeats: int) -> RunInfo:
    from countcheck.suites.serialize import suite_to_json

    return RunInfo(
        suite=suite.name,
        suite_body=suite_to_json(suite),
        suite_digest=suite.digest,
        generators={n: GeneratorInfo(revision=r.revision, settings=dict(r.settings)) for n, r in recipes.items()},
        repeats=repeats,
        device="cpu",
        versions={"countcheck": "0.1.0", "python": "3.11"},
        created="2026-11-22T14:00:00+00:00",
    )


def _entry(
    run: RunFolder, key: str, turn: int, script: int, repair: int, text: str, targets: tuple[Target, ...],
    coin: random.Random, exact: float, refused: float, *, counting: int, words: str, size: int, pictures: bool,
    price: float | None, noisy: float, painted: Sequence[bytes], closes: bool,
) -> OutcomeRecord:  # fmt: skip
    common: dict[str, Any] = {"key": key, "turn": turn, "script": script, "repair": repair, "text": text}
    common |= {"seconds": round(coin.uniform(0.4, 2.0), 3), "cost": price, "closes": closes}
    luck = coin.random()
    if luck < refused:
        reason, category, said = coin.choice(REFUSALS)
        detail = {"reason": reason, "category": category, "words": said + words}
        return OutcomeRecord(outcome="refusal", detail=detail, verdict=Kind.REFUSED, leaning=Kind.REFUSED, **common)
    if luck > 0.99:
        detail = {"fault": "transient", "message": "timed out" + words}
        return OutcomeRecord(outcome="failure", detail=detail, verdict=Kind.FAILED, leaning=Kind.FAILED, **common)
    numbers = {t.noun: t.count or 0 for t in targets}
    if coin.random() > exact:
        noun = coin.choice(list(numbers))
        numbers[noun] = max(0, numbers[noun] + coin.choice((-2, -1, -1, 1, 1, 2)))
    found, drawn = _draw(numbers, size, coin, pictures, noisy)
    picture = digest = ""
    if pictures:
        picture = run.pictures.path_of(key, turn)
        drawn = coin.choice(painted) if painted else drawn
        digest = run.pictures.writer.write(picture, drawn).digest
    counted = count(found, numbers, RULE)
    verdict = judge(targets, counted)
    return OutcomeRecord(
        outcome="picture",
        picture=picture,
        digest=digest,
        detections=found,
        verdict=verdict.kind,
        leaning=verdict.leaning,
        reason=verdict.reason,
        counted={n: (counted.counts[n], counted.low[n], counted.high[n]) for n in counted.counts},
        detail={"words": "Here you are!" + words, "claims": True} if coin.random() < 0.3 else {},
        **common,
    )


def _draw(
    numbers: dict[str, int], size: int, coin: random.Random, pictures: bool, noisy: float
) -> tuple[Detections, bytes]:
    cells = [(x, y) for y in range(4) for x in range(4)]
    coin.shuffle(cells)
    step = size / 4
    boxes, scores, nouns = [], [], []
    image = Image.new("RGB", (size, size), (236, 230, 216))
    pen = ImageDraw.Draw(image)
    for noun, n in numbers.items():
        for _ in range(n):
            x, y = cells.pop()
            box = (x * step + 2, y * step + 2, (x + 1) * step - 2, (y + 1) * step - 2)
            boxes.append(box)
            scores.append(0.45 if coin.random() < noisy else coin.uniform(0.6, 0.98))
            nouns.append(noun)
            pen.ellipse(box, fill={"pig": (224, 150, 150), "wolf": (110, 110, 125)}.get(noun, (150, 170, 110)))
    file = io.BytesIO()
    if pictures:
        image.save(file, "PNG")
    return (
        Detections(
            boxes=np.array(boxes, np.float32).reshape(-1, 4),
            scores=np.array(scores, np.float32),
            nouns=tuple(nouns),
            size=(size, size),
        ),
        file.getvalue(),
    )
