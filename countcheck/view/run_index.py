"""The runs in a folder, as the page shows them: each read again only when its ledger has changed."""

from __future__ import annotations

import hashlib
import heapq
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from countcheck.errors import BadInput, CountcheckError
from countcheck.reports.format import estimate_text
from countcheck.reports.headline import headline
from countcheck.reports.report import Report, read_report
from countcheck.reports.safe_text import visible
from countcheck.reports.sections import outcome_bars
from countcheck.storage.find_runs import find_runs
from countcheck.storage.result_table import MISSING
from countcheck.storage.run_folder import RunFolder

READING_SECONDS = 1.0
"""How long one answer may spend on reading runs; the rest of them are read for the next answer."""
_NEWEST = 24
_REST = 5.0  # a run that is being made is read again after this many times the time that reading it took

Stamp = tuple[int, int, int, int]
"""Size and time of change of a run's ledger and of the log beside it."""


@dataclass(slots=True, kw_only=True)
class IndexedRun:
    """One run folder, and what was last read of it.

    Attributes:
        id: Its name in addresses.
        body: What the list shows of it; ``None`` before it was read.
        newest: The pictures that came last, the newest first.
        stamp: Of the ledger when it was read.
        again_after: Not read again before this moment (`time.monotonic`).
    """

    id: str
    path: Path
    name: str
    body: dict[str, Any] | None = None
    newest: list[dict[str, Any]] = field(default_factory=list)
    stamp: Stamp | None = None
    again_after: float = 0.0


class RunIndex:
    """The runs in a folder. Safe to use from several threads.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     RunIndex(Path(folder)).snapshot()["runs"]
    []
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder = folder
        self._clock = clock
        self._runs: dict[Path, IndexedRun] = {}
        self._lock = threading.Lock()

    def snapshot(self) -> dict[str, Any]:
        """Return the folder, its runs (the newest first) and how many of them are still to be read.

        A run that cannot be read has a ``problem`` in place of its results.
        """
        with self._lock:
            self._find()
            waiting = [run for run in self._runs.values() if self._is_due(run)]
            end = self._clock() + READING_SECONDS
            while waiting and self._clock() < end:
                self._read(waiting.pop(0))
            bodies = [run.body for run in self._runs.values() if run.body is not None]
            bodies.sort(key=lambda body: body["created"], reverse=True)
            return {"folder": visible(str(self.folder)), "reading": len(waiting), "runs": bodies}

    def run(self, run_id: str) -> dict[str, Any]:
        """Return one run as the list shows it, with its ``newest`` pictures. Raises `BadInput` for an unknown one."""
        with self._lock:
            run = self._run(run_id)
            if self._is_due(run):
                self._read(run)
            return {**(run.body or {}), "newest": run.newest}

    def path(self, run_id: str) -> Path:
        """Return the folder of a run. Raises `BadInput` for an unknown one."""
        with self._lock:
            return self._run(run_id).path

    def stamp(self, run_id: str) -> Stamp:
        """Return what changes whenever the run's ledger does. Raises `BadInput` for an unknown run."""
        return _stamp(self.path(run_id))

    def _run(self, run_id: str) -> IndexedRun:
        for again in (False, True):
            if again:
                self._find()
            for run in self._runs.values():
                if run.id == run_id:
                    return run
        raise BadInput("there is no such run here any more. Go back to the list.")

    def _find(self) -> None:
        found = find_runs(self.folder)
        for path in set(self._runs) - set(found):
            del self._runs[path]
        for path in found:
            if path not in self._runs:
                name = path.name if path == self.folder else str(path.relative_to(self.folder))
                identifier = hashlib.sha256(str(path.resolve()).encode("utf-8", "replace")).hexdigest()[:16]
                self._runs[path] = IndexedRun(id=identifier, path=path, name=name)

    def _is_due(self, run: IndexedRun) -> bool:
        return run.body is None or (self._clock() >= run.again_after and run.stamp != _stamp(run.path))

    def _read(self, run: IndexedRun) -> None:
        began, run.stamp = self._clock(), _stamp(run.path)
        body: dict[str, Any] = {"id": run.id, "name": visible(run.name, 200), "created": "", "problem": ""}
        body["changed"] = max(run.stamp[1], run.stamp[3]) / 1e9
        try:
            with RunFolder.open(run.path, check_suite=False) as opened:
                report = read_report([opened])
                body |= _body(report)
                run.newest = _newest(run.path, report)
        except CountcheckError as error:
            body["problem"] = visible(str(error), 500)
        except OSError as error:  # deleted while it was read
            body["problem"] = f"cannot be read ({error.strerror})"
        run.body = body
        now = self._clock()
        run.again_after = now + _REST * (now - began)


def _stamp(path: Path) -> Stamp:
    numbers: list[int] = []
    for name in ("run.sqlite", "run.sqlite-wal"):
        try:
            status = (path / name).stat()
            numbers += [status.st_size, status.st_mtime_ns]
        except OSError:
            numbers += [0, 0]
    return (numbers[0], numbers[1], numbers[2], numbers[3])


def _body(report: Report) -> dict[str, Any]:
    source = report.runs[0]
    planned = sum(len(model.rows) for model in report.models)
    missing = sum(int((model.rows.table.outcome == MISSING).sum()) for model in report.models)
    models = []
    for model, parts in zip(report.models, outcome_bars(report), strict=True):
        exact, refused = (estimate_text(name, model.rates.get(name)) for name in ("exact_rate", "refusal_rate"))
        models.append(
            {
                "name": visible(model.label, 120),
                "exact": exact.value,
                "interval": exact.interval,
                "refused": refused.value,
                "parts": [{"kind": part.kind, "n": part.n, "share": part.share} for part in parts],
            }
        )
    return {
        "suite": visible(report.suite, 120),
        "counter": visible(source.info.counter.name, 120),
        "created": source.info.created,
        "planned": planned,
        "done": planned - missing,
        "labels": source.labels,
        "headline": visible(headline(report), 600),
        "models": models,
    }


def _newest(path: Path, report: Report) -> list[dict[str, Any]]:
    def changed(place: tuple[int, int]) -> float:
        model, row = place
        picture = report.models[model].rows.table.picture[row].decode("utf-8", "surrogatepass")
        try:
            return os.stat(f"{path}/{picture}").st_mtime  # noqa: PTH116 (a path object costs more than the look)
        except (OSError, ValueError):
            return 0.0

    drawn = (
        (index, row)
        for index, model in enumerate(report.models)
        for row in np.flatnonzero(model.rows.table.drawn).tolist()
    )
    newest = []
    for index, place in heapq.nlargest(_NEWEST, drawn, key=changed):
        (row,) = report.models[index].rows.rows_at([place])
        newest.append(
            {
                "key": row.key,
                "turn": row.turn,
                "model": visible(report.models[index].label, 120),
                "text": visible(row.text, 300),
                "verdict": "" if row.verdict is None else str(row.verdict),
                "reason": visible(row.reason, 300),
            }
        )
    return newest
