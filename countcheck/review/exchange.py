"""Labels in and out as files, for labelling elsewhere: CSV, and Label Studio tasks with their annotations."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from countcheck.errors import BadInput
from countcheck.reports.safe_text import csv_cell
from countcheck.review.queue import Task
from countcheck.storage.rows import Label

FIELDS = ("key", "turn", "noun", "count", "labeller", "at", "stratum", "weight", "picture")
UNSURE = "?"
DRAWN = "by chance"
"""Stands for the stratum of what is still to be labelled: its name would tell what the counter made of the picture."""
LABEL_STUDIO_CONFIG = """<View>
  <Image name="image" value="$image" zoom="true"/>
  <Header value="How many: $noun"/>
  <Number name="count" toName="image" min="0" required="false"/>
  <Choices name="unsure" toName="image" required="false"><Choice value="cannot tell"/></Choices>
</View>
"""


def write_labels(tasks: Sequence[Task], labels: Sequence[Label], target: Path) -> int:
    """Write every picture and noun with the labels it has (``.csv``, or ``.json`` for Label Studio); returns how many.

    The prompt, the asked number and the counter's number are left out, so that they cannot lead whoever labels.

    Raises:
        BadInput: For another ending, or a file that cannot be written.
    """
    writers = {".csv": _to_csv, ".json": _to_label_studio}
    if target.suffix.lower() not in writers:
        raise BadInput(f"{target}: labels are written as .csv, or as .json for Label Studio. Name such a file.")
    of: dict[tuple[str, int, str], list[Label]] = defaultdict(list)
    for label in labels:
        of[label.key, label.turn, label.noun].append(label)
    data, n = writers[target.suffix.lower()](tasks, of)
    try:
        target.write_bytes(data)
    except OSError as error:
        raise BadInput(f"{target} cannot be written ({error.strerror}).") from error
    return n


def read_labels(source: Path) -> list[Label]:
    """The labels in a file that `write_labels` wrote and somebody filled in.

    Raises:
        BadInput: Naming the place in the file, when it cannot be read.
    """
    readers = {".csv": _from_csv, ".json": _from_label_studio}
    if source.suffix.lower() not in readers:
        raise BadInput(f"{source}: labels are read from .csv, or from .json of Label Studio.")
    try:
        data = source.read_bytes()
    except OSError as error:
        raise BadInput(f"{source} cannot be read ({error.strerror}).") from error
    return readers[source.suffix.lower()](data, source)


def _to_csv(tasks: Sequence[Task], of: dict[tuple[str, int, str], list[Label]]) -> tuple[bytes, int]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    n = 0
    for task in tasks:
        for noun in task.nouns:
            labels = of.get((task.key, task.turn, noun), [])
            said = [_said(label) for label in labels] or [["", "", "", DRAWN, ""]]
            for cells in said:
                writer.writerow([task.key, task.turn, csv_cell(noun), *cells, task.row.picture])
            n += len(said)
    return text.getvalue().encode(), n


def _said(label: Label) -> list[str]:
    count = UNSURE if label.count is None else str(label.count)
    return [count, csv_cell(label.labeller), label.at, label.stratum, repr(label.weight)]


def _from_csv(data: bytes, source: Path) -> list[Label]:
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
    found = []
    for number, row in enumerate(rows, start=2):
        said = (row["count"] or "").strip()
        if not said:
            continue
        place = f"{source}:{number}"
        if not (row["labeller"] or "").strip():
            raise BadInput(f"{place}: the labeller is empty. Say who counted.")
        found.append(
            Label(
                key=row["key"] or "",
                turn=_whole(row["turn"] or "0", place, "turn"),
                noun=_bare(row["noun"] or ""),
                count=None if said == UNSURE else _whole(said, place, "count"),
                labeller=_bare(row["labeller"].strip()),
                at=row.get("at") or "",
                stratum=row.get("stratum") or "",
                weight=_weight(row.get("weight") or "1", place),
            )
        )
    return found


def _bare(text: str) -> str:
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@", "\t", "\r") else text


def _whole(text: str, place: str, name: str) -> int:
    if not text.isdecimal() or len(text) > 5:
        more = f", or {UNSURE} for `cannot tell`" if name == "count" else ""
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


def _to_label_studio(tasks: Sequence[Task], of: dict[tuple[str, int, str], list[Label]]) -> tuple[bytes, int]:
    body = []
    for task in tasks:
        for noun in task.nouns:
            data: dict[str, object] = {
                "image": f"/data/local-files/?d={task.row.picture}",
                "key": task.key,
                "turn": task.turn,
                "noun": noun,
            }
            labels = of.get((task.key, task.turn, noun), ())
            body.append({"data": dict(data, stratum=DRAWN), "annotations": [_annotation(one) for one in labels]})
    return orjson.dumps(body, option=orjson.OPT_INDENT_2), len(body)


def _annotation(label: Label) -> dict[str, Any]:
    common: dict[str, Any] = {"to_name": "image"}
    result: dict[str, Any] = {"from_name": "count", "type": "number", "value": {"number": label.count}, **common}
    if label.count is None:
        result = {"from_name": "unsure", "type": "choices", "value": {"choices": ["cannot tell"]}, **common}
    return {"result": [result], "completed_by": {"email": label.labeller}, "created_at": label.at}


def _from_label_studio(data: bytes, source: Path) -> list[Label]:
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{source} is not JSON ({error}).") from error
    if not isinstance(body, list):
        raise BadInput(f"{source}: a list of tasks is wanted, as Label Studio exports with the format JSON.")
    found = []
    for number, task in enumerate(body):
        place = f"{source}: task {number + 1}"
        try:
            data_of = task["data"]
            key, turn, noun = str(data_of["key"]), int(data_of.get("turn", 0)), str(data_of["noun"])
            stratum = str(data_of.get("stratum", ""))
            given = list(_numbers(task.get("annotations") or []))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"{place}: not as `review --export` wrote it ({error!r:.80}).") from error
        for count, labeller, at in given:
            if count is not None and not 0 <= count <= 99_999:
                raise BadInput(f"{place}: the number is {count}. Give a whole number, 0 or more.")
            found.append(Label(key=key, turn=turn, noun=noun, count=count, labeller=labeller, at=at, stratum=stratum))
    return found


def _numbers(annotations: Iterable[Any]) -> Iterable[tuple[int | None, str, str]]:
    for annotation in annotations:
        if annotation.get("was_cancelled"):
            continue
        who = annotation.get("completed_by", "label-studio")
        name = str(who.get("email") or who.get("id")) if isinstance(who, dict) else f"label-studio {who}"
        at = str(annotation.get("created_at") or "")
        by = {one["from_name"]: one["value"] for one in annotation["result"]}
        if by.get("unsure", {}).get("choices"):
            yield None, name, at
        elif "count" in by:
            number = by["count"]["number"]
            if number != int(number):
                raise ValueError(f"{number} is not whole")
            yield int(number), name, at
