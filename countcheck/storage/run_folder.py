"""The run on disk: an SQLite ledger and picture files, append-only and atomic.

A row is written only after its picture file is safely on disk, so killing the process at any instant loses at most
the samples in flight. One process writes; any number read.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert

from countcheck.detectors.base import Detections
from countcheck.errors import BadInput
from countcheck.files import atomic_write, first_line, room
from countcheck.storage.records import (
    Judged,
    OutcomeRecord,
    Shared,
    judged_columns,
    packed,
    plain,
    unpacked,
    verdict_row,
)
from countcheck.storage.resume import ResumeState
from countcheck.storage.rows import Label, ResultRow
from countcheck.storage.run_info import CounterInfo, GeneratorInfo, RunInfo, SelfTestInfo
from countcheck.storage.schema import (
    SCHEMA_VERSION,
    countings,
    metadata,
    migrate,
    open_engine,
    outcomes,
    samples,
    verdicts,
)
from countcheck.storage.schema import detections as detections_table
from countcheck.storage.schema import facts as facts_table
from countcheck.storage.schema import labels as labels_table
from countcheck.suites.samples import Sample
from countcheck.suites.serialize import suite_from_json
from countcheck.suites.suite import Conversation, Prompt, Suite

NO_STATES: Mapping[str, Any] = {}
_SAFE = re.compile(r"^[0-9a-f]{8,64}$")


class RunFolder:
    """One run folder. Open it with `RunFolder.open`, make it with `RunFolder.create`; close it, or use it in a ``with``."""

    def __init__(self, path: Path, engine: sa.Engine) -> None:
        self.path = path
        self._engine = engine
        self._writing = threading.Lock()
        self._remembering = threading.Lock()
        self.unfinished = ResumeState(path, engine, self._writing)
        self._info: RunInfo | None = None
        self._suite: Suite | None = None

    # -- opening -------------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: Path, info: RunInfo) -> RunFolder:
        """Make a new run folder with this record. Raises `BadInput` when something else stands there."""
        with room(path):
            if path.exists() and not path.is_dir():
                raise BadInput(f"{path} is a file. Name a folder for the run.")
            (path / "images").mkdir(parents=True, exist_ok=True)
            engine = open_engine(path / "run.sqlite")
            with engine.begin() as connection:
                metadata.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
        run = cls(path, engine)
        run._record(info.to_json())
        return run

    @classmethod
    def open(cls, path: Path | str) -> RunFolder:
        """An existing run.

        Raises:
            BadInput: When there is no run there, or its ledger is damaged.
            RunMismatch: When a newer program wrote it.
        """
        path = Path(path)
        ledger = path / "run.sqlite"
        if not _is_there(ledger):
            raise BadInput(f"{path} is not a run: there is no run.sqlite in it. Name the folder that `run` wrote.")
        engine = open_engine(ledger)
        try:
            migrate(engine, path)
            run = cls(path, engine)
            _ = run.info
        except (sa.exc.DatabaseError, orjson.JSONDecodeError) as error:
            engine.dispose()
            raise BadInput(
                f"{ledger} cannot be read: {first_line(error)}. Restore it, or run again elsewhere."
            ) from error
        return run

    @classmethod
    def exists(cls, path: Path) -> bool:
        """Whether a run stands there; an interrupted `create` that wrote no facts does not count."""
        if not _is_there(path / "run.sqlite"):
            return False
        engine = open_engine(path / "run.sqlite")
        try:
            with engine.connect() as connection:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
                if version > SCHEMA_VERSION:
                    return True
                if not sa.inspect(connection).has_table("facts"):
                    return False
                return connection.execute(sa.select(facts_table.c.name).limit(1)).first() is not None
        except sa.exc.DatabaseError as error:
            raise BadInput(f"{path / 'run.sqlite'} cannot be read: {first_line(error)}.") from error
        finally:
            engine.dispose()

    def close(self) -> None:
        """Give the ledger back."""
        self._engine.dispose()

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what it is ----------------------------------------------------------------------------------------------

    @property
    def info(self) -> RunInfo:
        """What the run was made with, and the counter and self-test of the current counting."""
        with self._remembering:  # another thread may be recording something
            if self._info is None:
                self._info = RunInfo.from_json(self._read_info())
            return self._info

    def _read_info(self) -> dict[str, Any]:
        with self._engine.connect() as connection:
            body = {name: orjson.loads(value) for name, value in connection.execute(sa.select(facts_table))}
            current = connection.execute(sa.select(countings).order_by(countings.c.id.desc()).limit(1)).first()
        if current is None:
            return body
        return body | {
            "counter": orjson.loads(current.counter),
            "controls": orjson.loads(current.controls),
            "counting": current.id,
        }

    def _forget_info(self) -> None:
        with self._remembering:
            self._info = None

    def record_generators(self, generators: Mapping[str, GeneratorInfo]) -> None:
        """Record generators beside those already recorded; one of the same name is replaced."""
        recorded = {**self.info.generators, **generators}
        self._record({"generators": {name: generator.to_json() for name, generator in recorded.items()}})

    def record_decision(self, sentence: str) -> None:
        """Record that a gate ended the run early, and why."""
        self._record({"until_decided": sentence})

    def _record(self, changes: Mapping[str, Any]) -> None:
        with room(self.path), self._engine.begin() as connection:
            for name, value in changes.items():
                connection.execute(
                    upsert(facts_table)
                    .values(name=name, value=orjson.dumps(value, default=plain).decode())
                    .on_conflict_do_update(
                        index_elements=["name"], set_={"value": orjson.dumps(value, default=plain).decode()}
                    )
                )
        self._forget_info()

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

    # -- writing -------------------------------------------------------------------------------------------------

    def begin_counting(self, counter: CounterInfo, self_test: SelfTestInfo | None = None) -> int:
        """The id of a counting (a counter with its rule): verdicts written from now on belong to it.

        A run that goes on under the very same counter keeps its counting.
        """
        with self._engine.connect() as connection:
            last = connection.execute(sa.select(countings).order_by(countings.c.id.desc()).limit(1)).first()
        if last is not None and CounterInfo.from_json(orjson.loads(last.counter)) == counter.stored():
            return int(last.id)
        with room(self.path), self._engine.begin() as connection:
            made = connection.execute(
                sa.insert(countings).values(
                    counter=orjson.dumps(counter.to_json(), default=plain).decode(),
                    controls=orjson.dumps(self_test and self_test.to_json(), default=plain).decode(),
                )
            )
        self._forget_info()
        number: int = made.inserted_primary_key[0]  # type: ignore[index]
        return number

    def owe(self, planned: Sequence[Sample]) -> None:
        """Note which samples the run owes; those already noted stay as they are."""
        rows = [
            {
                "key": s.key,
                "generator": s.generator,
                "prompt_id": s.asked.id,
                "repeat": s.repeat,
                "seed": s.seed,
                "talk": isinstance(s.asked, Conversation),
                "done": False,
            }
            for s in planned
        ]
        if rows:
            with room(self.path), self._engine.begin() as connection:
                connection.execute(upsert(samples).on_conflict_do_nothing(), rows)

    def done(self) -> set[str]:
        """Keys of the samples of which nothing more is owed."""
        with self._engine.connect() as connection:
            return set(connection.execute(sa.select(samples.c.key).where(samples.c.done)).scalars())

    def reopen_failed(self) -> int:
        """Owe what ended in a failure again; returns how many samples. What they had cost stays spent."""
        return self.unfinished.reopen_failed()

    @property
    def spent(self) -> float:
        """USD paid so far, as far as prices are known."""
        with self._engine.connect() as connection:
            written = float(connection.execute(sa.select(sa.func.sum(outcomes.c.cost))).scalar() or 0.0)
        return written + self.unfinished.cost()

    def picture_path(self, key: str, turn: int) -> str:
        """Where a picture belongs, relative to the run folder."""
        if not _SAFE.match(key):
            raise ValueError(f"not a sample key: {key!r}")
        return f"images/{key[:2]}/{key}{f'-{turn}' if turn else ''}.png"

    def write_picture(self, relative: str, data: bytes) -> str:
        """Put a picture file safely on disk; returns its SHA-256. Raises `DiskFull`."""
        with room(self.path):
            atomic_write(self.path / relative, data, durable=True)
        return hashlib.sha256(data).hexdigest()

    def write(self, entries: Sequence[OutcomeRecord], counting: int, states: Mapping[str, Any] = NO_STATES) -> None:
        """Write outcomes with their detections and verdicts, all or none. Raises `DiskFull`.

        ``states`` says by key where the dialogues of conversations stand now; see `countcheck.storage.resume`.
        """
        if not entries:
            return
        told = self.unfinished.put_away(states, entries)
        with room(self.path), self._writing, self._engine.begin() as connection:
            connection.execute(
                sa.insert(outcomes),
                [
                    {
                        "key": e.key,
                        "turn": e.turn,
                        "script": e.script,
                        "repair": e.repair,
                        "text": e.text,
                        "outcome": e.outcome,
                        "picture": e.picture,
                        "digest": e.digest,
                        "seconds": e.seconds,
                        "cost": e.cost,
                        "detail": orjson.dumps(e.detail, default=plain).decode(),
                    }
                    for e in entries
                ],
            )
            found = [packed(e.key, e.turn, counting, e.detections) for e in entries if e.detections is not None]
            if found:
                connection.execute(sa.insert(detections_table), found)
            judged = [judged_columns(e, counting) for e in entries if e.verdict is not None]
            if judged:
                connection.execute(sa.insert(verdicts), judged)
            closed = [{"k": e.key} for e in entries if e.closes]
            if closed:
                connection.execute(
                    sa.update(samples).where(samples.c.key == sa.bindparam("k")).values(done=True), closed
                )
            self.unfinished.note(connection, told)
            self.unfinished.settle(connection, entries)

    def write_verdicts(self, judged: Iterable[Judged], counting: int) -> None:
        """Write the verdicts of a recount; one by the very same counter replaces its own. Raises `DiskFull`."""
        statement = sa.insert(verdicts).prefix_with("OR REPLACE")
        with room(self.path), self._engine.begin() as connection:
            batch: list[dict[str, Any]] = []
            for one in judged:
                batch.append(judged_columns(one, counting))
                if len(batch) >= 5000:
                    connection.execute(statement, batch)
                    batch = []
            if batch:
                connection.execute(statement, batch)

    def write_detections(self, found: Iterable[tuple[str, int, Detections]], counting: int) -> None:
        """Keep what another detector saw in the stored pictures."""
        with room(self.path), self._engine.begin() as connection:
            rows = [packed(key, turn, counting, seen) for key, turn, seen in found]
            if rows:
                connection.execute(sa.insert(detections_table), rows)

    # -- reading -------------------------------------------------------------------------------------------------

    def detections(self, counting: int | None = None) -> Iterator[tuple[str, int, Detections]]:
        """Key, turn and detections of every counted picture, of the newest counting at or before ``counting`` that looked."""
        table = detections_table
        with self._engine.connect() as connection:
            newest = sa.select(sa.func.max(table.c.counting))
            if counting is not None:
                newest = newest.where(table.c.counting <= counting)
            # A recount with another rule keeps the boxes of the counting that looked.
            wanted = connection.execute(newest).scalar()
            if wanted is None:
                return
            looked = self._looked(connection, wanted)
            query = sa.select(table).where(table.c.counting.in_(looked)).order_by(table.c.key, table.c.turn)
            for row in connection.execution_options(yield_per=1000).execute(query):
                yield row.key, row.turn, unpacked(row.body)

    @staticmethod
    def _looked(connection: sa.Connection, newest: int) -> list[int]:
        """Countings whose detector is that of ``newest``: an interrupted run goes on under a new counting."""
        of = {row.id: orjson.loads(row.counter).get("detector") for row in connection.execute(sa.select(countings))}
        return [number for number, detector in of.items() if detector == of[newest] and number <= newest]

    def rows(self) -> list[ResultRow]:
        """One row per prompt sample and per turn of a conversation, missing samples included, by the current counting."""
        by_id: dict[str, Prompt | Conversation] = {a.id: a for a in self.suite.asked}
        shared: dict[tuple[str, int], Shared] = {}
        with self._engine.connect() as connection:
            current = connection.execute(sa.select(sa.func.max(countings.c.id))).scalar() or 0
            # An interrupted run may have written under several countings: each sample's newest verdict holds.
            newest = (
                sa.select(verdicts.c.key, verdicts.c.turn, sa.func.max(verdicts.c.counting).label("counting"))
                .where(verdicts.c.counting <= current)
                .group_by(verdicts.c.key, verdicts.c.turn)
                .subquery()
            )
            latest = (
                sa.select(verdicts)
                .join(
                    newest,
                    sa.and_(
                        verdicts.c.key == newest.c.key,
                        verdicts.c.turn == newest.c.turn,
                        verdicts.c.counting == newest.c.counting,
                    ),
                )
                .subquery()
            )
            query = (
                sa.select(
                    samples.c.key,
                    samples.c.generator,
                    samples.c.prompt_id,
                    samples.c.repeat,
                    samples.c.seed,
                    outcomes.c.turn,
                    outcomes.c.script,
                    outcomes.c.repair,
                    outcomes.c.text,
                    outcomes.c.outcome,
                    outcomes.c.picture,
                    outcomes.c.seconds,
                    outcomes.c.cost,
                    outcomes.c.detail,
                    latest.c.verdict,
                    latest.c.leaning,
                    latest.c.reason,
                    latest.c.counted,
                )
                .select_from(
                    samples.outerjoin(outcomes, samples.c.key == outcomes.c.key).outerjoin(
                        latest, sa.and_(outcomes.c.key == latest.c.key, outcomes.c.turn == latest.c.turn)
                    )
                )
                .order_by(samples.c.id, outcomes.c.turn)
            )
            result = []
            for row in connection.execution_options(yield_per=2000).execute(query):
                script = row.script or 0
                place = (row.prompt_id, script)
                if place not in shared:
                    shared[place] = Shared.of(by_id[row.prompt_id], script)
                result.append(verdict_row(row, shared[place]))
        return result

    def picture(self, row: ResultRow) -> Path | None:
        """The picture file of a row, when it has one and it still stands there."""
        if not row.picture:
            return None
        path = (self.path / row.picture).resolve()
        inside = (self.path / "images").resolve()
        return path if path.is_relative_to(inside) and path.is_file() else None

    # -- labels --------------------------------------------------------------------------------------------------

    def labels(self) -> list[Label]:
        """Every label, oldest first."""
        with self._engine.connect() as connection:
            query = sa.select(labels_table).order_by(labels_table.c.at, labels_table.c.key, labels_table.c.noun)
            return [Label(**row._mapping) for row in connection.execute(query)]

    def add_labels(self, labels: Iterable[Label]) -> None:
        """Keep labels; the same person's earlier label of the same picture and noun is replaced."""
        rows = [asdict(label) for label in labels]
        if rows:
            insert = upsert(labels_table)
            changes = {name: insert.excluded[name] for name in ("count", "at", "stratum", "weight")}
            statement = insert.on_conflict_do_update(index_elements=["key", "turn", "noun", "labeller"], set_=changes)
            with room(self.path), self._engine.begin() as connection:
                connection.execute(statement, rows)

    def weigh_labels(self, stratum: str, weight: float) -> None:
        """Every label drawn from a stratum stands for this many pictures of the run."""
        c = labels_table.c
        with room(self.path), self._engine.begin() as connection:
            connection.execute(
                sa.update(labels_table).where(c.stratum == stratum, c.weight != weight).values(weight=weight)
            )

    def labels_stamp(self) -> tuple[int, str]:
        """How many labels there are and when the newest was given: other when somebody else labelled."""
        with self._engine.connect() as connection:
            n, newest = connection.execute(sa.select(sa.func.count(), sa.func.max(labels_table.c.at))).one()
        return n, newest or ""

    def remove_label(self, key: str, turn: int, noun: str, labeller: str) -> None:
        """Take a label back; nothing happens when there is none."""
        c = labels_table.c
        with self._engine.begin() as connection:
            connection.execute(
                sa.delete(labels_table).where(c.key == key, c.turn == turn, c.noun == noun, c.labeller == labeller)
            )


def _is_there(ledger: Path) -> bool:
    try:
        return ledger.is_file()
    except OSError:  # a name that is too long, a place that may not be looked into
        return False
