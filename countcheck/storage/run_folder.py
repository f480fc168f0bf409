"""The run on disk: an SQLite ledger and picture files, append-only and atomic.

A row is written only after its picture file is safely on disk, so killing the process at any instant loses at most
the samples in flight. One process writes; any number read.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert

from countcheck.detectors.base import Detections
from countcheck.errors import BadInput
from countcheck.files import disk_errors_as_sentences, first_line
from countcheck.storage.columns import detection_columns, outcome_columns, sample_columns, verdict_columns
from countcheck.storage.label_store import LabelStore
from countcheck.storage.ledger import Ledger
from countcheck.storage.picture_store import PictureStore
from countcheck.storage.records import OutcomeRecord, VerdictRecord
from countcheck.storage.result_reader import ResultReader
from countcheck.storage.resume import ResumeState
from countcheck.storage.rows import Label, ResultRow
from countcheck.storage.run_info import CounterInfo, GeneratorInfo, RunInfo, SelfTestInfo
from countcheck.storage.schema import SCHEMA_VERSION, countings, facts, metadata, migrate, outcomes, samples, verdicts
from countcheck.storage.schema import detections as detections_table
from countcheck.storage.stored_json import to_text
from countcheck.suites.samples import Sample
from countcheck.suites.serialize import suite_from_json
from countcheck.suites.suite import Suite

NO_STATES: Mapping[str, Any] = {}


class RunFolder:
    """One run folder. Open it with `RunFolder.open`, make it with `RunFolder.create`; close it, or use it in a ``with``.

    Attributes:
        path: The folder.
        pictures: Its picture files.
        label_store: People's labels.
        resume: What an interrupted run needs to go on.

    >>> from tempfile import TemporaryDirectory
    >>> from countcheck.storage.run_info import RunInfo
    >>> with TemporaryDirectory() as folder:
    ...     RunFolder.create(Path(folder) / "pigs", RunInfo(suite="three-little-pigs")).close()
    ...     with RunFolder.open(Path(folder) / "pigs") as run:
    ...         run.name, run.info.suite, run.completed_keys()
    ('pigs', 'three-little-pigs', set())
    """

    def __init__(self, path: Path, ledger: Ledger) -> None:
        self.path = path
        self.pictures = PictureStore(path)
        self.label_store = LabelStore(ledger)
        self.resume = ResumeState(ledger)
        self._ledger = ledger
        self._results = ResultReader(ledger)
        self._info_lock = threading.Lock()
        self._info: RunInfo | None = None
        self._suite: Suite | None = None

    # -- opening -------------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: Path, info: RunInfo) -> Self:
        """Make a new run folder with this record.

        Raises:
            BadInput: When a file is in its place, or it cannot be written there.
            DiskFull: When there is no room.
        """
        with disk_errors_as_sentences(path):
            if path.exists() and not path.is_dir():
                raise BadInput(f"{path} is a file. Name a folder for the run.")
            (path / "images").mkdir(parents=True, exist_ok=True)
            ledger = Ledger(path)
            with ledger.writing() as connection:
                metadata.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
        run = cls(path, ledger)
        run._record(info.to_json())
        return run

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open an existing run.

        Raises:
            BadInput: When there is no run there, or its ledger is damaged.
            RunMismatch: When a newer program wrote it.
        """
        path = Path(path)
        if not _is_there(path / "run.sqlite"):
            raise BadInput(f"{path} is not a run: there is no run.sqlite in it. Name the folder that `run` wrote.")
        ledger = Ledger(path)
        try:
            migrate(ledger.engine, path)
            run = cls(path, ledger)
            _ = run.info
        except (sa.exc.DatabaseError, orjson.JSONDecodeError) as error:
            ledger.close()
            raise BadInput(
                f"{ledger.path} cannot be read: {first_line(error)}. Restore it, or run again elsewhere."
            ) from error
        return run

    @classmethod
    def exists(cls, path: Path) -> bool:
        """Whether a run is there; an interrupted `create` that wrote no record does not count.

        Raises:
            BadInput: When its ledger is damaged.
        """
        if not _is_there(path / "run.sqlite"):
            return False
        ledger = Ledger(path)
        try:
            with ledger.reading() as connection:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
                if version > SCHEMA_VERSION:
                    return True
                if not sa.inspect(connection).has_table("facts"):
                    return False
                return connection.execute(sa.select(facts.c.name).limit(1)).first() is not None
        except sa.exc.DatabaseError as error:
            raise BadInput(f"{ledger.path} cannot be read: {first_line(error)}.") from error
        finally:
            ledger.close()

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what it is ----------------------------------------------------------------------------------------------

    @property
    def info(self) -> RunInfo:
        """What the run was made with, and the counter and self-test of the current counting."""
        with self._info_lock:  # another thread may be recording something
            if self._info is None:
                self._info = RunInfo.from_json(self._read_info())
            return self._info

    @property
    def name(self) -> str:
        """As shown in tables: the folder's name."""
        return self.path.resolve().name

    @property
    def suite(self) -> Suite:
        """What was asked."""
        if self._suite is None:
            self._suite = suite_from_json(self.info.suite_body)
        return self._suite

    @property
    def generators(self) -> list[str]:
        """Names of the generators, in the order they were given."""
        return list(self.info.generators)

    @property
    def spent(self) -> float:
        """USD paid so far, as far as prices are known."""
        with self._ledger.reading() as connection:
            written = float(connection.execute(sa.select(sa.func.sum(outcomes.c.cost))).scalar() or 0.0)
        return written + self.resume.cost()

    def record_generators(self, generators: Mapping[str, GeneratorInfo]) -> None:
        """Record generators beside those already recorded; one of the same name is replaced."""
        recorded = {**self.info.generators, **generators}
        self._record({"generators": {name: generator.to_json() for name, generator in recorded.items()}})

    def record_decision(self, sentence: str) -> None:
        """Record that a gate ended the run early, and why."""
        self._record({"until_decided": sentence})

    def _read_info(self) -> dict[str, Any]:
        with self._ledger.reading() as connection:
            body = {name: orjson.loads(value) for name, value in connection.execute(sa.select(facts))}
            current = connection.execute(sa.select(countings).order_by(countings.c.id.desc()).limit(1)).first()
        if current is None:
            return body
        return body | {
            "counter": orjson.loads(current.counter),
            "controls": orjson.loads(current.controls),
            "counting": current.id,
        }

    def _record(self, changes: Mapping[str, Any]) -> None:
        insert = upsert(facts)
        statement = insert.on_conflict_do_update(index_elements=["name"], set_={"value": insert.excluded.value})
        rows = [{"name": name, "value": to_text(value)} for name, value in changes.items()]
        with self._ledger.writing() as connection:
            connection.execute(statement, rows)
        self._forget_info()

    def _forget_info(self) -> None:
        with self._info_lock:
            self._info = None

    # -- writing -------------------------------------------------------------------------------------------------

    def begin_counting(self, counter: CounterInfo, self_test: SelfTestInfo | None = None) -> int:
        """Return the id of a counting (a counter with its rule): verdicts written from now on belong to it.

        A run that goes on under the very same counter keeps its counting.
        """
        with self._ledger.reading() as connection:
            last = connection.execute(sa.select(countings).order_by(countings.c.id.desc()).limit(1)).first()
        if last is not None and CounterInfo.from_json(orjson.loads(last.counter)) == counter.stored():
            return int(last.id)
        columns = {"counter": to_text(counter.to_json()), "controls": to_text(self_test and self_test.to_json())}
        with self._ledger.writing() as connection:
            made = connection.execute(sa.insert(countings).values(columns))
        self._forget_info()
        number: int = made.inserted_primary_key[0]  # type: ignore[index]
        return number

    def add_planned(self, planned: Sequence[Sample]) -> None:
        """Write which samples the run consists of; those already written stay as they are. Raises `DiskFull`."""
        if planned:
            with self._ledger.writing() as connection:
                connection.execute(
                    upsert(samples).on_conflict_do_nothing(), [sample_columns(sample) for sample in planned]
                )

    def completed_keys(self) -> set[str]:
        """Read the keys of the samples that are complete."""
        with self._ledger.reading() as connection:
            return set(connection.execute(sa.select(samples.c.key).where(samples.c.done)).scalars())

    def write(self, entries: Sequence[OutcomeRecord], counting: int, states: Mapping[str, Any] = NO_STATES) -> None:
        """Write outcomes with their detections and verdicts in one transaction.

        Args:
            entries: What to write.
            counting: See `begin_counting`.
            states: By sample key, the state of a conversation's dialogue after its entry.

        Raises:
            DiskFull: When there is no room; nothing of it is written then.
        """
        if not entries:
            return
        packed = self.resume.pack_states(states, entries)
        found = [detection_columns(e.key, e.turn, counting, e.detections) for e in entries if e.detections is not None]
        judged = [verdict_columns(e, counting) for e in entries if e.verdict is not None]
        closed = [{"k": e.key} for e in entries if e.closes]
        with self._ledger.writing() as connection:
            connection.execute(sa.insert(outcomes), [outcome_columns(e) for e in entries])
            if found:
                connection.execute(sa.insert(detections_table), found)
            if judged:
                connection.execute(sa.insert(verdicts), judged)
            if closed:
                connection.execute(
                    sa.update(samples).where(samples.c.key == sa.bindparam("k")).values(done=True), closed
                )
            self.resume.write_states(connection, packed)
            self.resume.remove_uncounted(connection, entries)

    def write_verdicts(self, judged: Iterable[VerdictRecord], counting: int) -> None:
        """Write the verdicts of a recount; one by the very same counter replaces its own. Raises `DiskFull`."""
        statement = sa.insert(verdicts).prefix_with("OR REPLACE")
        with self._ledger.writing() as connection:
            batch: list[dict[str, Any]] = []
            for record in judged:
                batch.append(verdict_columns(record, counting))
                if len(batch) >= 5000:
                    connection.execute(statement, batch)
                    batch = []
            if batch:
                connection.execute(statement, batch)

    def write_detections(self, found: Iterable[tuple[str, int, Detections]], counting: int) -> None:
        """Write what another detector found in the stored pictures, as (key, turn, detections). Raises `DiskFull`."""
        rows = [detection_columns(key, turn, counting, detections) for key, turn, detections in found]
        if rows:
            with self._ledger.writing() as connection:
                connection.execute(sa.insert(detections_table), rows)

    # -- reading -------------------------------------------------------------------------------------------------

    def rows(self) -> list[ResultRow]:
        """Read one row per prompt sample and per turn of a conversation, missing samples included."""
        return self._results.rows(self.suite)

    def detections(self, counting: int | None = None) -> Iterator[tuple[str, int, Detections]]:
        """Yield key, turn and detections of every counted picture; see `ResultReader.detections`."""
        return self._results.detections(counting)

    def labels(self) -> list[Label]:
        """Read every label, oldest first."""
        return self.label_store.read()


def _is_there(ledger: Path) -> bool:
    try:
        return ledger.is_file()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False
