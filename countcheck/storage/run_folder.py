"""The run on disk: an SQLite ledger and picture files, append-only and atomic.

A row is written only after its picture file is safely on disk, so killing the process at any instant loses at most
the samples in flight. One process writes; any number read. What writes is imported when something is first written:
SQLAlchemy alone takes longer to import than a small run takes to sum up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import orjson

from countcheck.errors import BadInput
from countcheck.files import disk_errors_as_sentences, make_folder, sync_folder
from countcheck.images.encode import PNG
from countcheck.storage.countings import Counting, choose_counting, read_countings
from countcheck.storage.label_reader import read_labels
from countcheck.storage.ledger import Ledger
from countcheck.storage.picture_store import IMAGE_FORMAT, PICTURES_URL, PictureProblems, PictureStore
from countcheck.storage.repeats import (
    as_refusal,
    by_name,
    placeholders_in,
    without_placeholders,
    without_placeholders_in,
)
from countcheck.storage.rows import Label, ResultRow
from countcheck.storage.run_info import CounterInfo, GeneratorInfo, RunInfo, SelfTestInfo
from countcheck.storage.truncated import JUDGE, TRUNCATED, without_truncated
from countcheck.suites.serialize import suite_from_json
from countcheck.suites.suite import Suite

if TYPE_CHECKING:
    from countcheck.detectors.base import Detections
    from countcheck.storage.batch_store import BatchStore
    from countcheck.storage.label_store import LabelStore
    from countcheck.storage.records import OutcomeRecord, VerdictRecord
    from countcheck.storage.recount import Recount
    from countcheck.storage.result_table import ResultTable
    from countcheck.storage.resume import ResumeState
    from countcheck.storage.run_results import RunResults
    from countcheck.storage.snapshot import Snapshot
    from countcheck.storage.verdict_repair import StoredOutcome
    from countcheck.suites.samples import Sample

NO_STATES: Mapping[str, Any] = {}
WATCHED = "watched"
_SUITE = "suite_body"
_LARGE = 50_000  # samples from which several processes read them


class RunFolder:
    """One run folder. Open it with `RunFolder.open`, make it with `RunFolder.create`; close it, or use it in a ``with``.

    Attributes:
        path: The folder.
        pictures: Its picture files.

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
        self._ledger = ledger
        self._label_store: LabelStore | None = None
        self._resume: ResumeState | None = None
        self._batches: BatchStore | None = None
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
            from countcheck.storage.run_writing import begin_ledger

            begin_ledger(ledger, info.to_json())
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

    @property
    def in_memory(self) -> bool:
        """Whether the ledger is read from a copy in memory, because nothing can be written beside it."""
        return self._ledger.in_memory

    @property
    def label_store(self) -> LabelStore:
        """People's labels, to write."""
        from countcheck.storage.label_store import LabelStore

        if self._label_store is None:
            self._label_store = LabelStore(self._ledger)
        return self._label_store

    @property
    def resume(self) -> ResumeState:
        """What an interrupted run needs to go on."""
        from countcheck.storage.resume import ResumeState

        if self._resume is None:
            self._resume = ResumeState(self._ledger)
        return self._resume

    @property
    def batches(self) -> BatchStore:
        """What was handed in to a service and is not fetched yet."""
        from countcheck.storage.batch_store import BatchStore

        if self._batches is None:
            self._batches = BatchStore(self._ledger)
        return self._batches

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
        with self._ledger.snapshot() as snapshot:
            snapshot.check_totals("outcomes")
            written = float(snapshot.one("SELECT sum(cost) FROM outcomes")[0] or 0.0)
        return written + self.resume.cost()

    def unpriced_pictures(self) -> dict[str, int]:
        """Count the pictures of each generator whose cost is not known, those not counted yet included."""
        query = (
            "SELECT s.generator, count(*) FROM samples s JOIN outcomes o ON s.key = o.key "
            "WHERE o.outcome = 'picture' AND o.cost IS NULL GROUP BY s.generator"
        )
        with self._ledger.snapshot() as snapshot:
            found = {str(name): int(count) for name, count in snapshot.connection.execute(query)}
        for name, count in self.resume.unpriced_pictures().items():
            found[name] = found.get(name, 0) + count
        return found

    def countings(self) -> list[Counting]:
        """Read the complete countings, the run's own first."""
        with self._ledger.snapshot() as snapshot:
            return read_countings(snapshot)

    def show_counting(self, name: str | None) -> None:
        """Choose the counting whose counter, verdicts and detections are read from now on; ``None`` for the default.

        Raises:
            UnknownName: For a counting that the run does not have.
        """
        if name is not None:
            with self._ledger.snapshot() as snapshot:
                choose_counting(snapshot, read_countings(snapshot), name)
        self._shown = name
        self._forget_info()

    def show_own_counting(self) -> None:
        """Read from now on the counting that the run itself makes, whatever the default is."""
        own = self.countings()
        self.show_counting(own[0].name if own else None)

    def _counting(self) -> Counting | None:
        with self._ledger.snapshot() as snapshot:
            return choose_counting(snapshot, read_countings(snapshot), self._shown)

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
        with self._ledger.snapshot() as snapshot:
            snapshot.check_totals("facts", "countings")
            facts = {row["name"]: row["value"] for row in snapshot.rows("facts")}
            body = {name: _suite_body(text) if name == _SUITE else orjson.loads(text) for name, text in facts.items()}
            if not body:
                raise BadInput(
                    f"{self.path} holds no run yet: its ledger has no record. Give the `run` command again; it begins anew."
                )
            pictures = body.pop("pictures", None)
            groups = read_countings(snapshot)
            shown = choose_counting(snapshot, groups, self._shown)
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
        from countcheck.storage.run_writing import write_facts

        write_facts(self._ledger, changes)
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
        from countcheck.storage.recount import insert_counting

        with self._ledger.writing() as connection:
            number = insert_counting(connection, counter, self_test, complete=True)
        self._forget_info()
        return number

    def recount(self, counter: CounterInfo, self_test: SelfTestInfo | None = None) -> Recount:
        """Begin a counting of the pictures that are there, or go on with one that was interrupted; see `Recount`."""
        from countcheck.storage.recount import Recount

        return Recount(self._ledger, counter, self_test, self._forget_info)

    def add_planned(self, planned: Sequence[Sample]) -> None:
        """Write which samples the run consists of; those already written stay as they are. Raises `DiskFull`."""
        from countcheck.storage.run_writing import write_planned

        if planned:
            write_planned(self._ledger, planned)

    def count_samples(self) -> tuple[int, int]:
        """Count the samples that are planned, and those that are complete."""
        with self._ledger.snapshot() as snapshot:
            planned, completed = snapshot.one("SELECT count(*), coalesce(sum(done), 0) FROM samples")
        return int(planned), int(completed)

    def completed_keys(self) -> set[str]:
        """Read the keys of the samples that are complete."""
        with self._ledger.snapshot() as snapshot:
            return {key for (key,) in snapshot.connection.execute("SELECT key FROM samples WHERE done = 1")}

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
        from countcheck.storage.run_writing import write_outcomes

        write_outcomes(self._ledger, self.resume, entries, counting, states)

    def stored_outcomes(self) -> list[StoredOutcome]:
        """Read all outcomes without their verdicts; see `countcheck.storage.verdict_repair`."""
        from countcheck.storage.verdict_repair import stored_outcomes

        return stored_outcomes(self._ledger, self.suite)

    def replace_verdicts(self, judged: Iterable[tuple[int, VerdictRecord]]) -> int:
        """Replace all verdicts, each given with the id of its counting, and return how many there are."""
        from countcheck.storage.verdict_repair import replace_verdicts

        return replace_verdicts(self._ledger, judged)

    # -- reading -------------------------------------------------------------------------------------------------

    def rows(self) -> list[ResultRow]:
        """Read one row per prompt sample and per turn of a conversation, missing samples included.

        An outcome of a truncated prompt is a failure, unless the run judges them; see `countcheck.storage.truncated`. A
        picture that stands for none is a silent refusal; see `countcheck.storage.repeats`.
        """
        counting, suite = self._counting(), self.suite
        with self._ledger.snapshot() as snapshot:
            return without_placeholders(list(self._rows_as_written(snapshot, suite, counting)))

    def iter_rows(self, seen: Callable[[ResultTable], None] | None = None) -> Iterator[ResultRow]:
        """Yield the rows of `rows` one after the other, so that a million of them are never in memory at a time.

        The ledger is read twice, as of one moment: first as columns, which tell the pictures that stand for none. That no
        row is lost is known, and said, at the end.

        Args:
            seen: Receives the columns, before the first row is yielded.

        Raises:
            BadInput: When the ledger is damaged.
        """
        counting, suite = self._counting(), self.suite
        with self._ledger.snapshot() as snapshot:
            sentences = self._placeholders(snapshot, suite, counting, seen)
            for row in self._rows_as_written(snapshot, suite, counting):
                sentence = sentences.get((row.key, row.turn)) if sentences else None
                yield row if sentence is None else as_refusal(row, sentence)

    def table(self) -> ResultTable:
        """Read the rows of `rows` as columns: what statistics need of them, in a tenth of the time and memory.

        Raises:
            BadInput: When the ledger is damaged.
        """
        return self.results().table

    def results(self) -> RunResults:
        """Read the rows as columns, and give whole rows of them when they are asked for.

        Raises:
            BadInput: When the ledger is damaged.
        """
        from countcheck.storage.result_reader import ResultReader
        from countcheck.storage.run_results import RunResults

        counting, suite = self._counting(), self.suite
        with self._ledger.snapshot() as snapshot:
            table = self._table_as_written(snapshot, suite, counting)
            last = _last_sample(snapshot)
        refused = placeholders_in(table)
        reader = ResultReader(suite, counting)

        def read(keys: Sequence[str]) -> list[ResultRow]:
            with self._ledger.snapshot() as snapshot:
                return list(self._judged_as_chosen(reader.rows_of(snapshot, keys)))

        def read_between(first: int, last: int) -> Iterator[ResultRow]:
            with self._ledger.snapshot() as snapshot:
                yield from self._judged_as_chosen(reader.rows_between(snapshot, first, last))

        shown = without_placeholders_in(table, refused)
        return RunResults(shown, by_name(table, refused), read, read_between, last)

    def _placeholders(
        self,
        snapshot: Snapshot,
        suite: Suite,
        counting: Counting | None,
        seen: Callable[[ResultTable], None] | None = None,
    ) -> dict[tuple[str, int], str]:
        table = self._table_as_written(snapshot, suite, counting)  # forgotten before the rows are read
        refused = placeholders_in(table)
        if seen is not None:
            seen(without_placeholders_in(table, refused))
        return by_name(table, refused)

    def _rows_as_written(self, snapshot: Snapshot, suite: Suite, counting: Counting | None) -> Iterator[ResultRow]:
        """Yield the rows, pictures that stand for none as pictures."""
        from countcheck.storage.result_reader import ResultReader

        return self._judged_as_chosen(ResultReader(suite, counting).rows(snapshot))

    def _judged_as_chosen(self, rows: Iterator[ResultRow]) -> Iterator[ResultRow]:
        """Yield rows, those of truncated prompts as failures unless the run judges them."""
        return rows if self.judges_truncated else map(without_truncated, rows)

    def _table_as_written(self, snapshot: Snapshot, suite: Suite, counting: Counting | None) -> ResultTable:
        """Read the rows as columns, pictures that stand for none as pictures."""
        from countcheck.storage.forked import spare_processes
        from countcheck.storage.table_reader import read_table

        large = _last_sample(snapshot) >= _LARGE
        return read_table(
            snapshot,
            suite,
            counting,
            judge_truncated=self.judges_truncated,
            again=self._ledger.snapshot,
            processes=spare_processes([self]) if large else 1,
        )

    def picture_problems(self) -> PictureProblems:
        """Compare the picture files with their recorded sizes, without reading them."""
        with self._ledger.snapshot() as snapshot:
            query = "SELECT picture, bytes FROM outcomes WHERE picture <> ''"
            return self.pictures.problems_of_files(snapshot.connection.execute(query))

    def detections(self, keys: Sequence[str] | None = None) -> Iterator[tuple[str, int, Detections]]:
        """Yield key, turn and detections of every counted picture, or of those of some samples; see `counted_detections`."""
        from countcheck.storage.result_reader import counted_detections

        return counted_detections(self._ledger, self._counting(), keys)

    def labels(self) -> list[Label]:
        """Read every label, oldest first."""
        with self._ledger.snapshot() as snapshot:
            return read_labels(snapshot)


def _last_sample(snapshot: Snapshot) -> int:
    return int(snapshot.one("SELECT coalesce(max(id), 0) FROM samples")[0])


@lru_cache(maxsize=1)
def _suite_body(text: str) -> Any:
    """Read a suite once for all parts of a run, and for a run whose record is read again: a large one takes long."""
    return orjson.loads(text)


def _is_there(ledger: Path) -> bool:
    try:
        return ledger.is_file()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False
