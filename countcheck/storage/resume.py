"""What a run has begun and not finished: pictures on disk that nobody has counted, and conversations cut off.

A picture that was paid for is kept here, file and entry, before anybody looks at it. A conversation's dialogue is kept
after every turn, so that the next process says the next thing and not the first. Both are gone when they are finished:
a run that was disturbed ends as one that was not.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert

from countcheck.counting.verdict import Kind
from countcheck.dialogue import state as dialogue_state
from countcheck.files import atomic_write, room
from countcheck.generators.outcome import Fault
from countcheck.storage.records import OutcomeRecord, plain
from countcheck.storage.schema import detections, dialogues, facts, outcomes, samples, uncounted, verdicts

SPENT = "spent_on_failed"  # the fact that holds USD paid for rows that were forgotten
_SAFE = re.compile(r"^[0-9a-f]{8,64}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """A conversation that has turns and no end.

    Attributes:
        last: Its last turn, with verdict and numbers when it was counted.
        counted: Whether somebody has looked at that turn.
        state: As `countcheck.generators.base.Restorable.state` gave it; ``None`` when there is none.
    """

    last: OutcomeRecord
    counted: bool
    state: Any


class ResumeState:
    """The unfinished part of one run's ledger and folder. ``writing`` is held by whoever writes."""

    def __init__(self, path: Path, engine: sa.Engine, writing: threading.Lock) -> None:
        self._path = path
        self._engine = engine
        self._writing = writing

    # -- writing -------------------------------------------------------------------------------------------------

    def keep(self, entry: OutcomeRecord, state: Any = None) -> None:
        """Note an outcome whose file is safely on disk, and where its conversation stands now. Raises `DiskFull`."""
        row = {"key": entry.key, "turn": entry.turn, "cost": entry.cost, "body": _packed(entry)}
        with room(self._path):
            told = self._put_away(entry.key, state)
            with self._writing, self._engine.begin() as connection:
                connection.execute(upsert(uncounted).on_conflict_do_nothing(), [row])
                self.note(connection, {entry.key: told})

    def put_away(self, stand: Mapping[str, Any], entries: Sequence[OutcomeRecord]) -> dict[str, str | None]:
        """States by sample key as the ledger keeps them after these entries, their bytes in files by now.

        A conversation that ended in a failure keeps its own: told to, the run tries that turn again.
        """
        over = {entry.key for entry in entries if entry.closes and entry.outcome != "failure"}
        with room(self._path):
            return {key: None if key in over else self._put_away(key, state) for key, state in stand.items()}

    @staticmethod
    def note(connection: sa.Connection, told: Mapping[str, str | None]) -> None:
        """Replace what is kept of dialogues, within somebody's transaction."""
        for key, state in told.items():
            if state is None:
                connection.execute(sa.delete(dialogues).where(dialogues.c.key == key))
                continue
            statement = upsert(dialogues).values(key=key, state=state)
            connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"state": state}))

    @staticmethod
    def settle(connection: sa.Connection, entries: Sequence[OutcomeRecord]) -> None:
        """Forget that these entries waited to be counted, within the transaction that writes them."""
        counted = [{"k": entry.key, "t": entry.turn} for entry in entries]
        here = sa.and_(uncounted.c.key == sa.bindparam("k"), uncounted.c.turn == sa.bindparam("t"))
        connection.execute(sa.delete(uncounted).where(here), counted)

    def sweep(self) -> None:
        """Remove the files of conversations that are over."""
        folders = list((self._path / "talks").glob("*"))
        if not folders:
            return
        with self._engine.connect() as connection:
            kept = set(connection.execute(sa.select(dialogues.c.key)).scalars())
        for folder in folders:
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # others are still under way
            (self._path / "talks").rmdir()

    def forget(self, keys: Sequence[str]) -> None:
        """Forget all turns of these samples, and owe them again; what they had cost stays spent."""
        with room(self._path), self._writing, self._engine.begin() as connection:
            _stay_spent(connection, _cost_of(connection, keys))
            self._forget(connection, keys)

    def reopen_failed(self) -> int:
        """Owe what ended in a failure again; how many samples. What their forgotten rows had cost stays spent.

        Of a conversation only the turn that failed is said again, where its dialogue was kept. A request that was
        bad would be just as bad again: such a conversation begins anew.
        """
        c = outcomes.c
        failed = (
            sa.select(c.key, c.turn, c.cost, c.detail, dialogues.c.key.label("kept"))
            .outerjoin(dialogues, dialogues.c.key == c.key)
            .where(c.outcome == "failure")
        )
        with room(self._path), self._writing, self._engine.begin() as connection:
            rows = list(connection.execute(failed))
            whole = {row.key for row in rows if not row.turn or row.kept is None or _is_bad(row.detail)}
            turns = [(row.key, row.turn) for row in rows if row.key not in whole]
            spent = sum(row.cost or 0.0 for row in rows if row.key not in whole)
            _stay_spent(connection, spent + _cost_of(connection, whole))
            self._forget(connection, sorted(whole))
            for key, turn in turns:
                for table in (verdicts, detections, outcomes):
                    connection.execute(sa.delete(table).where(table.c.key == key, table.c.turn == turn))
                connection.execute(sa.update(samples).where(samples.c.key == key).values(done=False))
        return len({row.key for row in rows})

    @staticmethod
    def _forget(connection: sa.Connection, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), 500):
            part = keys[start : start + 500]
            for table in (verdicts, detections, outcomes, uncounted, dialogues):
                connection.execute(sa.delete(table).where(table.c.key.in_(part)))
            connection.execute(sa.update(samples).where(samples.c.key.in_(part)).values(done=False))

    # -- reading -------------------------------------------------------------------------------------------------

    def waiting(self) -> list[OutcomeRecord]:
        """What came of prompts and waits to be counted or written down."""
        query = (
            sa.select(uncounted.c.body)
            .join(samples, samples.c.key == uncounted.c.key)
            .where(~samples.c.talk)
            .order_by(samples.c.id)
        )
        with self._engine.connect() as connection:
            return [_unpacked(body) for body in connection.execute(query).scalars()]

    def cut_off(self, key: str) -> CutOff | None:
        """Where a conversation stands that was cut off; ``None`` when nothing was said yet."""
        with self._engine.connect() as connection:
            kept = connection.execute(sa.select(dialogues.c.state).where(dialogues.c.key == key)).scalar()
            staged = connection.execute(sa.select(uncounted.c.body).where(uncounted.c.key == key)).scalar()
            if staged is not None:
                return CutOff(last=_unpacked(staged), counted=False, state=self._taken_out(key, kept))
            last = connection.execute(
                sa.select(outcomes).where(outcomes.c.key == key).order_by(outcomes.c.turn.desc()).limit(1)
            ).first()
            if last is None:
                return None
            v = verdicts.c
            judged = connection.execute(
                sa.select(verdicts).where(v.key == key, v.turn == last.turn).order_by(v.counting.desc()).limit(1)
            ).first()
        entry = OutcomeRecord(
            key=key,
            turn=last.turn,
            script=last.script,
            repair=last.repair,
            text=last.text,
            outcome=last.outcome,
            picture=last.picture,
            verdict=Kind(judged.verdict) if judged is not None and judged.verdict else None,
            counted={noun: tuple(found) for noun, found in orjson.loads(judged.counted).items()} if judged else {},
        )
        return CutOff(last=entry, counted=True, state=self._taken_out(key, kept))

    def cost(self) -> float:
        """USD paid for pictures that wait to be counted, and for what was forgotten."""
        with self._engine.connect() as connection:
            waiting = connection.execute(sa.select(sa.func.sum(uncounted.c.cost))).scalar() or 0.0
            forgotten = connection.execute(sa.select(facts.c.value).where(facts.c.name == SPENT)).scalar()
        return float(waiting) + float(orjson.loads(forgotten) if forgotten else 0.0)

    # -- states --------------------------------------------------------------------------------------------------

    def _put_away(self, key: str, state: Any) -> str | None:
        """A state as text, its bytes in files named by their digest; ``None`` for one that is no plain JSON."""
        if state is None:
            return None
        folder = self._folder(key)

        def put_file(digest: str, data: bytes) -> None:
            if not (folder / digest).is_file():
                atomic_write(folder / digest, data, durable=True)

        try:
            return dialogue_state.pack(state, put_file)
        except TypeError:
            return None

    def _taken_out(self, key: str, kept: str | None) -> Any:
        """The state that `_put_away` put there; ``None`` when a file of it is gone or damaged."""
        if kept is None:
            return None
        folder = self._folder(key)
        try:
            return dialogue_state.unpack(kept, lambda digest: (folder / digest).read_bytes())
        except (OSError, ValueError):
            return None

    def _folder(self, key: str) -> Path:
        if not _SAFE.match(key):
            raise ValueError(f"not a sample key: {key!r}")
        return self._path / "talks" / key


def _is_bad(detail: str) -> bool:
    return bool(orjson.loads(detail).get("fault") == Fault.BAD_REQUEST)


def _cost_of(connection: sa.Connection, keys: Iterable[str]) -> float:
    cost = 0.0
    for key in keys:
        for table in (outcomes, uncounted):
            cost += connection.execute(sa.select(sa.func.sum(table.c.cost)).where(table.c.key == key)).scalar() or 0.0
    return cost


def _stay_spent(connection: sa.Connection, usd: float) -> None:
    """Remember USD paid for what is forgotten, within the transaction that forgets it."""
    if usd:
        before = connection.execute(sa.select(facts.c.value).where(facts.c.name == SPENT)).scalar()
        value = orjson.dumps(usd + (orjson.loads(before) if before else 0.0)).decode()
        statement = upsert(facts).values(name=SPENT, value=value)
        connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


def _packed(entry: OutcomeRecord) -> str:
    body = {name: value for name, value in asdict(entry).items() if name != "detections"}
    return orjson.dumps(body, default=plain).decode()


def _unpacked(body: str) -> OutcomeRecord:
    read = orjson.loads(body)
    kinds = {name: Kind(read[name]) if read[name] else None for name in ("verdict", "leaning")}
    return OutcomeRecord(**{**read, **kinds})
