"""A run's verdicts as rows for other programs: JSON lines, CSV, Parquet, GenEval's results, and Soft-TIFA's scores."""

from __future__ import annotations

import csv
import io
import itertools
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import orjson

from countcheck.errors import BadInput, MissingExtra
from countcheck.files import disk_errors_as_sentences, whole_file
from countcheck.reports.safe_text import csv_cell, json_text, log_text
from countcheck.storage.forked import forked_map, spare_processes
from countcheck.storage.rows import ResultRow, row_to_json
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.serialize import target_to_json

if TYPE_CHECKING:
    import pyarrow

    from countcheck.storage.result_table import ResultTable

_ROWS = 10_000  # that are in memory at a time
_MANY = 50_000  # from which several processes read them
_TEXT = 1 << 20  # bytes that are printed at a time


def write_rows(run: RunFolder, format: str, out: Path | None) -> int:
    """Write a run's rows and return how many; to stdout when ``out`` is ``None``.

    Nothing is written when not everything can be read. JSON lines, CSV and Parquet are written as they are read, so that
    a large run takes no more memory than a small one but for what tells repeated pictures.

    Raises:
        BadInput: For Parquet without a file, a file that cannot be written, or Soft-TIFA's scores of a run that was
            counted without probabilities.
        MissingExtra: For Parquet when pyarrow is not installed.
    """
    if format == "parquet":
        if out is None:
            raise BadInput("Parquet is not text. Name a file with -o.")
        _require_pyarrow()
    write = _STREAMED[format] if format in _STREAMED else _whole(run, format)
    if out is None:
        with tempfile.TemporaryFile() as spooled:
            with disk_errors_as_sentences(Path(tempfile.gettempdir())):
                number = write(run, spooled)
            spooled.seek(0)
            while lines := spooled.readlines(_TEXT):
                text = b"".join(lines).decode()
                sys.stdout.write(log_text(text) if format == "csv" else text)
        return number
    try:
        with whole_file(out) as file:
            return write(run, file)
    except OSError as error:
        raise BadInput(f"{out} cannot be written ({error.strerror}).") from error


def _write_jsonl(run: RunFolder, file: BinaryIO) -> int:
    number = 0
    for row in run.iter_rows():
        file.write(_json(row_to_json(row)).encode() + b"\n")
        number += 1
    return number


def _json(value: Any) -> str:
    return json_text(orjson.dumps(value).decode())


def _write_csv(run: RunFolder, file: BinaryIO) -> int:
    number = 0
    for rows in _batches(run):
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        if not number:
            writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
        file.write(text.getvalue().encode())
        number += len(rows)
    if not number:
        file.write(b"\n")  # the header of no columns
    return number


def _cell(value: Any) -> Any:
    """A nested value as JSON; text that a spreadsheet would run as a formula gets an apostrophe in front."""
    if isinstance(value, dict | list):
        return _json(value)
    return csv_cell(value) if isinstance(value, str) else value


def _batches(run: RunFolder) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows as plain values, some thousand at a time."""
    rows = map(row_to_json, run.iter_rows())
    while batch := list(itertools.islice(rows, _ROWS)):
        yield batch


def _require_pyarrow() -> None:
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise MissingExtra("parquet", feature="writing Parquet") from error


def _write_parquet(run: RunFolder, file: BinaryIO) -> int:
    """Write the rows with nested values as JSON; a column in which no row has a value has the type null.

    Which columns those are is told by the run's columns, before the first row. A large run that is finished is read in
    several processes.
    """
    from pyarrow import parquet

    planned, completed = run.count_samples()
    processes = spare_processes([run]) if planned >= _MANY and planned == completed else 1
    schema, parts = _read_in_parts(run) if processes == 1 else _read_by_several(run, processes)
    number = 0
    with parquet.ParquetWriter(file, schema) as writer:
        for batch in parts:
            writer.write_batch(batch)
            number += len(batch)
    return number


def _read_in_parts(run: RunFolder) -> tuple[pyarrow.Schema, Iterator[pyarrow.RecordBatch]]:
    """Read the types of the columns and, as they are asked for, the rows, as of one moment."""
    tables: list[ResultTable] = []
    rows = run.iter_rows(tables.append)
    first = list(itertools.islice(rows, _ROWS))
    schema = _schema(tables.pop())

    def parts() -> Iterator[pyarrow.RecordBatch]:
        part = first
        while part:
            yield _batch(part, schema)
            part = list(itertools.islice(rows, _ROWS))

    return schema, parts()


def _read_by_several(run: RunFolder, processes: int) -> tuple[pyarrow.Schema, Iterator[pyarrow.RecordBatch]]:
    """Read as `_read_in_parts` does, in several processes; of a run in which nothing changes."""
    import pyarrow

    results = run.results()
    schema = _schema(results.table)

    def packed(part: int) -> bytes:
        data: bytes = _batch(list(results.part(part, _ROWS)), schema).serialize().to_pybytes()
        return data

    read = forked_map(packed, results.parts(_ROWS), processes)
    return schema, (pyarrow.ipc.read_record_batch(pyarrow.py_buffer(data), schema) for data in read)


def _schema(table: ResultTable) -> pyarrow.Schema:
    import pyarrow

    empty = _empty_columns(table)
    kinds = {name: pyarrow.null() if name in empty else _arrow_type(name) for name in _COLUMNS}
    return pyarrow.schema(list(kinds.items()) if len(table) else [])


def _batch(rows: Sequence[ResultRow], schema: pyarrow.Schema) -> pyarrow.RecordBatch:
    import pyarrow

    columns = [pyarrow.array(_COLUMNS[field.name](rows), field.type) for field in schema]
    return pyarrow.RecordBatch.from_arrays(columns, schema=schema)


def _empty_columns(table: ResultTable) -> set[str]:
    """Return the fields of which no row has a value."""
    endings = [table.endings[code] for code in np.flatnonzero(np.bincount(table.ending)).tolist()]
    places = [table.places[code] for code in np.flatnonzero(np.bincount(table.place)).tolist()]
    filled = {
        "refusal": any(ending.refusal is not None for ending in endings),
        "failure": any(ending.failure is not None for ending in endings),
        "verdict": any(ending.verdict is not None for ending in endings),
        "cost": not np.isnan(table.cost).all(),
        "group": any(place.fields.group is not None for place in places),
        "picture": table.drawn.any(),
    }
    filled["leaning"] = filled["verdict"]  # they are written together
    return {name for name, has_value in filled.items() if not has_value}


class _JsonOf:
    """Writes one nested field of rows as JSON, what rows share once."""

    def __init__(self, name: str, plain: Callable[[Any], Any] = dict) -> None:
        self._read, self._plain = attrgetter(name), plain

    def __call__(self, rows: Sequence[ResultRow]) -> list[str]:
        values = list(map(self._read, rows))
        places = list(map(id, values))  # the rows keep their values alive meanwhile
        texts = {
            place: orjson.dumps(self._plain(value)).decode()
            for place, value in dict(zip(places, values, strict=True)).items()
        }
        return [texts[place] for place in places]


def _values(name: str) -> Callable[[Sequence[ResultRow]], list[Any]]:
    read = attrgetter(name)
    return lambda rows: list(map(read, rows))


def _named(name: str) -> Callable[[Sequence[ResultRow]], list[str | None]]:
    read = attrgetter(name)
    return lambda rows: [kind and kind.value for kind in map(read, rows)]


# Each published field of a row, in the order of `row_to_json`, with what reads it from many rows at a time.
_COLUMNS: dict[str, Callable[[Sequence[ResultRow]], list[Any]]] = {
    name: _values(name)
    for name in row_to_json(ResultRow(key="", generator="", prompt_id="", repeat=0, seed=0, text="", outcome=""))
} | {
    "verdict": _named("verdict"),
    "leaning": _named("leaning"),
    "picture": lambda rows: [row.picture or None for row in rows],
    **{name: _JsonOf(name) for name in ("asked", "counted", "low", "high", "tags")},
    "targets": _JsonOf("targets", lambda targets: [target_to_json(target) for target in targets]),
}


def _arrow_type(name: str) -> pyarrow.DataType:
    """Return the type of a column of the Parquet file."""
    import pyarrow

    if name in ("repeat", "turn", "seed", "script", "repair"):
        return pyarrow.int64()
    if name in ("seconds", "cost"):
        return pyarrow.float64()
    return pyarrow.bool_() if name in ("benign", "conversation", "claims") else pyarrow.string()


def _whole(run: RunFolder, format: str) -> Callable[[RunFolder, BinaryIO], int]:
    """Make another program's results, before a file is begun, and return what writes them."""
    data = _OTHERS[format](run, run.rows())

    def write(run: RunFolder, file: BinaryIO) -> int:
        file.write(data)
        # Of other programs' results only those are written that they can read.
        return data.count(b"\n")

    return write


_NOTE = logging.INFO + 5  # what a person is told in any case, as the command line shows it


def _geneval(run: RunFolder, rows: list[ResultRow]) -> bytes:
    from countcheck.interop.geneval_results import geneval_results

    results = geneval_results(run, rows)
    logger = logging.getLogger("countcheck")
    if results.left_out:
        logger.warning(results.sentence())
    logger.log(_NOTE, results.score() or "no picture of this run has a prompt that GenEval's rule can judge")
    return b"".join(_json(line).encode() + b"\n" for line in results.lines)


def _soft_tifa(run: RunFolder, rows: list[ResultRow]) -> bytes:
    from countcheck.interop.soft_tifa import soft_tifa_scores

    return b"".join(_json(line).encode() + b"\n" for line in soft_tifa_scores(run, rows))


_STREAMED: dict[str, Callable[[RunFolder, BinaryIO], int]] = {
    "jsonl": _write_jsonl,
    "csv": _write_csv,
    "parquet": _write_parquet,
}
_OTHERS: dict[str, Callable[[RunFolder, list[ResultRow]], bytes]] = {
    "geneval": _geneval,
    "soft-tifa": _soft_tifa,
}
