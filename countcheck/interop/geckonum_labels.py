"""GeckoNum's human counts as a run with labels: no pictures, the same statistics (Kajic et al. 2024).

Reads its ``task_1_MODEL.csv`` files: one answer a row to "How many dogs are in the image?", five people a picture. The
files leave some cases open; these rules settle them, and the notes say how often each applied: repeated rows are taken
once; "10+" stands as 11; a range such as "2-3" stands as a half, and its person as one who cannot tell; picture ids
repeat across models, so the model is part of the sample; answers to prompts that the suite leaves out (fractions, "a
few") are left out.
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, floor
from pathlib import Path
from statistics import median

from countcheck.counting.counts import Count
from countcheck.counting.verdict import judge
from countcheck.errors import BadInput, BadSuite
from countcheck.storage.records import OutcomeRecord
from countcheck.storage.rows import Label
from countcheck.storage.run_folder import RunFolder
from countcheck.storage.run_info import CounterInfo, GeneratorInfo, RunInfo
from countcheck.suites.language.nouns import plural_of
from countcheck.suites.readers import PromptCollector, table_rows
from countcheck.suites.samples import Recipe, Sample, key_of, seed_of
from countcheck.suites.serialize import suite_to_json
from countcheck.suites.suite import Prompt, Suite, Target
from countcheck.version import __version__

_QUESTION = re.compile(r"how many (.+?) (?:are|is|do|can)\b", re.IGNORECASE)
_IMAGE = re.compile(r"(.+)_(\d+)")
_COLUMNS = ("image_id", "question", "annot_id", "answer")
COUNTER = "people"


@dataclass(slots=True)
class Answers:
    """All answers of some label files.

    Attributes:
        by_picture: (model, prompt id, repeat) to question to person to number; halves are ranges, ``None`` means that
            the answer is no number.
        notes: How often each rule of this module applied.
    """

    by_picture: dict[tuple[str, str, int], dict[str, dict[str, float | None]]] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)


def read_answers(paths: Sequence[Path]) -> Answers:
    """Read the answers in task 1 label files.

    Raises:
        BadInput: For a file of another kind.
    """
    answers = Answers()
    for path in paths:
        _read_file(path, answers)
    return answers


def _read_file(path: Path, answers: Answers) -> None:
    collector = PromptCollector()
    try:
        rows = list(table_rows(path, collector))
    except BadSuite as error:
        raise BadInput(str(error)) from error
    if not rows or not all(name in rows[0][1] for name in _COLUMNS):
        columns = f"the columns {', '.join(rows[0][1])}" if rows else "no rows"
        raise BadInput(f"{path} has {columns}; counts by people need {', '.join(_COLUMNS)}. Give task_1_MODEL.csv.")
    answers.notes["rows that could not be read"] += len(collector.skipped)
    for _, row in rows:
        image, question = _IMAGE.fullmatch(row["image_id"]), _QUESTION.match(row["question"])
        if image is None or question is None:
            answers.notes["rows that could not be read"] += 1
            continue
        picture = (row.get("model") or path.stem.removeprefix("task_1_"), image[1], int(image[2]))
        people = answers.by_picture.setdefault(picture, {}).setdefault(question[1].lower().strip(), {})
        number = _number(row["answer"], row.get("raw_answer", ""), answers.notes)
        if row["annot_id"] in people:
            same = people[row["annot_id"]] == number
            answers.notes["rows that repeat" if same else "rows that contradict an earlier one of the same person"] += 1
            continue
        people[row["annot_id"]] = number
        answers.notes["answers"] += 1


def _number(answer: str, raw: str, notes: Counter[str]) -> float | None:
    try:
        number = float(answer)
    except ValueError:
        notes["answers that are no number"] += 1
        return None
    if number < 0 or number != number or number > 10_000:
        notes["answers that are no number"] += 1
        return None
    if "+" in raw or (number == 11 and not raw):
        notes['answers "10+", which stand as 11'] += 1
    if number != int(number):
        notes["ranges, which stand as halves"] += 1
    return number


def run_of_labels(
    suite: Suite, paths: Sequence[Path], path: Path, *, report: Callable[[str], None] = lambda sentence: None
) -> RunFolder:
    """Make a run whose counts are people's: the median answer of each picture, judged against what was asked.

    The run is returned open.

    Where the two middle answers differ, both are the count's margin, and a verdict that flips between them is
    uncertain. Only prompts that somebody labelled are asked.

    Raises:
        BadInput: When a file holds no counts, no answer belongs to the suite, or a run stands there already.
    """
    answers = read_answers(paths)
    prompts = {prompt.id: prompt for prompt in suite.prompts}
    by_picture = {picture: given for picture, given in answers.by_picture.items() if picture[1] in prompts}
    answers.notes["pictures of prompts that the suite leaves out"] += len(answers.by_picture) - len(by_picture)
    if not by_picture:
        raise BadInput(
            f"{paths[0]}: none of its pictures belongs to a prompt of {suite.name}. Give GeckoNum's prompts.csv."
        )
    if RunFolder.exists(path):
        raise BadInput(f"{path} is already a run. Name another folder with -o.")
    labelled = {prompt_id for _, prompt_id, _ in by_picture}
    asked = replace(suite, prompts=tuple(p for p in suite.prompts if p.id in labelled))
    repeats = 1 + max(repeat for *_, repeat in by_picture)
    recipes = {
        model: Recipe(name=model, settings={"labels": "geckonum"}) for model in sorted({m for m, *_ in by_picture})
    }
    run = RunFolder.create(path, _info(asked, recipes, repeats, paths))
    try:
        _fill(run, asked, recipes, repeats, by_picture, answers.notes)
    except BaseException:
        run.close()
        raise
    for note, number in answers.notes.items():
        if number:
            report(f"{number} {note}")
    return run


def _info(suite: Suite, recipes: Mapping[str, Recipe], repeats: int, paths: Sequence[Path]) -> RunInfo:
    return RunInfo(
        suite=suite.name,
        suite_digest=suite.digest,
        suite_body=suite_to_json(suite),
        repeats=repeats,
        generators={
            name: GeneratorInfo(settings=dict(recipe.settings), family="labels") for name, recipe in recipes.items()
        },
        versions={"countcheck": __version__},
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        extra={"labels_from": [str(path) for path in paths]},
    )


def _fill(
    run: RunFolder,
    suite: Suite,
    recipes: Mapping[str, Recipe],
    repeats: int,
    by_picture: Mapping[tuple[str, str, int], Mapping[str, Mapping[str, float | None]]],
    notes: Counter[str],
) -> None:
    counting = run.begin_counting(
        CounterInfo.from_json({"name": COUNTER, "detector": {"family": "people"}, "rule": {"name": "median"}})
    )
    entries: list[OutcomeRecord] = []
    labels: list[Label] = []
    for model, recipe in recipes.items():
        samples = [_sample(recipe, prompt, repeat) for repeat in range(repeats) for prompt in suite.prompts]
        run.add_planned(samples)
        for sample in samples:
            answers = by_picture.get((model, sample.asked.id, sample.repeat))
            if answers is None or not isinstance(sample.asked, Prompt):
                continue
            by_noun = _by_noun(sample.asked, answers, notes)
            labels += _labels(sample.key, by_noun)
            entry = _entry(sample, by_noun)
            if entry is None:
                notes["pictures without an answer to every noun"] += 1
            else:
                entries.append(entry)
    for start in range(0, len(entries), 2000):
        run.write(entries[start : start + 2000], counting)
    for start in range(0, len(labels), 5000):
        run.label_store.add(labels[start : start + 5000])


def _sample(recipe: Recipe, prompt: Prompt, repeat: int) -> Sample:
    return Sample(
        key=key_of(recipe, prompt, repeat),
        generator=recipe.name,
        asked=prompt,
        repeat=repeat,
        seed=seed_of(prompt, repeat),
    )


def _by_noun(
    prompt: Prompt, answers: Mapping[str, Mapping[str, float | None]], notes: Counter[str]
) -> dict[str, dict[str, float | None]]:
    """Group answers by the noun that the suite counts them under."""
    by_noun: dict[str, dict[str, float | None]] = defaultdict(dict)
    for question, people in answers.items():
        noun = _noun_of(prompt.targets, question)
        if noun is None:
            notes[f"questions about {question!r}, which the prompt does not ask for"] += 1
        else:
            by_noun[noun].update(people)
    return by_noun


def _noun_of(targets: Sequence[Target], question: str) -> str | None:
    for target in targets:
        names = {target.noun, target.phrase}
        if question in names | {plural_of(name) for name in names}:
            return target.noun
    nouns = {noun for target in targets for noun in target.nouns}
    for noun in nouns:
        if question in (noun, plural_of(noun)):
            return noun
    return nouns.pop() if len(nouns) == 1 else None


def _labels(key: str, by_noun: Mapping[str, Mapping[str, float | None]]) -> list[Label]:
    return [
        Label(
            key=key,
            noun=noun,
            count=int(number) if number is not None and number == int(number) else None,
            labeller=person,
        )
        for noun, people in by_noun.items()
        for person, number in people.items()
    ]


def _entry(sample: Sample, by_noun: Mapping[str, Mapping[str, float | None]]) -> OutcomeRecord | None:
    targets = sample.asked.targets if isinstance(sample.asked, Prompt) else ()
    nouns = list(dict.fromkeys(noun for target in targets for noun in target.nouns))
    counted: dict[str, tuple[int, int, int]] = {}
    for noun in nouns:
        numbers = [number for number in by_noun.get(noun, {}).values() if number is not None]
        if not numbers:
            return None
        middle = median(numbers)
        spread = sorted(numbers)[(len(numbers) - 1) // 2], sorted(numbers)[len(numbers) // 2]
        counted[noun] = (floor(middle), floor(spread[0]), ceil(spread[1]))
    low = {noun: values[1] for noun, values in counted.items()}
    high = {noun: values[2] for noun, values in counted.items()}
    verdict = judge(targets, Count(counts={n: v[0] for n, v in counted.items()}, low=low, high=high))
    return OutcomeRecord(
        key=sample.key,
        outcome="picture",
        text=sample.text,
        verdict=verdict.kind,
        leaning=verdict.leaning,
        reason=verdict.reason,
        counted=counted,
    )
