"""GeckoNum's human counts as a run with labels: no pictures, the same statistics (Kajic et al. 2024).

Reads its ``task_1_MODEL.csv`` files: one answer a row to "How many dogs are in the image?", five people a picture. The
files leave some cases open; these rules settle them, and the notes say how often each applied:

- repeated rows are taken once; the same person's answers to different questions about one picture stay apart;
- of several questions, the one that names a target's own phrase counts it ("black cats" before "cats"), and the others are
  left out;
- "10+" stands as 11; a range such as "2-3" stands as a half, and its person as one who cannot tell;
- the median of a picture may be a half: it equals no whole number, and its verdict is uncertain;
- picture ids repeat across models, so the model is part of the sample, and only pictures with answers are planned;
- answers to prompts that the suite leaves out (fractions, "a few") are left out.
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
from countcheck.suites.catalog import import_suite
from countcheck.suites.language.nouns import plural_of, singular_of
from countcheck.suites.readers import PromptCollector, preview, table_rows
from countcheck.suites.samples import Recipe, Sample, key_of, seed_of
from countcheck.suites.serialize import suite_to_json
from countcheck.suites.suite import Prompt, Suite, Target
from countcheck.version import __version__

_QUESTION = re.compile(r"how many (.+?) (?:are|is|do|can)\b\s*(.*)", re.IGNORECASE)
_PLACE = re.compile(
    r"(?:there\b|you (?:see|count)\b|visible\b|shown\b|in (?:the|this) (?:image|picture|photo))", re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"([a-z-]+)\s*\??", re.IGNORECASE)
_IMAGE = re.compile(r"(.+)_(\d+)")
_COLUMNS = ("image_id", "question", "annot_id", "answer")
COUNTER = "people"
PROMPTS = "prompts.csv"


@dataclass(slots=True)
class Answers:
    """All answers of some label files.

    Attributes:
        by_picture: (model, prompt id, repeat) to question, as written in lower case, to person to number; halves are
            ranges, ``None`` means that the answer is no number.
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
        image, question = _IMAGE.fullmatch(row["image_id"]), " ".join(row["question"].lower().split())
        if image is None:
            answers.notes["rows that could not be read"] += 1
            continue
        if counted_name(question) is None:
            answers.notes["rows of questions that ask for no number of things"] += 1
            continue
        picture = (row.get("model") or path.stem.removeprefix("task_1_"), image[1], int(image[2]))
        people = answers.by_picture.setdefault(picture, {}).setdefault(question, {})
        number = _number(row["answer"], row.get("raw_answer", ""), answers.notes)
        if row["annot_id"] in people:
            same = people[row["annot_id"]] == number
            answers.notes["rows that repeat" if same else "rows that contradict an earlier one of the same person"] += 1
            continue
        people[row["annot_id"]] = number
        answers.notes["answers"] += 1


def counted_name(question: str) -> str | None:
    """Return the name, in the plural, of what a question asks to count; ``None`` for a question of another kind.

    >>> counted_name("How many black cats are in the image?"), counted_name("How many cats are black?")
    ('black cats', 'black cats')
    >>> counted_name("What colour are the cats?") is None
    True
    """
    match = _QUESTION.match(question.strip())
    if match is None:
        return None
    name, rest = match[1].lower().strip(), match[2].strip()
    if not rest.strip("?") or _PLACE.match(rest):
        return name
    attribute = _ATTRIBUTE.fullmatch(rest)
    return f"{attribute[1].lower()} {name}" if attribute is not None else None


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
    uncertain. Only pictures that somebody labelled are planned.

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
    recipes = {
        model: Recipe(name=model, settings={"labels": "geckonum"}) for model in sorted({m for m, *_ in by_picture})
    }
    run = RunFolder.create(path, _info(asked, recipes, 1 + max(repeat for *_, repeat in by_picture), paths))
    try:
        _fill(run, asked, recipes, by_picture, answers.notes)
    except BaseException:
        run.close()
        raise
    for note, number in answers.notes.items():
        if number:
            report(f"{number} {note}")
    return run


def is_label_folder(folder: Path) -> bool:
    """Return whether a folder holds GeckoNum's ``prompts.csv`` and people's answers."""
    return folder.is_dir() and (folder / PROMPTS).is_file() and bool(label_files(folder))


def label_files(folder: Path) -> list[Path]:
    """Return the CSV files of a folder, and of the folders in it, that hold people's answers."""
    return [path for path in sorted(folder.rglob("*.csv")) if path.is_file() and _holds_answers(path)]


def _holds_answers(path: Path) -> bool:
    try:
        return preview(path).has(*_COLUMNS)
    except BadSuite:
        return False


def run_of_folder(folder: Path, path: Path, *, report: Callable[[str], None] = lambda sentence: None) -> RunFolder:
    """Make a run of a folder with ``prompts.csv`` and label files; see `run_of_labels`.

    Raises:
        BadInput: When the folder lacks either, or a run stands there already.
    """
    labels = label_files(folder)
    if not labels or not (folder / PROMPTS).is_file():
        lacks = f"no {PROMPTS}" if labels else f"no CSV file with the columns {', '.join(_COLUMNS)}"
        raise BadInput(f"{folder}: {lacks} in it. Put GeckoNum's {PROMPTS} beside its task_1_MODEL.csv files.")
    return run_of_labels(import_suite("geckonum", folder / PROMPTS), labels, path, report=report)


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
    by_picture: Mapping[tuple[str, str, int], Mapping[str, Mapping[str, float | None]]],
    notes: Counter[str],
) -> None:
    counting = run.begin_counting(
        CounterInfo.from_json({"name": COUNTER, "detector": {"family": "people"}, "rule": {"name": "median"}})
    )
    entries: list[OutcomeRecord] = []
    labels: list[Label] = []
    repeats: dict[tuple[str, str], list[int]] = defaultdict(list)
    for model, prompt_id, repeat in sorted(by_picture):
        repeats[model, prompt_id].append(repeat)
    for model, recipe in recipes.items():
        # A model owes what it was labelled on: the others may have more pictures of a prompt.
        samples = [
            _sample(recipe, prompt, repeat)
            for prompt in suite.prompts
            for repeat in repeats.get((model, prompt.id), ())
        ]
        run.add_planned(samples)
        for sample in samples:
            answers = by_picture[model, sample.asked.id, sample.repeat]
            if not isinstance(sample.asked, Prompt):
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
) -> dict[str, Mapping[str, float | None]]:
    """Find, for each noun that the prompt asks for, the answers to the question that names it best."""
    nouns = dict.fromkeys(noun for target in prompt.targets for noun in target.nouns)
    best: dict[str, tuple[int, str]] = {}
    for question in answers:
        name = counted_name(question) or ""
        ranks = {noun: rank for noun in nouns if (rank := _match(prompt.targets, noun, name)) is not None}
        if not ranks and len(nouns) == 1:
            ranks = {noun: len(_MATCHES) for noun in nouns}
        for noun, rank in ranks.items():
            if noun not in best or rank < best[noun][0]:
                best[noun] = rank, question
    used = {question for _, question in best.values()}
    for question in answers:
        if question in used:
            continue
        notes[f"questions about {counted_name(question)!r}, which the prompt does not ask for"] += 1
    return {noun: answers[question] for noun, (_, question) in best.items()}


# How a question may name what a target counts, the closest first.
_MATCHES: tuple[Callable[[Target], str], ...] = (lambda target: target.phrase, lambda target: target.noun)


def _match(targets: Sequence[Target], noun: str, name: str) -> int | None:
    """How closely a question's name fits a noun: 0 for a target's phrase, 1 for its noun, ``None`` for another thing."""
    for rank, named in enumerate(_MATCHES):
        if any(target.noun == noun and is_plural_of(name, named(target)) for target in targets):
            return rank
    return len(_MATCHES) - 1 if is_plural_of(name, noun) else None


def is_plural_of(name: str, singular: str) -> bool:
    """Return whether a name is a noun's singular or one of its plurals, as people write them.

    >>> is_plural_of("lychees", "lychee"), is_plural_of("knifes", "knife"), is_plural_of("dogs", "cat")
    (True, True, False)
    """
    if name in (singular, plural_of(singular), f"{singular}s", f"{singular}es"):
        return True
    head, _, last = name.rpartition(" ")
    return f"{head} {singular_of(last) or last}".strip() == singular


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
    counted: dict[str, tuple[float, int, int]] = {}
    for noun in nouns:
        numbers = [number for number in by_noun.get(noun, {}).values() if number is not None]
        if not numbers:
            return None
        middle = median(numbers)
        spread = sorted(numbers)[(len(numbers) - 1) // 2], sorted(numbers)[len(numbers) // 2]
        whole = int(middle) if middle == int(middle) else middle
        counted[noun] = (whole, floor(spread[0]), ceil(spread[1]))
    low = {noun: values[1] for noun, values in counted.items()}
    high = {noun: values[2] for noun, values in counted.items()}
    verdict = judge(targets, Count(counts={n: floor(v[0]) for n, v in counted.items()}, low=low, high=high))
    return OutcomeRecord(
        key=sample.key,
        outcome="picture",
        text=sample.text,
        verdict=verdict.kind,
        leaning=verdict.leaning,
        reason=verdict.reason,
        counted=counted,
    )
