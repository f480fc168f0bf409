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
from countcheck.files import disk_errors_as_sentences, make_folder, sync_folder
from countcheck.images.encode import PNG
from countcheck.storage.batch_store import BatchStore
from countcheck.storage.checksums import check_row, sealed
from countcheck.storage.columns import detection_columns, outcome_columns, sample_columns, set_done, verdict_columns
from countcheck.storage.countings import Counting, choose_counting, read_countings
from countcheck.storage.label_store import LabelStore
from countcheck.storage.ledger import Ledger
from countcheck.storage.picture_store import IMAGE_FORMAT, PICTURES_URL, PictureStore
from countcheck.storage.records import OutcomeRecord, VerdictRecord
from countcheck.storage.recount import Recount, insert_counting
from countcheck.storage.repeats import without_placeholders
from countcheck.storage.result_reader import ResultReader
from countcheck.storage.resume import ResumeState
from countcheck.storage.rows import Label, ResultRow
from countcheck.storage.run_info import CounterInfo, GeneratorInfo, RunInfo, SelfTestInfo
from countcheck.storage.schema import countings, create_tables, facts, outcomes, samples, verdicts
from countcheck.storage.schema import detections as detections_table
from countcheck.storage.stored_json import to_text
from countcheck.storage.truncated import JUDGE, TRUNCATED, without_truncated
from countcheck.storage.verdict_repair import StoredOutcome, replace_verdicts, stored_outcomes
from countcheck.suites.samples import Sample
from countcheck.suites.serialize import suite_from_json
from countcheck.suites.suite import Suite

NO_STATES: Mapping[str, Any] = {}
WATCHED = "watched"


class RunFolder:
    """One run folder. Open it with `RunFolder.open`, make it with `RunFolder.create`; close it, or use it in a ``with``.

    Attributes:
        path: The folder.
        label_store: People's labels.
        resume: What an interrupted run needs to go on.
        batches: What was handed in to a service and is not fetched yet.

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
        self.label_store = LabelStore(ledger)
        self.resume = ResumeState(ledger)
        self.batches = BatchStore(ledger)
        self._ledger = ledger
        self._results = ResultReader(ledger)
        self._info_lock = threading.Lock()
        self._info: RunInfo | None = None
        self._shown: str | None = None  # name of the counting that is shown; None for the default
        self._suite: Suite | None = None
        self._pictures: PictureStore | None = None

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
            make_folder(path / "images", durable=True)
        if _is_there(path / "run.sqlite") and not cls.exists(path):  # a program was killed while it began
            with disk_errors_as_sentences(path):
                Ledger(path).remove()
        ledger = Ledger(path)
        try:
            with ledger.writing() as connection:  # the tables and the record together: half a run is none
                create_tables(connection)
                connection.execute(sa.insert(facts), _fact_rows(info.to_json()))
            with disk_errors_as_sentences(path):
                sync_folder(path)
        except BaseException:
            ledger.close()
            raise
        return cls(path, ledger)

    @classmethod
    def open(cls, path: Path | str, *, counting: str | None = None, check_suite: bool = True) -> Self:
        """Open an existing run.

        Args:
            path: Its folder.
            counting: Name of the counting to show, see `show_counting`.
            check_suite: Build the suite at once, so that a damaged one is found now; many prompts take seconds.

        Raises:
            BadInput: When there is no run there, or its ledger is damaged.
            RunMismatch: When a newer program wrote it.
            UnknownName: For a counting that the run does not have.
        """
        path = Path(path)
        if not _is_there(path / "run.sqlite"):
            raise BadInput(f"{path} is not a run: there is no run.sqlite in it. Name the folder that `run` wrote.")
        ledger = Ledger(path)
        try:
            ledger.prepare()
            run = cls(path, ledger)
            run.show_counting(counting)
            _ = run.suite if check_suite and run.info.suite_body else run.info
        except BaseException:
            ledger.close()
            raise
        return run

    @classmethod
    def exists(cls, path: Path) -> bool:
        """Whether a run is there; a `create` that was interrupted does not count.

        Raises:
            BadInput: When its ledger is damaged.
        """
        if not _is_there(path / "run.sqlite"):
            return False
        ledger = Ledger(path)
        try:
            return ledger.is_begun()
        finally:
            ledger.close()

    def close(self) -> None:
        """Close the ledger, and leave it as one that can be read where nothing can be written."""
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
    def pictures(self) -> PictureStore:
        """Its picture files, wherever they lie."""
        if self._pictures is None:
            recorded = self.info.extra
            self._pictures = PictureStore(
                self.path,
                url=str(recorded.get(PICTURES_URL) or ""),
                format_name=str(recorded.get(IMAGE_FORMAT) or PNG),
            )
        return self._pictures

    @property
    def suite(self) -> Suite:
        """What was asked."""
        if self._suite is None:
            with self._ledger.damage_as_sentence():
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
            self._ledger.check_total(connection, outcomes)
            written = float(connection.execute(sa.select(sa.func.sum(outcomes.c.cost))).scalar() or 0.0)
        return written + self.resume.cost()

    def unpriced_pictures(self) -> dict[str, int]:
        """Count the pictures of each generator whose cost is not known, those not counted yet included."""
        unpriced = sa.and_(outcomes.c.outcome == "picture", outcomes.c.cost.is_(None))
        query = (
            sa.select(samples.c.generator, sa.func.count())
            .join(samples, samples.c.key == outcomes.c.key)
            .where(unpriced)
            .group_by(samples.c.generator)
        )
        with self._ledger.reading() as connection:
            found = {str(name): int(count) for name, count in connection.execute(query)}
        for name, count in self.resume.unpriced_pictures().items():
            found[name] = found.get(name, 0) + count
        return found

    def countings(self) -> list[Counting]:
        """Read the complete countings, the run's own first."""
        with self._ledger.reading() as connection:
            return read_countings(connection)

    def show_counting(self, name: str | None) -> None:
        """Choose the counting whose counter, verdicts and detections are read from now on; ``None`` for the default.

        Raises:
            UnknownName: For a counting that the run does not have.
        """
        with self._ledger.reading() as connection:
            if name is not None:
                choose_counting(connection, read_countings(connection), name)
        self._shown = name
        self._forget_info()

    def show_own_counting(self) -> None:
        """Read from now on the counting that the run itself makes, whatever the default is."""
        own = self.countings()
        self.show_counting(own[0].name if own else None)

    def _counting(self) -> Counting | None:
        with self._ledger.reading() as connection:
            return choose_counting(connection, read_countings(connection), self._shown)

    def record_generators(self, generators: Mapping[str, GeneratorInfo]) -> None:
        """Record generators beside those already recorded; one of the same name is replaced."""
        recorded = {**self.info.generators, **generators}
        self._record({"generators": {name: generator.to_json() for name, generator in recorded.items()}})

    def record_repeats(self, repeats: int) -> None:
        """Record that each prompt is asked more often than the run was begun with."""
        self._record({"repeats": repeats})

    @property
    def judges_truncated(self) -> bool:
        """Whether outcomes of prompts of which the model did not read the end are judged."""
        return self.info.extra.get(TRUNCATED) == JUDGE

    def record_truncated(self, *, judge: bool) -> None:
        """Record whether outcomes of truncated prompts are judged."""
        self._record({TRUNCATED: JUDGE if judge else ""})

    def record_decision(self, sentence: str) -> None:
        """Record that a gate ended the run early, and why."""
        self._record({"until_decided": sentence})

    @property
    def watched(self) -> Mapping[str, Any]:
        """What is recorded of the folder whose pictures the run scores as they appear; empty for any other run."""
        watched = self.info.extra.get(WATCHED)
        return watched if isinstance(watched, Mapping) else {}

    def record_watched(self, changes: Mapping[str, Any]) -> None:
        """Record something of the watched folder beside what is recorded already."""
        self._record({WATCHED: {**self.watched, **changes}})

    def record_unfamiliar_pictures(self, unlike: int, compared: int, *, pasted: int = 0, pasted_right: int = 0) -> None:
        """Record how many of the run's pictures look unlike those that its counter was tested on.

        Args:
            unlike, compared: How many do, of how many.
            pasted, pasted_right: Pictures with things pasted in that were tried, and those counted right.
        """
        tried = {"pasted": pasted, "pasted_right": pasted_right} if pasted else {}
        self._record({"pictures": {"unlike": unlike, "compared": compared, **tried}})

    def _read_info(self) -> dict[str, Any]:
        with self._ledger.reading() as connection:
            self._ledger.check_total(connection, facts, countings)
            rows = connection.execute(sa.select(facts)).all()
            for row in rows:
                check_row(facts, row)
            body = {row.name: orjson.loads(row.value) for row in rows}
            if not body:
                raise BadInput(
                    f"{self.path} holds no run yet: its ledger has no record. Give the `run` command again; it begins anew."
                )
            pictures = body.pop("pictures", None)
            groups = read_countings(connection)
            shown = choose_counting(connection, groups, self._shown)
            if shown is None:
                return body
            return body | {
                "counter": shown.counter.to_json(),
                "controls": shown.self_test.to_json() | ({"pictures": pictures} if pictures else {}),
                "counting": shown.id,
                "counting_name": shown.name,
                "countings": [group.name for group in groups],
            }

    def _record(self, changes: Mapping[str, Any]) -> None:
        insert = upsert(facts)
        replaced = {name: insert.excluded[name] for name in ("value", "checksum")}
        with self._ledger.writing() as connection:
            connection.execute(
                insert.on_conflict_do_update(index_elements=["name"], set_=replaced), _fact_rows(changes)
            )
        self._forget_info()

    def _forget_info(self) -> None:
        with self._info_lock:
            self._info = None

    # -- writing -------------------------------------------------------------------------------------------------

    def begin_counting(self, counter: CounterInfo, self_test: SelfTestInfo | None = None) -> int:
        """Return the id of the run's own counting: verdicts written from now on belong to it.

        A run that goes on under the very same counter keeps its counting. For recounts see `recount`.
        """
        own = self.countings()
        if own and own[0].counter == counter.stored():
            return own[0].id
        return self.add_counting(counter, self_test)

    def add_counting(self, counter: CounterInfo, self_test: SelfTestInfo | None = None) -> int:
        """Write a counting, even one by the counter of the one before, and return its id. Raises `DiskFull`."""
        with self._ledger.writing() as connection:
            number = insert_counting(connection, counter, self_test, complete=True)
        self._forget_info()
        return number

    def recount(self, counter: CounterInfo, self_test: SelfTestInfo | None = None) -> Recount:
        """Begin a counting of the pictures that are there, or go on with one that was interrupted; see `Recount`."""
        return Recount(self._ledger, counter, self_test, self._forget_info)

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
                    sa.update(samples).where(samples.c.key == sa.bindparam("k")).values(set_done(True)), closed
                )
            self.resume.write_states(connection, packed)
            self.resume.remove_uncounted(connection, entries)

    def stored_outcomes(self) -> list[StoredOutcome]:
        """Read all outcomes without their verdicts; see `countcheck.storage.verdict_repair`."""
        return stored_outcomes(self._ledger, self.suite)

    def replace_verdicts(self, judged: Iterable[tuple[int, VerdictRecord]]) -> int:
        """Replace all verdicts, each given with the id of its counting, and return how many there are."""
        return replace_verdicts(self._ledger, judged)

    # -- reading -------------------------------------------------------------------------------------------------

    def rows(self) -> list[ResultRow]:
        """Read one row per prompt sample and per turn of a conversation, missing samples included.

        An outcome of a truncated prompt is a failure, unless the run judges them; see `countcheck.storage.truncated`. A
        picture that stands for none is a silent refusal; see `countcheck.storage.repeats`.
        """
        rows = self._results.rows(self.suite, self._counting())
        return without_placeholders(rows if self.judges_truncated else [without_truncated(row) for row in rows])

    def detections(self) -> Iterator[tuple[str, int, Detections]]:
        """Yield key, turn and detections of every counted picture; see `ResultReader.detections`."""
        return self._results.detections(self._counting())

    def labels(self) -> list[Label]:
        """Read every label, oldest first."""
        return self.label_store.read()


def _fact_rows(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [sealed(facts, {"name": name, "value": to_text(value)}) for name, value in values.items()]


def _is_there(ledger: Path) -> bool:
    try:
        return ledger.is_file()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False
