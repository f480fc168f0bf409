"""Reads a run's results as columns, straight from the ledger's tables.

Each table is read once from beginning to end and joined in memory: three times as fast as letting SQLite look up every
outcome and verdict. Every row is compared with its checksum on the way, and the sum of all with the ledger's totals: see
`countcheck.storage.table_parts`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from countcheck.counting.verdict import Kind
from countcheck.storage.checksums import DamagedRow
from countcheck.storage.countings import Counting
from countcheck.storage.prompt_fields import PromptFields
from countcheck.storage.result_table import Codes, Ending, Ints, Place, ResultTable, rewriting_code
from countcheck.storage.snapshot import Snapshot
from countcheck.storage.table_parts import (
    OpenSnapshot,
    OutcomePacker,
    OutcomePart,
    Packer,
    Said,
    TableParts,
    VerdictPacker,
    pack_samples,
)
from countcheck.storage.truncated import TRUNCATED
from countcheck.suites.suite import Conversation, Prompt, Suite

_NO_VERDICT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """A verdict with the numbers behind it."""

    verdict: Kind | None
    counted: dict[str, float]
    low: dict[str, int]
    high: dict[str, int]


def read_table(
    snapshot: Snapshot,
    suite: Suite,
    counting: Counting | None,
    *,
    judge_truncated: bool,
    again: OpenSnapshot | None = None,
    processes: int = 1,
) -> ResultTable:
    """Read one row per prompt sample and per turn of a conversation, missing samples included, as `result_rows`.

    Args:
        snapshot: Of the run's ledger.
        suite: The run's.
        counting: Whose verdicts to read; ``None`` when nothing was counted yet.
        judge_truncated: Whether outcomes of truncated prompts are scored.
        again: Opens the ledger in another process.
        processes: How many read it; this one alone for 1.

    Raises:
        DamagedRow: When a row does not hold what was written, or one is lost.
    """
    packers: dict[str, Packer] = {
        "samples": pack_samples,
        "outcomes": OutcomePacker(),
        "verdicts": VerdictPacker(() if counting is None else counting.ids),
    }
    if again is not None and processes > 1:
        # What is damaged, or has changed since the snapshot, is told apart by the snapshot alone.
        with (
            contextlib.suppress(DamagedRow),
            contextlib.closing(TableParts(snapshot, packers, again, processes)) as parts,
        ):
            return _read_table(parts, suite, counting, judge_truncated)
    return _read_table(TableParts(snapshot, packers), suite, counting, judge_truncated)


def _read_table(parts: TableParts, suite: Suite, counting: Counting | None, judge_truncated: bool) -> ResultTable:
    parts.snapshot.check_totals("countings")
    samples = _Samples(parts)
    outcomes = _Outcomes(parts, samples, suite)
    judged = _Verdicts(parts, outcomes)
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


class _Samples:
    """The planned samples, in the order of planning.

    Attributes:
        key, generator, prompt, repeat: (n,) columns; ``prompt`` is an index into ``prompts.things``.
    """

    def __init__(self, parts: TableParts) -> None:
        self.generators: Codes[str] = Codes()
        self.prompts: Codes[str] = Codes()
        columns: list[list[NDArray[Any]]] = [[] for _ in range(4)]
        for keys, generators, prompts, repeats in parts.of("samples"):
            of_part = (keys, generators.within(self.generators), prompts.within(self.prompts), repeats)
            for column, values in zip(columns, of_part, strict=True):
                column.append(values)
        self.key = _joined(columns[0], np.bytes_)
        self.generator, self.prompt, self.repeat = (_joined(values, np.int32) for values in columns[1:])
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
        sample, turn, repair, place, ending, seconds, cost, picture, digest, mark, rewriting: (n,) columns; ``ending`` is
            an index into ``said.things``.
    """

    def __init__(self, parts: TableParts, samples: _Samples, suite: Suite) -> None:
        self.places = _Places(suite)
        self.said: Codes[Said] = Codes()
        columns: dict[str, list[NDArray[Any]]] = {name: [] for name in _OUTCOME_TYPES}
        for part in parts.of("outcomes"):
            sample = samples.rows_of(part.key, "outcomes")
            place = self._places_of(part, samples, sample)
            of_part: dict[str, NDArray[Any]] = {
                "sample": sample,
                "place": place,
                "ending": part.said.within(self.said),
                "rewriting": self._rewriting(part, place),
            }
            for name, column in columns.items():
                column.append(of_part[name] if name in of_part else getattr(part, name))
        joined = {name: _joined(columns[name], dtype) for name, dtype in _OUTCOME_TYPES.items()}
        self.sample, self.turn, self.repair = joined["sample"], joined["turn"], joined["repair"]
        self.place, self.ending, self.rewriting = joined["place"], joined["ending"], joined["rewriting"]
        self.seconds, self.cost = joined["seconds"], joined["cost"]
        self.picture, self.digest, self.mark = joined["picture"], joined["digest"], joined["mark"]
        self.width = int(self.turn.max(initial=0)) + 1
        codes = self.sample * self.width + self.turn
        self._order = np.argsort(codes)
        self._sorted = codes[self._order]
        self.samples = samples

    def _places_of(self, part: OutcomePart, samples: _Samples, sample: Ints) -> NDArray[np.int32]:
        """Return (n,) what was asked for each outcome of a part."""
        prompt = samples.prompt[sample].astype(np.int64)
        pairs, which = np.unique(prompt * len(part.asked.distinct) + part.asked.which, return_inverse=True)
        numbers = []
        for pair in pairs.tolist():
            of_prompt, asked = divmod(pair, len(part.asked.distinct))
            numbers.append(self.places.of(samples.prompts.things[of_prompt], *part.asked.distinct[asked]))
        return np.array(numbers, np.int32)[which]

    def _rewriting(self, part: OutcomePart, place: NDArray[np.int32]) -> NDArray[np.int8]:
        """Return (n,) what rewriting did to the numbers of each prompt; see `ResultTable`."""
        codes = np.full(len(part.key), -1, np.int8)
        for i, rewritten, recorded in part.rewritten:
            fields = self.places.codes.things[place[i]].fields
            codes[i] = rewriting_code(fields.text, fields.targets, rewritten, recorded)
        return codes

    def rows_of(self, sample: Ints, turn: Ints) -> Ints:
        """Return the outcome of each sample and turn. Raises `DamagedRow` where there is none."""
        codes = sample * self.width + turn
        places = np.searchsorted(self._sorted, codes)
        known = places < len(self._sorted)
        known[known] = self._sorted[places[known]] == codes[known]
        if not known.all() or (turn >= self.width).any():
            raise DamagedRow(f"{int((~known).sum())} rows of verdicts belong to no outcome")
        return self._order[places]


_OUTCOME_TYPES = {
    "sample": np.int64,
    "turn": np.int64,
    "repair": np.int64,
    "place": np.int32,
    "ending": np.int64,
    "seconds": np.float64,
    "cost": np.float64,
    "picture": np.bytes_,
    "digest": np.bytes_,
    "mark": np.bytes_,
    "rewriting": np.int8,
}


class _Verdicts:
    """The verdict of each outcome: that of the newest of some countings.

    Attributes:
        of_outcome: (n,) index into ``judged.things``; -1 for an outcome without a verdict.
    """

    def __init__(self, parts: TableParts, outcomes: _Outcomes) -> None:
        self.judged: Codes[_Judged] = Codes()
        self.of_outcome = np.full(len(outcomes.sample), _NO_VERDICT, np.int64)
        newest = np.full(len(outcomes.sample), -1, np.int64)
        for packed in parts.of("verdicts"):
            if packed is None:
                continue
            keys, turns, counting, told = packed
            outcome = outcomes.rows_of(outcomes.samples.rows_of(keys, "verdicts"), turns)
            code = told.within(self.judged, _read_judged)
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

    def __init__(self, said: Sequence[Said], judged: Sequence[_Judged], *, counted: bool, judge: bool) -> None:
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


def _joined(parts: list[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)
