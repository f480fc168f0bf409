"""Labels in and out as files, for labelling elsewhere: CSV, and Label Studio tasks with their annotations."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson

from countcheck.errors import BadInput
from countcheck.files import atomic_write
from countcheck.reports.safe_text import csv_cell, json_text
from countcheck.review.queue import Task
from countcheck.storage.rows import IS_REFUSAL, Label, LabelNote

T = TypeVar("T")

FIELDS = ("key", "turn", "noun", "count", "labeller", "at", "stratum", "weight", "picture", "note", "words")
CANNOT_TELL = "?"
SAMPLED = "by chance"
"""Stands for the stratum of what is still to be labelled: its name would give away the counter's verdict."""
LABEL_STUDIO_CONFIG = """<View>
  <Image name="image" value="$image" zoom="true"/>
  <Header value="How many: $noun"/>
  <Number name="count" toName="image" min="0" required="false"/>
  <Choices name="unsure" toName="image" required="false"><Choice value="cannot tell"/></Choices>
  <TextArea name="note" toName="image" required="false" placeholder="note"/>
</View>
"""

# (key, turn, noun) to the labels that people gave.
LabelsByCount = Mapping[tuple[str, int, str], Sequence[Label]]
# (key, turn, labeller) to the note.
Notes = Mapping[tuple[str, int, str], str]


def write_labels(tasks: Sequence[Task], labels: Sequence[Label], target: Path, notes: Sequence[LabelNote] = ()) -> int:
    """Write every picture and noun with its labels (``.csv``, or ``.json`` for Label Studio); return how many.

    The prompt, the asked number and the counter's number are left out, so that they cannot lead the labeller. Answers that are
    to be judged refusals or not stand in ``.csv`` alone, with their words and the noun `IS_REFUSAL`: count 1 for yes, 0 for
    no. An existing file is replaced only when it holds no label or note that would be lost, and then in one step.

    Raises:
        BadInput: For another ending, an existing file that holds other labels or is no label file, or a file that
            cannot be written.
    """
    writers = {".csv": _to_csv, ".json": _to_label_studio}
    if target.suffix.lower() not in writers:
        raise BadInput(f"{target}: labels are written as .csv, or as .json for Label Studio. Name such a file.")
    if target.exists():
        _refuse_loss(target, labels, notes)
    by_count: dict[tuple[str, int, str], list[Label]] = defaultdict(list)
    for label in labels:
        by_count[label.key, label.turn, label.noun].append(label)
    texts = {(note.key, note.turn, note.labeller): note.text for note in notes}
    data, n = writers[target.suffix.lower()](tasks, by_count, texts)
    try:
        atomic_write(target, data)
    except OSError as error:
        raise BadInput(f"{target} cannot be written ({error.strerror}).") from error
    return n


def _refuse_loss(target: Path, labels: Sequence[Label], notes: Sequence[LabelNote]) -> None:
    """Raise `BadInput` when writing ``target`` anew would lose labels or notes that the run does not hold."""
    try:
        existing, remarks = read_labels(target), read_notes(target)
    except BadInput as error:
        raise BadInput(f"{target} is already there and is not a file of labels. Name another file.") from error
    known = {(label.key, label.turn, label.noun, label.labeller, label.count) for label in labels}
    lost = sum((old.key, old.turn, old.noun, old.labeller, old.count) not in known for old in existing)
    written = {(note.key, note.turn, note.labeller, note.text) for note in notes}
    lost += sum((old.key, old.turn, old.labeller, old.text) not in written for old in remarks)
    if lost:
        raise BadInput(
            f"{target} is already there and holds {lost} labels that the run does not have. "
            "Read them in with --import first, or name another file."
        )


def read_labels(source: Path) -> list[Label]:
    """Read the labels in a file that `write_labels` wrote and somebody filled in.

    Raises:
        BadInput: Naming the place in the file, when it cannot be read.
    """
    return _read(source, {".csv": _from_csv, ".json": _from_label_studio})


def read_notes(source: Path) -> list[LabelNote]:
    """Read the notes in a file of labels, those without a label beside them too; older files hold none.

    Raises:
        BadInput: Naming the place in the file, when it cannot be read.
    """
    return _read(source, {".csv": _notes_from_csv, ".json": _notes_from_label_studio})


def _read(source: Path, readers: Mapping[str, Callable[[bytes, Path], T]]) -> T:
    if source.suffix.lower() not in readers:
        raise BadInput(f"{source}: labels are read from .csv, or from .json of Label Studio.")
    try:
        data = source.read_bytes()
    except OSError as error:
        raise BadInput(f"{source} cannot be read ({error.strerror}).") from error
    return readers[source.suffix.lower()](data, source)


def _to_csv(tasks: Sequence[Task], by_count: LabelsByCount, notes: Notes) -> tuple[bytes, int]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    n = 0
    noted: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for (key, turn, labeller), note in notes.items():
        noted[key, turn][labeller] = note
    for task in tasks:
        own = dict(noted.get(task.place, {}))
        for noun in _nouns_with_labels(task, by_count):
            labels = by_count.get((*task.place, noun), ())
            lines = [[*_csv_fields(label), own.pop(label.labeller, "")] for label in labels]
            lines = lines or [["", "", "", SAMPLED, "", ""]]
            for *fields, note in lines:
                row = [task.key, task.turn, csv_cell(noun), *fields, csv_cell(task.row.picture), csv_cell(note)]
                writer.writerow([*row, csv_cell(_words(task))])
            n += len(lines)
        for labeller, note in own.items():  # of somebody who labelled nothing here
            row = [task.key, task.turn, csv_cell(task.nouns[0]), "", csv_cell(labeller), "", SAMPLED, ""]
            writer.writerow([*row, csv_cell(task.row.picture), csv_cell(note), csv_cell(_words(task))])
            n += 1
    return text.getvalue().encode(), n


def _nouns_with_labels(task: Task, by_count: LabelsByCount) -> list[str]:
    """List a task's nouns, and the question whether its picture is a refusal where somebody answered it."""
    asked = IS_REFUSAL not in task.nouns and (*task.place, IS_REFUSAL) in by_count
    return [*task.nouns, *([IS_REFUSAL] if asked else [])]


def _words(task: Task) -> str:
    return (task.row.words or task.row.message) if task.nouns == (IS_REFUSAL,) else ""


def _csv_fields(label: Label) -> list[str]:
    count = CANNOT_TELL if label.count is None else str(label.count)
    return [count, csv_cell(label.labeller), csv_cell(label.at), csv_cell(label.stratum), repr(label.weight)]


def _from_csv(data: bytes, source: Path) -> list[Label]:
    numbered = enumerate(_csv_rows(data, source), start=2)
    return [_csv_label(row, f"{source}:{number}") for number, row in numbered if (row["count"] or "").strip()]


def _notes_from_csv(data: bytes, source: Path) -> list[LabelNote]:
    notes = []
    for number, row in enumerate(_csv_rows(data, source), start=2):
        text = _without_guard((row.get("note") or "").strip())
        if text:
            place = f"{source}:{number}"
            labeller = _csv_labeller(row, place)
            turn, at = _whole_number(row["turn"] or "0", place, "turn"), _without_guard(row.get("at") or "")
            notes.append(LabelNote(key=row["key"] or "", turn=turn, labeller=labeller, text=text, at=at))
    return notes


def _csv_rows(data: bytes, source: Path) -> list[dict[str, str | None]]:
    try:
        lines = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
        rows = list(lines)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{source} is not a CSV file in UTF-8 ({error}).") from error
    lacking = [name for name in FIELDS[:5] if name not in (lines.fieldnames or ())]
    if lacking:
        raise BadInput(
            f"{source}: the column {lacking[0]!r} is not there. Its first line must name {', '.join(FIELDS)}."
        )
    return rows


def _csv_labeller(row: Mapping[str, str | None], place: str) -> str:
    labeller = (row["labeller"] or "").strip()
    if not labeller:
        raise BadInput(f"{place}: the labeller is empty. Name the person who counted.")
    return _without_guard(labeller)


def _csv_label(row: Mapping[str, str | None], place: str) -> Label:
    count, noun = (row["count"] or "").strip(), _without_guard(row["noun"] or "")
    if noun == IS_REFUSAL and count not in ("0", "1", CANNOT_TELL):
        raise BadInput(
            f"{place}: count is {count[:40]!r}. Whether it is a refusal is 1 for yes, 0 for no or {CANNOT_TELL}."
        )
    return Label(
        key=row["key"] or "",
        turn=_whole_number(row["turn"] or "0", place, "turn"),
        noun=noun,
        labeller=_csv_labeller(row, place),
        count=None if count == CANNOT_TELL else _whole_number(count, place, "count"),
        at=_without_guard(row.get("at") or ""),
        stratum=_without_guard(row.get("stratum") or ""),
        weight=_weight(row.get("weight") or "1", place),
    )


def _without_guard(text: str) -> str:
    """Remove the apostrophe that `csv_cell` put before a formula."""
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@", "\t", "\r") else text


def _whole_number(text: str, place: str, name: str) -> int:
    if not text.isdecimal() or len(text) > 5:
        more = f", or {CANNOT_TELL} for `cannot tell`" if name == "count" else ""
        raise BadInput(f"{place}: {name} is {text[:40]!r}. Give a whole number, 0 or more{more}.")
    return int(text)


def _weight(text: str, place: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 < weight < 1e9:
        raise BadInput(f"{place}: weight is {text[:40]!r}. Give a number above 0.")
    return weight


def _to_label_studio(tasks: Sequence[Task], by_count: LabelsByCount, notes: Notes) -> tuple[bytes, int]:
    body = []
    for task in tasks:
        for noun in task.nouns:
            if noun == IS_REFUSAL:
                continue
            data: dict[str, object] = {
                "image": f"/data/local-files/?d={task.row.picture}",
                "key": task.key,
                "turn": task.turn,
                "noun": noun,
                "stratum": SAMPLED,
            }
            labels = by_count.get((task.key, task.turn, noun), ())
            annotations = [_annotation(label, notes.get((*task.place, label.labeller), "")) for label in labels]
            body.append({"data": data, "annotations": annotations})
    return json_text(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()).encode(), len(body)


def _annotation(label: Label, note: str) -> dict[str, Any]:
    result: dict[str, Any] = {"from_name": "count", "type": "number", "value": {"number": label.count}}
    if label.count is None:
        result = {"from_name": "unsure", "type": "choices", "value": {"choices": ["cannot tell"]}}
    remark = {"from_name": "note", "type": "textarea", "value": {"text": [note]}, "to_name": "image"}
    return {
        "result": [{**result, "to_name": "image"}, *([remark] if note else [])],
        "completed_by": {"email": label.labeller},
        "created_at": label.at,
    }


def _from_label_studio(data: bytes, source: Path) -> list[Label]:
    body = _label_studio_tasks(data, source)
    return [label for number, task in enumerate(body, 1) for label in _labels_of_task(task, f"{source}: task {number}")]


def _notes_from_label_studio(data: bytes, source: Path) -> list[LabelNote]:
    notes: dict[tuple[str, int, str], LabelNote] = {}
    for number, task in enumerate(_label_studio_tasks(data, source), 1):
        try:
            key, turn = str(task["data"]["key"]), int(task["data"].get("turn", 0))
            for annotation in task.get("annotations") or []:
                values = {result["from_name"]: result["value"] for result in annotation["result"]}
                text = " ".join(map(str, values.get("note", {}).get("text", []))).strip()
                name, at = _person(annotation), str(annotation.get("created_at") or "")
                if text and not annotation.get("was_cancelled"):
                    notes[key, turn, name] = LabelNote(key=key, turn=turn, labeller=name, text=text, at=at)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            place = f"{source}: task {number}"
            raise BadInput(f"{place}: not as `review --export` wrote it ({error!r:.80}).") from error
    return list(notes.values())


def _person(annotation: Mapping[str, Any]) -> str:
    person = annotation.get("completed_by", "label-studio")
    return str(person.get("email") or person.get("id")) if isinstance(person, dict) else f"label-studio {person}"


def _label_studio_tasks(data: bytes, source: Path) -> list[Any]:
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{source} is not JSON ({error}).") from error
    if not isinstance(body, list):
        raise BadInput(f"{source} holds no list of tasks. Export it from Label Studio in the format JSON.")
    return body


def _labels_of_task(task: Any, place: str) -> list[Label]:
    try:
        data = task["data"]
        key, turn, noun = str(data["key"]), int(data.get("turn", 0)), str(data["noun"])
        stratum = str(data.get("stratum", ""))
        answers = list(_answers(task.get("annotations") or []))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BadInput(f"{place}: not as `review --export` wrote it ({error!r:.80}).") from error
    for count, _, _ in answers:
        if count is not None and not 0 <= count <= 99_999:
            raise BadInput(f"{place}: the number is {count}. Give a whole number, 0 or more.")
    return [
        Label(key=key, turn=turn, noun=noun, count=count, labeller=labeller, at=at, stratum=stratum)
        for count, labeller, at in answers
    ]


def _answers(annotations: Iterable[Any]) -> Iterable[tuple[int | None, str, str]]:
    """Yield count, labeller and time of each annotation that was not cancelled."""
    for annotation in annotations:
        if annotation.get("was_cancelled"):
            continue
        name = _person(annotation)
        at = str(annotation.get("created_at") or "")
        values = {result["from_name"]: result["value"] for result in annotation["result"]}
        if values.get("unsure", {}).get("choices"):
            yield None, name, at
        elif "count" in values:
            number = values["count"]["number"]
            if number != int(number):
                raise ValueError(f"{number} is not whole")
            yield int(number), name, at
