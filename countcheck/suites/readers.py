"""Foreign files as they are: lines, JSON lines and tables, whatever their encoding and line ends; and what a file looks like."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from countcheck.errors import BadSuite
from countcheck.suites.suite import Prompt, Skipped, Suite


@dataclass(slots=True)
class Gathered:
    """Prompts on their way into a suite, with the lines left out and why. A text that comes twice is kept once."""

    prompts: list[Prompt] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    remarks: list[Skipped] = field(default_factory=list)
    repeats: bool = False
    _texts: dict[str, int] = field(default_factory=dict)
    _ids: set[str] = field(default_factory=set)

    def skip(self, line: int, why: str) -> None:
        """Leave a line out."""
        self.skipped.append(Skipped(line=line, why=why))

    def note(self, line: int, what: str) -> None:
        """Say something of a line that is kept."""
        self.remarks.append(Skipped(line=line, why=what))

    def add(self, line: int, prompt: Prompt) -> None:
        """Take a prompt in, unless its text or id is already there."""
        if not prompt.text.strip():
            self.skip(line, "no prompt text")
        elif not self.repeats and prompt.text in self._texts:
            self.skip(line, f"the same prompt as line {self._texts[prompt.text]}")
        elif prompt.id in self._ids:
            self.skip(line, f"the id {prompt.id!r} is already used")
        else:
            self._texts[prompt.text] = line
            self._ids.add(prompt.id)
            self.prompts.append(prompt)

    def fresh_id(self, wanted: str) -> str:
        """The id, or the id with a number behind it when an earlier prompt has it."""
        name, n = wanted, 2
        while name in self._ids:
            name, n = f"{wanted}-{n}", n + 1
        return name

    def suite(self, path: Path, description: str, **rest: Any) -> Suite:
        """All that was gathered. Raises `BadSuite` when that is nothing."""
        if not self.prompts:
            first = f" (line {self.skipped[0].line}: {self.skipped[0].why})" if self.skipped else ""
            raise BadSuite(f"{path}: no prompt in it{first}. Name a file with prompts.")
        skipped = tuple(sorted(self.skipped, key=lambda s: s.line))
        return Suite(
            name=path.stem,
            description=description,
            prompts=tuple(self.prompts),
            skipped=skipped,
            remarks=tuple(self.remarks),
            source=str(path),
            **rest,
        )


def read_text(path: Path) -> str:
    """A file's text: UTF-8 or UTF-16 by its mark; a line that is not UTF-8 is read as Windows-1252.

    Raises:
        BadSuite: When it cannot be read, or holds no text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadSuite(f"{path}: cannot be read ({error.strerror}).") from error
    if not data.strip():
        raise BadSuite(f"{path}: the file is empty. Name a file with prompts.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data[:4096]:
        raise BadSuite(f"{path}: not a text file. Name a file with prompts: {EXTENSIONS}.")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "\n".join(_decoded(line) for line in data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def text_lines(path: Path) -> list[tuple[int, str]]:
    """Line number and text of every line; ends of any kind (LF, CRLF, CR)."""
    text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
    return list(enumerate(text.split("\n"), start=1))


def json_lines(path: Path, gathered: Gathered) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Line number and object of every line that holds one; others are skipped with the reason, blank ones silently."""
    for line, text in text_lines(path):
        if not text.strip():
            continue
        try:
            body = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            gathered.skip(line, f"not JSON, perhaps cut off ({error.msg})")
            continue
        if isinstance(body, dict):
            yield line, body
        else:
            gathered.skip(line, "not a JSON object")


def json_list(path: Path, gathered: Gathered) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Number (from 1) and object of every entry of a JSON list. Raises `BadSuite` when the file is no such list."""
    try:
        body = orjson.loads(read_text(path))
    except orjson.JSONDecodeError as error:
        raise BadSuite(
            f"{path}:{error.lineno}: not JSON, perhaps cut off ({error.msg}). Get the file again."
        ) from error
    if not isinstance(body, list):
        raise BadSuite(f"{path}: a JSON {_kind(body)}, not a list of prompts.")
    for n, entry in enumerate(body, start=1):
        if isinstance(entry, dict):
            yield n, entry
        else:
            gathered.skip(n, "not a JSON object")


def _kind(body: object) -> str:
    return "object" if isinstance(body, dict) else type(body).__name__


def table_rows(path: Path, gathered: Gathered) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells by lower-case column name of every row of a CSV or TSV file with a head line.

    Rows with more cells than columns are skipped with the reason. Raises `BadSuite` for a quotation mark that is never
    closed: everything after it would be one cell.
    """
    text = read_text(path)
    marked = text.rstrip("\r\n") + "\n" + _END  # a line of its own, unless a quotation mark is open
    reader = csv.reader(io.StringIO(marked, newline=""), delimiter=_delimiter(text))
    names: list[str] = []
    last = 0
    for cells in _cells(reader, path):
        line, last = last + 1, reader.line_num
        if last > line and cells and cells[-1].endswith(_END):
            raise BadSuite(f"{path}:{line}: a quotation mark opens here and is never closed. Close it, or double it.")
        if not any(cell.strip() for cell in cells) or cells == [_END]:
            continue
        if not names:
            names = [cell.strip().lower() for cell in cells]
        elif len(cells) > len(names):
            gathered.skip(line, f"{len(cells)} cells in a table of {len(names)} columns")
        else:
            padded = [*cells, *[""] * (len(names) - len(cells))]
            yield line, dict(zip(names, (cell.strip() for cell in padded), strict=True))


def _cells(reader: Any, path: Path) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise BadSuite(f"{path}:{reader.line_num}: not a table ({error}). Mend the line.") from error


def _delimiter(text: str) -> str:
    head = text.split("\n", 1)[0]
    return max(",\t;|", key=head.count)


_END = "\ue000end of file\ue000"  # of the private use area: in no table
EXTENSIONS = ".yaml, .txt, .csv, .tsv, .json, .jsonl, or a folder with a dataset"


def looks_like(path: Path) -> str:
    """The name of the format that a file seems to have, by its ending and its fields; empty when it is like none."""
    if path.is_dir():
        return "datasets" if any(path.rglob("*.parquet")) or any(path.rglob("*.arrow")) else ""
    ending = path.suffix.lower()
    if ending in (".yaml", ".yml"):
        return "yaml"
    if ending in (".parquet", ".arrow"):
        return "datasets"
    text = read_text(path)
    start = text.lstrip()[:1]
    if start == "{":
        return _like_json(text, lines=True)
    if start == "[":
        return _like_json(text, lines=False)
    head = [name.strip().strip('"').lower() for name in text.split("\n", 1)[0].strip().split(_delimiter(text))]
    if ending in (".csv", ".tsv") or len(head) > 1:
        like = _like_table(set(head))
        if like or ending in (".csv", ".tsv"):
            return like
    return "text"


def _like_json(text: str, *, lines: bool) -> str:
    for line in text.splitlines() if lines else [text]:
        try:
            body = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        first = body[0] if isinstance(body, list) and body else body
        if isinstance(first, dict):
            return _like_fields(set(first), lines=lines)
    return ""


def _like_fields(names: set[str], *, lines: bool) -> str:
    if {"include", "prompt"} <= names:
        return "geneval"
    if {"vqa_list", "prompt"} <= names:
        return "geneval2"
    if {"object", "int_number", "prompt"} <= names:
        return "cococount"
    if "prompt" in names or "text" in names:
        return "jsonl" if lines else "json"
    return "overt" if "image_prompt" in names else ""


def _like_table(names: set[str]) -> str:
    if {"prompt", "entities", "prompt_type"} <= names:
        return "geckonum"
    if {"image_id", "annot_id", "question"} <= names:
        return "geckonum-labels"
    if {"prompt", "category", "challenge"} <= names:
        return "parti"
    if {"prompts", "category"} <= names:
        return "drawbench"
    if {"image_prompt", "category"} <= names:
        return "overt"
    return "csv" if names & {"prompt", "text", "prompts"} else ""
