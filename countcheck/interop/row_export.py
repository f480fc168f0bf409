"""A run's verdicts as rows for other programs: JSON lines, CSV, Parquet, GenEval's results, and Soft-TIFA's scores."""

from __future__ import annotations

import csv
import io
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from countcheck.errors import BadInput, MissingExtra
from countcheck.files import atomic_write
from countcheck.reports.safe_text import csv_cell, json_text, log_text
from countcheck.storage.rows import ResultRow, row_to_json
from countcheck.storage.run_folder import RunFolder


def write_rows(run: RunFolder, format: str, out: Path | None) -> int:
    """Write a run's rows and return how many; to stdout when ``out`` is ``None``.

    Raises:
        BadInput: For Parquet without a file, a file that cannot be written, or Soft-TIFA's scores of a run that was
            counted without probabilities.
        MissingExtra: For Parquet when pyarrow is not installed.
    """
    rows = run.rows()
    data = _FORMATS[format](run, rows)
    if out is None:
        if format == "parquet":
            raise BadInput("Parquet is not text. Name a file with -o.")
        text = data.decode()
        sys.stdout.write(log_text(text) if format == "csv" else text)
        return len(rows)
    try:
        atomic_write(out, data)
    except OSError as error:
        raise BadInput(f"{out} cannot be written ({error.strerror}).") from error
    # Of other programs' results only those are written that they can read.
    return data.count(b"\n") if format in ("geneval", "soft-tifa") else len(rows)


def _jsonl(run: RunFolder, rows: list[ResultRow]) -> bytes:
    return b"".join(_json(row_to_json(row)).encode() + b"\n" for row in rows)


def _json(value: Any) -> str:
    return json_text(orjson.dumps(value).decode())


def _csv(run: RunFolder, rows: list[ResultRow]) -> bytes:
    text = io.StringIO()
    names = list(row_to_json(rows[0])) if rows else []
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row_to_json(row).items()} for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """A nested value as JSON; text that a spreadsheet would run as a formula gets an apostrophe in front."""
    if isinstance(value, dict | list):
        return _json(value)
    return csv_cell(value) if isinstance(value, str) else value


def _parquet(run: RunFolder, rows: list[ResultRow]) -> bytes:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("parquet", feature="writing Parquet") from error
    flat = [
        {
            name: orjson.dumps(value).decode() if isinstance(value, dict | list) else value
            for name, value in body.items()
        }
        for body in map(row_to_json, rows)
    ]
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(flat), buffer)
    return buffer.getvalue()


def _geneval(run: RunFolder, rows: list[ResultRow]) -> bytes:
    from countcheck.interop.geneval_results import geneval_results

    results = geneval_results(run, rows)
    if results.left_out:
        logging.getLogger("countcheck").warning(results.sentence())
    return b"".join(_json(line).encode() + b"\n" for line in results.lines)


def _soft_tifa(run: RunFolder, rows: list[ResultRow]) -> bytes:
    from countcheck.interop.soft_tifa import soft_tifa_scores

    return b"".join(_json(line).encode() + b"\n" for line in soft_tifa_scores(run, rows))


_FORMATS: dict[str, Callable[[RunFolder, list[ResultRow]], bytes]] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "parquet": _parquet,
    "geneval": _geneval,
    "soft-tifa": _soft_tifa,
}
