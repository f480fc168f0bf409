"""Foreign files, whatever their encoding and line ends: lines, JSON, tables; a preview of them; prompts on their way into a suite."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal

import orjson

from countcheck.errors import BadSuite
from countcheck.suites.suite import Prompt, Skipped, Suite

EXTENSIONS = ".yaml, .txt, .csv, .tsv, .json, .jsonl, or a folder with a dataset"


@dataclass(slots=True)
class PromptCollector:
    """Collects prompts for a suite, and the lines left out with the reason. A text that comes twice is kept once.

    Attributes:
        repeats: Keep prompts whose text comes twice; their ids must differ.
    """

    prompts: list[Prompt] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    remarks: list[Skipped] = field(default_factory=list)
    repeats: bool = False
    _texts: dict[str, int] = field(default_factory=dict)
    _ids: set[str] = field(default_factory=set)
    _suffixes: dict[str, int] = field(default_factory=dict)

    def skip(self, line: int, why: str) -> None:
        """Leave a line out."""
        self.skipped.append(Skipped(line=line, why=why))

    def add(self, line: int, prompt: Prompt) -> None:
        """Keep a prompt, unless its text or id is already there; remark on what of it was not understood."""
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
            if prompt.not_understood:
                self.remarks.append(Skipped.not_understood(line, prompt))

    def fresh_id(self, wanted: str) -> str:
        """Return the id, or the id with a number behind it when an earlier prompt has it."""
        name = wanted
        n = self._suffixes.get(wanted, 2)
        while name in self._ids:
            name, n = f"{wanted}-{n}", n + 1
        self._suffixes[wanted] = max(2, n - 1)
        return name

    def suite(self, path: Path, description: str, **rest: Any) -> Suite:
        """Return all that was collected as a suite.

        Raises:
            BadSuite: When no prompt was kept.
        """
        if not self.prompts:
            first = f" (line {self.skipped[0].line}: {self.skipped[0].why})" if self.skipped else ""
            raise BadSuite(f"{path}: no prompt in it{first}. Name a file with prompts.")
        return Suite(
            name=path.stem,
            description=description,
            prompts=tuple(self.prompts),
            skipped=tuple(sorted(self.skipped, key=lambda line: line.line)),
            remarks=tuple(self.remarks),
            source=str(path),
            **rest,
        )


def read_text(path: Path) -> str:
    """Read a text file: UTF-8 or UTF-16 by its mark; a line that is not UTF-8 is read as Windows-1252.

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
    """Read the number (from 1) and text of every line; lines may end in LF, CRLF or CR.

    Raises:
        BadSuite: When the file cannot be read, or holds no text.
    """
    text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
    return list(enumerate(text.split("\n"), start=1))


def json_lines(path: Path, collector: PromptCollector) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Read the number and object of every line that holds one; others are skipped with the reason, blank ones without.

    Raises:
        BadSuite: When the file cannot be read, or holds no text.
    """
    for line, text in text_lines(path):
        if not text.strip():
            continue
        try:
            body = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            collector.skip(line, f"not JSON, perhaps cut off ({error.msg})")
            continue
        if isinstance(body, dict):
            yield line, body
        else:
            collector.skip(line, "not a JSON object")


def json_list(path: Path, collector: PromptCollector) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Read the number (from 1) and object of every entry of a JSON list; a plain text is an object with a prompt.

    Raises:
        BadSuite: When the file is no such list.
    """
    body = json_body(path)
    if not isinstance(body, list):
        raise BadSuite(f"{path}: a JSON {_kind(body)}, not a list of prompts.")
    for n, entry in enumerate(body, start=1):
        if isinstance(entry, dict):
            yield n, entry
        elif isinstance(entry, str):
            yield n, {"prompt": entry}
        else:
            collector.skip(n, "not a JSON object")


def json_body(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        BadSuite: When it cannot be read or is not JSON; names the line.
    """
    try:
        return orjson.loads(read_text(path))
    except orjson.JSONDecodeError as error:
        raise BadSuite(
            f"{path}:{error.lineno}: not JSON, perhaps cut off ({error.msg}). Get the file again."
        ) from error


def _kind(body: object) -> str:
    return "object" if isinstance(body, dict) else type(body).__name__


def table_rows(path: Path, collector: PromptCollector) -> Iterator[tuple[int, dict[str, str]]]:
    """Read the line number and cells, by lower-case column name, of every row of a CSV or TSV file with a head line.

    Rows with more cells than columns are skipped with the reason.

    Raises:
        BadSuite: For a quotation mark that is never closed (everything after it would be one cell), or a file that is
            no table.
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
            collector.skip(line, f"{len(cells)} cells in a table of {len(names)} columns")
        else:
            padded = [*cells, *[""] * (len(names) - len(cells))]
            yield line, dict(zip(names, (cell.strip() for cell in padded), strict=True))


_END = "\ue000end of file\ue000"  # of the private use area: in no table


def _cells(reader: Any, path: Path) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise BadSuite(f"{path}:{reader.line_num}: not a table ({error}). Fix the line.") from error


def _delimiter(text: str) -> str:
    head = text.split("\n", 1)[0]
    return max(",\t;|", key=head.count)


Shape = Literal["folder", "yaml", "columnar", "table", "json lines", "json list", "json object", "text"]


class Fit(IntEnum):
    """How well a format fits a file; ``auto`` takes the best fit."""

    NONE = 0
    READABLE = 1
    """It can be read so when somebody asks for it."""
    GENERAL = 2
    """Files of this shape usually are this."""
    EXACT = 3
    """It has the fields of this format and of no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a file seems to be, from its ending and its beginning.

    Attributes:
        path: The file or folder.
        shape: How it is laid out.
        fields: The table's columns in lower case, or the first JSON object's keys as they are.
    """

    path: Path
    shape: Shape
    fields: frozenset[str] = frozenset()

    def has(self, *names: str) -> bool:
        """Whether all of these fields are there."""
        return self.fields.issuperset(names)

    def has_any(self, *names: str) -> bool:
        """Whether at least one of these fields is there."""
        return not self.fields.isdisjoint(names)


def preview(path: Path) -> Preview:
    """Look at a file's ending and beginning.

    Raises:
        BadSuite: When it cannot be read, or holds no text.
    """
    if path.is_dir():
        return Preview(path=path, shape="folder")
    ending = path.suffix.lower()
    if ending in (".yaml", ".yml"):
        return Preview(path=path, shape="yaml")
    if ending in (".parquet", ".arrow"):
        return Preview(path=path, shape="columnar")
    text = read_text(path)
    start = text.lstrip()[:1]
    if start in ("{", "["):
        return _preview_of_json(path, text, listed=start == "[")
    return _preview_of_table(path, text, ending)


def _preview_of_json(path: Path, text: str, *, listed: bool) -> Preview:
    if listed:
        body = _parsed(text)
        first = body[0] if isinstance(body, list) and body else None
        return Preview(path=path, shape="json list", fields=_keys(first))
    whole = _parsed(text)
    lines = text.strip().splitlines()
    if whole is not None and (len(lines) > 1 or not _keys(whole) & {"prompt", "text", "image_prompt", "unsafe_prompt"}):
        return Preview(path=path, shape="json object", fields=_keys(whole))
    for line in lines:
        if line.lstrip().startswith("{") and (body := _parsed(line)) is not None:
            return Preview(path=path, shape="json lines", fields=_keys(body))
    return Preview(path=path, shape="json object")


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _keys(body: object) -> frozenset[str]:
    if isinstance(body, str):
        return frozenset(("prompt",))
    return frozenset(body) if isinstance(body, dict) else frozenset()


_COLUMN = re.compile(r"[\w .#-]{1,40}")


def _preview_of_table(path: Path, text: str, ending: str) -> Preview:
    delimiter = _delimiter(text)
    head = text.split("\n", 1)[0].strip().split(delimiter)
    names = [name.strip().strip('"').lower() for name in head]
    if ending in (".csv", ".tsv"):
        return Preview(path=path, shape="table", fields=frozenset(names))
    # "text, three pigs, film noir" is a prompt: in a head line the names stand close together and are single words.
    if len(head) > 1 and all(_COLUMN.fullmatch(cell.strip('"')) and " " not in cell for cell in head):
        return Preview(path=path, shape="table", fields=frozenset(names))
    return Preview(path=path, shape="text")
