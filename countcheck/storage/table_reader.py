"""Reads a run's results as columns, straight from the ledger's tables.

Each table is read once from beginning to end and joined in memory: three times as fast as letting SQLite look up every
outcome and verdict. Every row is compared with its checksum on the way, and the sum of all with the ledger's totals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import orjson
from numpy.typing import NDArray

from countcheck.counting.verdict import Kind
from countcheck.storage.checksums import DamagedRow
from countcheck.storage.countings import Counting
from countcheck.storage.prompt_fields import PromptFields
from countcheck.storage.result_reader import UNJUDGED
from countcheck.storage.result_table import HASH, Codes, Ending, Ints, Place, ResultTable, mark_of, rewriting_code
from countcheck.storage.snapshot import COLUMNS, Snapshot, as_boolean
from countcheck.storage.truncated import TRUNCATED, truncated_message
from countcheck.suites.suite import Conversation, Prompt, Suite

_AT_A_TIME = 4000  # rows
_MOST_TEXTS = 20_000  # that are remembered, so that they are parsed once
_NO_VERDICT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What an outcome says of itself: the parts of `Ending` that no counter gives, and why it is not scored."""

    outcome: str
    refusal: str | None
    failure: str | None
    message: str
    claims: bool
    truncated: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """A verdict with the numbers behind it."""

    verdict: Kind | None
    counted: dict[str, float]
    low: dict[str, int]
    high: dict[str, int]


def read_table(snapshot: Snapshot, suite: Suite, counting: Counting | None, *, judge_truncated: bool) -> ResultTable:
    """Read one row per prompt sample and per turn of a conversation, missing samples included, as `result_rows`.

    Args:
        snapshot: Of the run's ledger.
        suite: The run's.
        counting: Whose verdicts to read; ``None`` when nothing was counted yet.
        judge_truncated: Whether outcomes of truncated prompts are scored.

    Raises:
        DamagedRow: When a row does not hold what was written, or one is lost.
    """
    snapshot.check_totals("countings")
    samples = _Samples(snapshot)
    outcomes = _Outcomes(snapshot, samples, suite)
    judged = _Verdicts(snapshot, outcomes, () if counting is None else counting.ids)
    places = outcomes.places
    without = np.ones(len(samples.key), np.bool_)
    without[outcomes.sample] = False
    missing = np.flatnonzero(without)
    sample = np.concatenate([outcomes.sample, missing])
    order = np.lexsort((np.concatenate([outcomes.turn, np.zeros(len(missing), np.int64)]), sample))
    endings = _Endings(outcomes.said.things, judged.judged.things, counted=counting is not None, judge=judge_truncated)
    of_missing = [places.of_sample(samples, row) for row in missing.tolist()]
    targeted = np.array([bool(place.fields.targets) for place in places.codes.things], np.bool_)
    n = len(missing)
    ending = np.concatenate(
        [
            endings.of(outcomes.ending, judged.of_outcome, targeted[outcomes.place]),
            np.full(n, endings.missing, np.int64),
        ]
    )
    return ResultTable(
        generators=tuple(samples.generators.things),
        places=places.codes.things,
        endings=endings.things,
        generator=samples.generator[sample][order],
        place=np.concatenate([outcomes.place, np.array(of_missing, np.int32)])[order],
        ending=ending[order].astype(np.int32),
        key=samples.key[sample][order],
        repeat=samples.repeat[sample][order],
        turn=_with_zeros(outcomes.turn, n)[order].astype(np.int32),
        repair=_with_zeros(outcomes.repair, n)[order].astype(np.int32),
        seconds=_with_zeros(outcomes.seconds, n)[order],
        cost=np.concatenate([outcomes.cost, np.full(n, np.nan)])[order],
        picture=_with_zeros(outcomes.picture, n)[order],
        digest=_with_zeros(outcomes.digest, n)[order],
        mark=_with_zeros(outcomes.mark, n)[order],
        rewriting=np.concatenate([outcomes.rewriting, np.full(n, -1, np.int8)])[order],
    )


def _with_zeros(values: NDArray[Any], n: int) -> NDArray[Any]:
    return np.concatenate([values, np.zeros(n, values.dtype)])


def _parts(snapshot: Snapshot, table: str, *before: str, order: str = "") -> Iterator[list[tuple[Any, ...]]]:
    """Yield all rows of a table, some thousands at a time, each compared with its checksum.

    Raises:
        DamagedRow: When a row is not what was written, or some are lost.
    """
    listed = ", ".join((*COLUMNS[table], *before, "checksum"))
    n_checked = len(COLUMNS[table])
    # By the table itself: an index that is damaged would lose rows, or turn up others.
    cursor = snapshot.connection.execute(f"SELECT {listed} FROM {table} NOT INDEXED {order}")  # noqa: S608 (our own names)
    dumps, n, total = orjson.dumps, 0, 0
    while rows := cursor.fetchmany(_AT_A_TIME):
        try:
            if table == "samples":
                found = [2 * crc32(dumps((*row[:5], as_boolean(row[5])))) + row[6] for row in rows]
            else:
                found = [crc32(dumps(row[:n_checked])) for row in rows]
        except TypeError as error:
            raise DamagedRow(str(error)) from error
        written = [row[-1] for row in rows]
        if found != written:
            place = next(i for i, pair in enumerate(zip(found, written, strict=True)) if pair[0] != pair[1])
            raise DamagedRow(f"the row {rows[place][0]!s:.80} of {table} is damaged")
        n += len(rows)
        total += sum(written)
        yield rows
    snapshot.check_total(table, n, total)


class _Samples:
    """The planned samples, in the order of planning.

    Attributes:
        key, generator, prompt, repeat: (n,) columns; ``prompt`` is an index into ``prompts.things``.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.generators: Codes[str] = Codes()
        self.prompts: Codes[str] = Codes()
        columns: list[list[NDArray[Any]]] = [[] for _ in range(4)]
        for rows in _parts(snapshot, "samples", "done", order="ORDER BY id"):
            keys, generators, prompts, repeats, *_ = zip(*rows, strict=True)
            columns[0].append(_encoded(keys))
            columns[1].append(np.array([self.generators.code(name, name) for name in generators], np.int32))
            columns[2].append(np.array([self.prompts.code(name, name) for name in prompts], np.int32))
            columns[3].append(np.array(repeats, np.int32))
        self.key = _joined(columns[0], np.bytes_)
        self.generator, self.prompt, self.repeat = (_joined(parts, np.int32) for parts in columns[1:])
        self._order = np.argsort(self.key)
        self._sorted = self.key[self._order]

    def rows_of(self, keys: NDArray[np.bytes_], table: str) -> Ints:
        """Return the sample of each key. Raises `DamagedRow` for a key that no sample has."""
        if not len(keys):
            return np.zeros(0, np.int64)
        places = np.searchsorted(self._sorted, keys)
        known = places < len(self._sorted)
        known[known] = self._sorted[places[known]] == keys[known]
        if not known.all():
            raise DamagedRow(f"{int((~known).sum())} rows of {table} belong to no sample")
        return self._order[places]


class _Places:
    """What was asked, as the rows name it: by prompt, turn of the script and text."""

    def __init__(self, suite: Suite) -> None:
        self.codes: Codes[Place] = Codes()
        self._asked: dict[str, Prompt | Conversation] = {asked.id: asked for asked in suite.asked}
        self._fields: dict[tuple[str, int], PromptFields] = {}

    def of(self, prompt_id: str, script: int, text: str | None) -> int:
        """Return the number of a place; ``None`` for the text that the suite gives it."""
        fields = self._fields.get((prompt_id, script))
        if fields is None:
            fields = self._fields[prompt_id, script] = PromptFields.of(self._asked[prompt_id], script)
        said = fields.text if text is None else text
        return self.codes.code((prompt_id, script, said), (prompt_id, script, fields, said), _place)

    def of_sample(self, samples: _Samples, row: int) -> int:
        """Return the place of a sample that has no outcome."""
        return self.of(samples.prompts.things[samples.prompt[row]], 0, None)


def _place(named: tuple[str, int, PromptFields, str]) -> Place:
    prompt_id, script, fields, text = named
    return Place(prompt_id=prompt_id, script=script, fields=fields.with_text(text))


class _Outcomes:
    """The outcomes, in the order in which they were written.

    Attributes:
        sample, turn, repair, place, ending, seconds, cost, picture, digest, mark, rewriting: (n,) columns; ``ending`` is an index into
            ``said.things``.
    """

    def __init__(self, snapshot: Snapshot, samples: _Samples, suite: Suite) -> None:
        self.places = _Places(suite)
        self.said: Codes[_Said] = Codes()
        self._of_text: dict[tuple[str, str], tuple[int, str, object, bytes]] = {}
        columns: list[list[NDArray[Any]]] = [[] for _ in range(len(_OUTCOME_TYPES))]
        prompts = samples.prompts.things
        for rows in _parts(snapshot, "outcomes"):
            keys, turns, scripts, repairs, texts, outcomes, pictures, digests, _, seconds, costs, details, _ = zip(
                *rows, strict=True
            )
            sample = samples.rows_of(_encoded(keys), "outcomes")
            asked = [prompts[prompt] for prompt in samples.prompt[sample].tolist()]
            place = [self.places.of(*named) for named in zip(asked, scripts, texts, strict=True)]
            read = [self._read(text) for text in zip(outcomes, details, strict=True)]
            said = [code for code, *_ in read]
            rewriting = [-1] * len(read)
            for i, (_, rewritten, recorded, _) in enumerate(read):
                if rewritten:
                    fields = self.places.codes.things[place[i]].fields
                    rewriting[i] = rewriting_code(fields.text, fields.targets, rewritten, recorded)
            known = [np.nan if cost is None else cost for cost in costs]
            for column, values, dtype in zip(
                columns,
                (
                    *(sample, turns, repairs, place, said, seconds, known),
                    *(_encoded(pictures), _encoded(digests), [mark for *_, mark in read], rewriting),
                ),
                _OUTCOME_TYPES,
                strict=True,
            ):
                column.append(np.array(values, dtype))
        joined = [_joined(parts, dtype) for parts, dtype in zip(columns, _OUTCOME_TYPES, strict=True)]
        (
            self.sample,
            self.turn,
            self.repair,
            self.place,
            self.ending,
            self.seconds,
            self.cost,
            self.picture,
            self.digest,
            self.mark,
            self.rewriting,
        ) = joined
        self.width = int(self.turn.max(initial=0)) + 1
        codes = self.sample * self.width + self.turn
        self._order = np.argsort(codes)
        self._sorted = codes[self._order]
        self.samples = samples

    def _read(self, text: tuple[str, str]) -> tuple[int, str, object, bytes]:
        """Return the number of what an outcome says, given as stored, and what was rewritten with what was told of it."""
        read = self._of_text.get(text)
        if read is None:
            detail = orjson.loads(text[1]) if text[1] else {}
            said = _said(text[0], detail)
            told = (detail.get("rewritten", ""), detail.get("numbers"), mark_of(detail.get(HASH)))
            read = (self.said.code(said, said), *told)
            if len(self._of_text) < _MOST_TEXTS:
                self._of_text[text] = read
        return read

    def rows_of(self, sample: Ints, turn: Ints) -> Ints:
        """Return the outcome of each sample and turn. Raises `DamagedRow` where there is none."""
        codes = sample * self.width + turn
        places = np.searchsorted(self._sorted, codes)
        known = places < len(self._sorted)
        known[known] = self._sorted[places[known]] == codes[known]
        if not known.all() or (turn >= self.width).any():
            raise DamagedRow(f"{int((~known).sum())} rows of verdicts belong to no outcome")
        return self._order[places]


_OUTCOME_TYPES = (
    np.int64,
    np.int64,
    np.int32,
    np.int32,
    np.int64,
    np.float64,
    np.float64,
    np.bytes_,
    np.bytes_,
    np.bytes_,
    np.int8,
)


class _Verdicts:
    """The verdict of each outcome: that of the newest of some countings.

    Attributes:
        of_outcome: (n,) index into ``judged.things``; -1 for an outcome without a verdict.
    """

    def __init__(self, snapshot: Snapshot, outcomes: _Outcomes, ids: Sequence[int]) -> None:
        self.judged: Codes[_Judged] = Codes()
        self.of_outcome = np.full(len(outcomes.sample), _NO_VERDICT, np.int64)
        newest = np.full(len(outcomes.sample), -1, np.int64)
        own = set(ids)
        for rows in _parts(snapshot, "verdicts"):
            # The others are those of other countings; they were checked, and are not looked at.
            chosen = [row for row in rows if row[2] in own or row[3] in UNJUDGED]
            if not chosen:
                continue
            keys, turns, countings, verdicts, _, _, counted, _ = zip(*chosen, strict=True)
            sample = outcomes.samples.rows_of(_encoded(keys), "verdicts")
            outcome = outcomes.rows_of(sample, np.array(turns, np.int64))
            code = np.array(
                [self.judged.code(told, told, _read_judged) for told in zip(verdicts, counted, strict=True)]
            )
            counting = np.array(countings, np.int64)
            order = np.argsort(counting, kind="stable")  # of several in one part the newest is written last
            outcome, code, counting = outcome[order], code[order], counting[order]
            newer = counting > newest[outcome]
            newest[outcome[newer]] = counting[newer]
            self.of_outcome[outcome[newer]] = code[newer]


class _Endings:
    """How outcomes with their verdicts end, each pair of them that occurs once.

    Attributes:
        things: The endings.
        missing: The number of the one of samples without an outcome.
    """

    def __init__(self, said: Sequence[_Said], judged: Sequence[_Judged], *, counted: bool, judge: bool) -> None:
        self.things: list[Ending] = [Ending(outcome="missing")]
        self.missing = 0
        self._said, self._judged, self._counted, self._judge = said, judged, counted, judge

    def of(self, said: Ints, judged: Ints, targeted: NDArray[np.bool_]) -> Ints:
        """Return (n,) the ending of each outcome.

        Args:
            said: (n,) what the outcome says.
            judged: (n,) its verdict; -1 for none.
            targeted: (n,) whether something was to be counted.
        """
        width = len(self._judged) + 1
        codes = (said * width + judged + 1) * 2 + targeted
        distinct, which = np.unique(codes, return_inverse=True)
        start = len(self.things)
        for code in distinct.tolist():
            pair, has_targets = divmod(code, 2)
            self.things.append(self._ending(*divmod(pair, width), targeted=bool(has_targets)))
        return which + start

    def _ending(self, said: int, judged: int, *, targeted: bool) -> Ending:
        own = self._said[said]
        told = self._judged[judged - 1] if judged else None
        if own.truncated and not self._judge:
            return Ending(
                outcome="failure", failure=TRUNCATED, message=own.truncated, verdict=Kind.FAILED, claims=own.claims
            )
        verdict = None if told is None else told.verdict
        if verdict is None and self._counted and own.outcome == "picture" and targeted:
            verdict = Kind.UNCERTAIN
        return Ending(
            outcome=own.outcome,
            verdict=verdict,
            refusal=own.refusal,
            failure=own.failure,
            message=own.message,
            claims=own.claims,
            counted=told.counted if told else {},
            low=told.low if told else {},
            high=told.high if told else {},
        )


def _said(outcome: str, read: dict[str, Any]) -> _Said:
    return _Said(
        outcome=outcome,
        refusal=read.get("reason") if outcome == "refusal" else None,
        failure=read.get("fault") if outcome == "failure" else None,
        message=read.get("message", ""),
        claims=bool(read.get("claims", False)),
        truncated=truncated_message(read) if outcome in ("picture", "refusal") else "",
    )


def _read_judged(written: tuple[str | None, str]) -> _Judged:
    verdict, counted = written
    numbers = orjson.loads(counted) if counted else {}
    low, high = ({noun: values[k] for noun, values in numbers.items()} for k in (1, 2))
    return _Judged(
        verdict=Kind(verdict) if verdict else None,
        counted={noun: values[0] for noun, values in numbers.items()},
        low=low,
        high=high,
    )


def _encoded(keys: Sequence[str]) -> NDArray[np.bytes_]:
    return np.array([key.encode("utf-8", "surrogatepass") for key in keys], np.bytes_)


def _joined(parts: list[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)
