"""What a run needs to go on after it was interrupted: outcomes not counted yet, and conversations cut off.

A paid outcome is written here, picture file and entry, before it waits to be counted. The state of a conversation's
dialogue is written after every turn, so that the next process goes on with the next turn instead of the first. Both are
removed when they are finished: a run that was interrupted ends as one that was not.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert

from countcheck.counting.verdict import Kind
from countcheck.dialogue import state as dialogue_state
from countcheck.errors import BadInput
from countcheck.files import PART, atomic_write, disk_errors_as_sentences
from countcheck.generators.outcome import Fault
from countcheck.storage.answer_notes import AnswerNote, AnswerNotes
from countcheck.storage.checksums import check_row, sealed
from countcheck.storage.columns import entry_of_uncounted, read_uncounted, set_done, uncounted_columns
from countcheck.storage.countings import read_countings
from countcheck.storage.group_commit import GroupCommit
from countcheck.storage.ledger import Ledger
from countcheck.storage.picture_files import FolderFiles, PictureFiles
from countcheck.storage.picture_store import SUFFIXES, check_key
from countcheck.storage.records import OutcomeRecord
from countcheck.storage.schema import detections, dialogues, facts, outcomes, samples, uncounted, verdicts
from countcheck.storage.snapshot import Snapshot

SPENT_ON_FORGOTTEN = "spent_on_failed"  # the fact that holds USD paid for rows that were forgotten


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptedConversation:
    """A conversation that has turns and no end.

    Attributes:
        last: Its last turn, with verdict and numbers when it was counted.
        counted: Whether that turn was counted.
        state: As `countcheck.generators.base.Restorable.state` returned it; ``None`` when there is none.
    """

    last: OutcomeRecord
    counted: bool
    state: Any


class ResumeState:
    """The unfinished part of one run's ledger and folder."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._group = GroupCommit(self._write_uncounted)
        self._notes = AnswerNotes(ledger.folder)

    # -- uncounted outcomes --------------------------------------------------------------------------------------

    def note_answer(self, entry: OutcomeRecord, state: Any = None) -> None:
        """Note an answer that was paid for before its picture is written, so that `adopt_answers` can find it.

        Raises:
            DiskFull: When there is no room.
        """
        with disk_errors_as_sentences(self._ledger.folder):
            text = self._pack_state(entry.key, state)
        self._notes.write(AnswerNote(row=uncounted_columns(entry), state=text))

    def save_uncounted(self, entry: OutcomeRecord, state: Any = None) -> None:
        """Write an outcome whose picture file is safely on disk, and its dialogue's state, before it is counted.

        Raises:
            DiskFull: When there is no room.
        """
        row = uncounted_columns(entry)
        with disk_errors_as_sentences(self._ledger.folder):
            text = self._pack_state(entry.key, state)
        self._group.commit((row, text))
        self._notes.remove(entry.key, entry.turn)

    def _write_uncounted(self, entries: Sequence[tuple[dict[str, Any], str | None]]) -> None:
        with self._ledger.writing() as connection:
            connection.execute(upsert(uncounted).on_conflict_do_nothing(), [row for row, _ in entries])
            self.write_states(connection, {row["key"]: text for row, text in entries})

    def uncounted(self) -> list[OutcomeRecord]:
        """Read the outcomes of prompts that are not counted yet, in the order in which they were planned."""
        query = (
            sa.select(uncounted)
            .join(samples, samples.c.key == uncounted.c.key)
            .where(~samples.c.talk)
            .order_by(samples.c.id)
        )
        with self._ledger.reading() as connection:
            self._ledger.check_total(connection, samples, uncounted)
            return [read_uncounted(row) for row in connection.execute(query)]

    @staticmethod
    def remove_uncounted(connection: sa.Connection, entries: Sequence[OutcomeRecord]) -> None:
        """Remove outcomes from those not counted yet, within the transaction that writes them."""
        counted = [{"k": entry.key, "t": entry.turn} for entry in entries]
        here = sa.and_(uncounted.c.key == sa.bindparam("k"), uncounted.c.turn == sa.bindparam("t"))
        connection.execute(sa.delete(uncounted).where(here), counted)

    def cost(self) -> float:
        """Return the USD paid for outcomes that are not counted yet, and for what was forgotten."""
        with self._ledger.reading() as connection:
            pending = connection.execute(sa.select(sa.func.sum(uncounted.c.cost))).scalar() or 0.0
            forgotten = connection.execute(sa.select(facts.c.value).where(facts.c.name == SPENT_ON_FORGOTTEN)).scalar()
        return float(pending) + float(orjson.loads(forgotten) if forgotten else 0.0)

    def unpriced_pictures(self) -> dict[str, int]:
        """Count the pictures of each generator that are not counted yet and whose cost is not known."""
        query = sa.select(samples.c.generator, uncounted.c.body).join(samples, samples.c.key == uncounted.c.key)
        with self._ledger.reading() as connection:
            rows = list(connection.execute(query.where(uncounted.c.cost.is_(None))))
        return dict(
            collections.Counter(row.generator for row in rows if orjson.loads(row.body)["outcome"] == "picture")
        )

    def add_spent(self, usd: float) -> None:
        """Remember USD paid for what no outcome is written of. Raises `DiskFull`."""
        with self._ledger.writing() as connection:
            _keep_spent(connection, usd)

    def adopt_answers(self, files: PictureFiles | None = None) -> int:
        """Write the rows of answers whose pictures a process stored before it ended; return how many there were.

        A picture is adopted when a note names it with its SHA-256 and its sample still waits for that answer.

        Args:
            files: The run's pictures; those in its folder by default.

        Raises:
            BadInput: When the ledger is damaged.
            DiskFull: When there is no room.
        """
        notes = list(self._notes.read())
        if notes:
            files = files or FolderFiles(self._ledger.folder)
            with self._ledger.reading() as connection:
                self._ledger.check_total(connection, samples, outcomes, uncounted)
                waiting = set(connection.execute(sa.select(samples.c.key).where(~samples.c.done)).scalars())
                written = {
                    (row.key, row.turn)
                    for table in (outcomes, uncounted)
                    for row in connection.execute(sa.select(table.c.key, table.c.turn))
                }
            notes = [
                note
                for note in notes
                if note.row["key"] in waiting
                and (note.row["key"], note.row["turn"]) not in written
                and _is_there(files, entry_of_uncounted(note.row["body"]))
            ]
        if notes:
            self._write_uncounted([(note.row, note.state) for note in notes])
        self._notes.clear()
        return len(notes)

    def remove_strays(self, files: PictureFiles | None = None) -> int:
        """Remove what a process that was killed left behind, and return how many pictures that is.

        Files half written, and pictures of this run's samples that no row names: the process ended between writing the
        picture and its row, so the sample is made again. Other files among the pictures stay.

        Args:
            files: The run's pictures; those in its folder by default.

        Raises:
            BadInput: When the ledger is damaged, or a file may not be removed.
        """
        with self._ledger.reading() as connection:
            self._ledger.check_total(connection, samples, outcomes, uncounted)
            keys = set(connection.execute(sa.select(samples.c.key)).scalars())
            named = set(connection.execute(sa.select(outcomes.c.picture)).scalars())
            named |= {read_uncounted(row).picture for row in connection.execute(sa.select(uncounted))}
        files = files or FolderFiles(self._ledger.folder)
        removed = 0
        for name in files.sizes("images"):
            path = PurePosixPath(name)
            stray = path.suffix in SUFFIXES and path.stem.partition("-")[0] in keys
            if stray and name not in named:
                files.remove(name)
                removed += 1
            elif path.suffix == PART and path.name.startswith("."):
                files.remove(name)
        return removed

    # -- what is made again --------------------------------------------------------------------------------------

    def forget(self, keys: Sequence[str]) -> None:
        """Forget all turns of these samples, so that they are made again; what they cost stays spent."""
        with self._ledger.writing() as connection:
            _keep_spent(connection, _cost_of(connection, keys))
            _forget(connection, keys)

    def reopen_failed(self) -> int:
        """Plan what ended in a failure again, and return how many samples; what their forgotten rows cost stays spent.

        Of a conversation only the turn that failed is repeated, where its dialogue's state was kept. A bad request
        would be just as bad again: such a conversation begins anew.
        """
        c = outcomes.c
        failed = (
            sa.select(c.key, c.turn, c.cost, c.detail, dialogues.c.key.label("kept"))
            .outerjoin(dialogues, dialogues.c.key == c.key)
            .where(c.outcome == "failure")
        )
        with self._ledger.writing() as connection:
            rows = list(connection.execute(failed))
            whole = {row.key for row in rows if not row.turn or row.kept is None or _is_bad_request(row.detail)}
            turns = [(row.key, row.turn) for row in rows if row.key not in whole]
            spent = sum(row.cost or 0.0 for row in rows if row.key not in whole)
            _keep_spent(connection, spent + _cost_of(connection, whole))
            _forget(connection, sorted(whole))
            for key, turn in turns:
                for table in (verdicts, detections, outcomes):
                    connection.execute(sa.delete(table).where(table.c.key == key, table.c.turn == turn))
                connection.execute(sa.update(samples).where(samples.c.key == key).values(set_done(False)))
        return len({row.key for row in rows})

    # -- conversations -------------------------------------------------------------------------------------------

    def interrupted(self, key: str) -> InterruptedConversation | None:
        """Read where a conversation was interrupted; ``None`` when it has no turn yet."""
        with self._ledger.reading() as connection:
            dialogue = connection.execute(sa.select(dialogues).where(dialogues.c.key == key)).one_or_none()
            if dialogue is not None:
                check_row(dialogues, dialogue)
            state = None if dialogue is None else dialogue.state
            pending = connection.execute(sa.select(uncounted).where(uncounted.c.key == key)).first()
            if pending is not None:
                return InterruptedConversation(
                    last=read_uncounted(pending), counted=False, state=self._unpack_state(key, state)
                )
            last = _last_counted(connection, key)
        if last is None:
            return None
        return InterruptedConversation(last=last, counted=True, state=self._unpack_state(key, state))

    def pack_states(self, states: Mapping[str, Any], entries: Sequence[OutcomeRecord]) -> dict[str, str | None]:
        """Return dialogues' states by sample key as the ledger stores them after these entries, their bytes in files.

        A conversation that ended in a failure keeps its own: when failures are tried again, the run repeats that turn.
        """
        over = {entry.key for entry in entries if entry.closes and entry.outcome != "failure"}
        with disk_errors_as_sentences(self._ledger.folder):
            return {key: None if key in over else self._pack_state(key, state) for key, state in states.items()}

    @staticmethod
    def write_states(connection: sa.Connection, states: Mapping[str, str | None]) -> None:
        """Replace the stored states of dialogues, within a transaction; ``None`` removes one."""
        for key, state in states.items():
            if state is None:
                connection.execute(sa.delete(dialogues).where(dialogues.c.key == key))
                continue
            statement = upsert(dialogues).values(row := sealed(dialogues, {"key": key, "state": state}))
            connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=row))

    def remove_finished(self) -> None:
        """Remove the files of conversations that are over, and the folder of notes when it is empty."""
        self._notes.remove_folder()
        folders = list((self._ledger.folder / "talks").glob("*"))
        if not folders:
            return
        with self._ledger.reading() as connection:
            open_keys = set(connection.execute(sa.select(dialogues.c.key)).scalars())
        for folder in folders:
            if folder.name not in open_keys:
                shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # others are still under way
            (self._ledger.folder / "talks").rmdir()

    def _pack_state(self, key: str, state: Any) -> str | None:
        """Return a state as text, its bytes in files named by their digest; ``None`` for one that is no plain JSON."""
        if state is None:
            return None
        folder = self._folder(key)

        def store(digest: str, data: bytes) -> None:
            if not (folder / digest).is_file():
                atomic_write(folder / digest, data, durable=True)

        try:
            return dialogue_state.pack(state, store)
        except TypeError:
            return None

    def _unpack_state(self, key: str, text: str | None) -> Any:
        """Return the state that `_pack_state` stored; ``None`` when a file of it is gone or damaged."""
        if text is None:
            return None
        folder = self._folder(key)
        try:
            return dialogue_state.unpack(text, lambda digest: (folder / digest).read_bytes())
        except (OSError, ValueError):
            return None

    def _folder(self, key: str) -> Path:
        return self._ledger.folder / "talks" / check_key(key)


def _is_there(files: PictureFiles, entry: OutcomeRecord) -> bool:
    try:
        return bool(entry.digest) and hashlib.sha256(files.read(entry.picture)).hexdigest() == entry.digest
    except (BadInput, OSError):
        return False


def _last_counted(connection: sa.Connection, key: str) -> OutcomeRecord | None:
    last = connection.execute(
        sa.select(outcomes).where(outcomes.c.key == key).order_by(outcomes.c.turn.desc()).limit(1)
    ).first()
    if last is None:
        return None
    check_row(outcomes, last)
    v = verdicts.c
    # The run goes on by its own counting: what a recount says of a picture is not what the model was answered.
    own = read_countings(Snapshot.within(connection))[0].ids
    judged = connection.execute(
        sa.select(verdicts)
        .where(v.key == key, v.turn == last.turn, v.counting.in_(own))
        .order_by(v.counting.desc())
        .limit(1)
    ).first()
    if judged is not None:
        check_row(verdicts, judged)
    return OutcomeRecord(
        key=key,
        turn=last.turn,
        script=last.script,
        repair=last.repair,
        text=last.text,
        outcome=last.outcome,
        picture=last.picture,
        verdict=Kind(judged.verdict) if judged is not None and judged.verdict else None,
        counted={noun: tuple(numbers) for noun, numbers in orjson.loads(judged.counted).items()} if judged else {},
    )


def _forget(connection: sa.Connection, keys: Sequence[str]) -> None:
    for start in range(0, len(keys), 500):
        part = keys[start : start + 500]
        for table in (verdicts, detections, outcomes, uncounted, dialogues):
            connection.execute(sa.delete(table).where(table.c.key.in_(part)))
        connection.execute(sa.update(samples).where(samples.c.key.in_(part)).values(set_done(False)))


def _is_bad_request(detail: str) -> bool:
    return bool(orjson.loads(detail).get("fault") == Fault.BAD_REQUEST)


def _cost_of(connection: sa.Connection, keys: Iterable[str]) -> float:
    cost = 0.0
    for key in keys:
        for table in (outcomes, uncounted):
            cost += connection.execute(sa.select(sa.func.sum(table.c.cost)).where(table.c.key == key)).scalar() or 0.0
    return cost


def _keep_spent(connection: sa.Connection, usd: float) -> None:
    """Record USD paid for what is forgotten, within the transaction that forgets it."""
    if usd:
        before = connection.execute(sa.select(facts.c.value).where(facts.c.name == SPENT_ON_FORGOTTEN)).scalar()
        value = orjson.dumps(usd + (orjson.loads(before) if before else 0.0)).decode()
        row = sealed(facts, {"name": SPENT_ON_FORGOTTEN, "value": value})
        connection.execute(upsert(facts).values(row).on_conflict_do_update(index_elements=["name"], set_=row))
