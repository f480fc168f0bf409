"""The parts of a report that are selected from its rows: matrices, worst prompts, refusals, conversations. Pure."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from countcheck.counting.verdict import Kind
from countcheck.generators.outcome import Reason
from countcheck.metrics.trend import step_of
from countcheck.reports.format import EstimateJson
from countcheck.reports.report import Model, Report
from countcheck.reports.safe_text import visible
from countcheck.storage.result_table import (
    MISSING,
    PICTURE,
    REFUSAL,
    Bools,
    Codes,
    Ending,
    Ints,
    ResultTable,
)
from countcheck.storage.rows import ResultRow
from countcheck.suites.natural_order import natural_key

_HARM = {Kind.MISSING: 4, Kind.MIXED: 3, Kind.OVER: 2, Kind.UNDER: 2, Kind.REFUSED: 1, Kind.UNCERTAIN: 0}

_KINDS = tuple(Kind)
_EXACT = _KINDS.index(Kind.EXACT)
_PROMPTS_OF_WORDING = 6

_BAR_ORDER = (
    Kind.EXACT,
    Kind.OVER,
    Kind.UNDER,
    Kind.MISSING,
    Kind.MIXED,
    Kind.UNCERTAIN,
    Kind.REFUSED,
    Kind.FAILED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """How often one number was counted when another was asked.

    Attributes:
        kind: ``exact``, ``over`` or ``under``: on, right of or left of the diagonal.
        shade: Share of the asked number's pictures in tenths, 0 to 10; at least 1 when there are any.
    """

    asked: int
    counted: int
    n: int
    kind: str
    shade: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Asked × counted for one model; every model of a report shares the same numbers."""

    model: int
    numbers: tuple[int, ...]
    rows: tuple[tuple[int, int, tuple[Cell, ...]], ...]


def matrices(report: Report) -> list[Matrix]:
    """Make one matrix a model, over the same rows and columns, so that they can stand side by side."""
    tables = [{int(a): {int(c): n for c, n in row.items()} for a, row in m.matrix.items()} for m in report.models]
    asked = sorted({a for table in tables for a in table})
    counted = sorted({c for table in tables for row in table.values() for c in row} | set(asked))
    result = []
    for index, table in enumerate(tables):
        rows = []
        for a in asked:
            row = table.get(a, {})
            total = sum(row.values())
            cells = tuple(_cell(a, c, row.get(c, 0), total) for c in counted)
            rows.append((a, total, cells))
        if any(total for _, total, _ in rows):
            result.append(Matrix(model=index, numbers=tuple(counted), rows=tuple(rows)))
    return result


def _cell(asked: int, counted: int, n: int, total: int) -> Cell:
    kind = "exact" if asked == counted else "over" if counted > asked else "under"
    shade = 0 if n == 0 else max(1, round(10 * n / total))
    return Cell(asked=asked, counted=counted, n=n, kind=kind, shade=shade)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeShare:
    """How many samples of a model ended in one way.

    Attributes:
        kind: A verdict, or ``missing sample`` for what was not made.
        n: Samples, 1 or more.
        start, share: Where its part of the bar begins and how long it is, 0 to 1.
    """

    kind: str
    n: int
    start: float
    share: float


OUTCOMES = (*(str(kind) for kind in _BAR_ORDER), "unjudged", "missing sample")


def outcome_bars(report: Report) -> list[tuple[OutcomeShare, ...]]:
    """Return of each model how its samples and turns ended, the exact ones first; empty for a model without samples."""
    bars = []
    for model in report.models:
        counts: Counter[str] = Counter()
        table = model.rows.table
        for ending, n in zip(table.endings, np.bincount(table.ending, minlength=len(table.endings)), strict=True):
            counts[outcome_name(ending)] += int(n)
        total, parts, start = sum(counts.values()), [], 0.0
        for kind in OUTCOMES:
            if counts[kind]:
                share = counts[kind] / total
                parts.append(OutcomeShare(kind=kind, n=counts[kind], start=start, share=share))
                start += share
        bars.append(tuple(parts))
    return bars


def outcome_name(row: ResultRow | Ending) -> str:
    """Return how a sample ended, as one of `OUTCOMES`."""
    if row.outcome == "missing":
        return "missing sample"
    return "unjudged" if row.verdict is None else str(row.verdict)


def example_tries(report: Report, *, most: int = 4) -> list[tuple[int, ResultRow]]:
    """Choose pictures for a first look: of each model in turn its worst one and an exact one, no prompt twice."""
    chosen: list[tuple[int, ResultRow]] = []
    prompts: set[str] = set()
    ranks = [_Ranks(model) for model in report.models]
    shown = [
        model.rows.table.drawn & model.rows.table.by_ending(lambda ending: bool(ending.counted), np.bool_)
        for model in report.models
    ]
    for exact in (False, True, False, True):
        for index, model in enumerate(report.models):
            table = model.rows.table
            told = table.by_place(lambda place: place.fields.text in prompts, np.bool_)
            rows = np.flatnonzero(shown[index] & ~told & ((ranks[index].verdicts == _EXACT) == exact))
            if len(rows) and len(chosen) < most:
                worst = ranks[index].worst(rows)
                (row,) = model.rows.rows_at([max(worst, key=lambda row: bytes(table.key[row]))])
                chosen.append((index, row))
                prompts.add(row.text)
    return chosen


class _Ranks:
    """How bad the tries of a model are.

    Attributes:
        verdicts: (n,) index into `Kind`; -1 for none.
        distance: (n,) by how much the counted numbers are off.
    """

    def __init__(self, model: Model) -> None:
        table = model.rows.table
        self.verdicts = table.by_ending(lambda e: -1 if e.verdict is None else _KINDS.index(e.verdict), np.int8)
        harms = [_HARM.get(kind, -1) for kind in _KINDS]
        self.harm = np.array([*harms, _HARM.get(Kind.FAILED, -1)], np.int8)[self.verdicts]
        self.distance = _distances(table)

    def worst(self, rows: Ints) -> list[int]:
        """Return those of some rows that are the worst."""
        rows = rows[self.harm[rows] == self.harm[rows].max()]
        worst: list[int] = rows[self.distance[rows] == self.distance[rows].max()].tolist()
        return worst


def _distances(table: ResultTable) -> NDArray[np.float64]:
    asked: Codes[Mapping[str, int]] = Codes()
    counted: Codes[Mapping[str, float]] = Codes()
    of_place = [asked.code(tuple(p.fields.asked.items()), p.fields.asked) for p in table.places]
    of_ending = [counted.code(tuple(e.counted.items()), e.counted) for e in table.endings]
    pairs = (
        np.array(of_place, np.int64)[table.place] * len(counted.things) + np.array(of_ending, np.int64)[table.ending]
    )
    distinct, which = np.unique(pairs, return_inverse=True)
    values = []
    for a, c in (divmod(pair, len(counted.things)) for pair in distinct.tolist()):
        wanted, found = asked.things[a], counted.things[c]
        values.append(sum(abs(n - wanted[noun]) for noun, n in found.items() if noun in wanted))
    return np.array(values, np.float64)[which]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstPrompt:
    """A prompt that few tries got right.

    Attributes:
        wrong, asked: Tries that were not exact, of those that ended in a picture or a refusal, over all models.
        tries: One row a model, its worst try; ``None`` for a model that has none.
    """

    prompt_id: str
    text: str
    wrong: int
    asked: int
    tries: tuple[ResultRow | None, ...]


def worst_prompts(report: Report, *, most: int = 8) -> list[WorstPrompt]:
    """List the prompts that went wrong most often, the worst first; none that was always exact."""
    prompts: Codes[tuple[str, str]] = Codes()
    of_models = []
    for model in report.models:
        named = [(place.prompt_id, place.fields.text) for place in model.rows.table.places]
        of_place = np.array([prompts.code(name, name) for name in named], np.int64)
        of_models.append(_scored(model, of_place))
    n = len(prompts.things)
    asked, wrong, distance = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n)
    for scored in of_models:
        asked += np.bincount(scored.prompt, minlength=n)
        wrong += np.bincount(scored.prompt[scored.wrong], minlength=n)
        off = scored.ranks.distance[scored.rows[scored.wrong]]
        distance += np.bincount(scored.prompt[scored.wrong], weights=off, minlength=n)
    ranked = (
        (-wrong[code] / asked[code], -distance[code] / wrong[code], prompts.things[code], code)
        for code in np.flatnonzero(wrong).tolist()
    )
    return [
        WorstPrompt(
            prompt_id=prompt_id,
            text=text,
            wrong=int(wrong[code]),
            asked=int(asked[code]),
            tries=tuple(
                _worst_try(model, scored, code) for model, scored in zip(report.models, of_models, strict=True)
            ),
        )
        for *_, (prompt_id, text), code in heapq.nsmallest(most, ranked)
    ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Scored:
    """The tries of prompts by one model that have a verdict: where they are, of which prompt, and which are wrong."""

    rows: Ints
    prompt: Ints
    wrong: Bools
    ranks: _Ranks


def _scored(model: Model, prompt_of_place: Ints) -> _Scored:
    table, ranks = model.rows.table, _Ranks(model)
    asked = np.isin(table.outcome, (PICTURE, REFUSAL)) & ~table.conversation
    rows = np.flatnonzero(asked & (ranks.verdicts >= 0))
    right = np.isin(ranks.verdicts[rows], (_EXACT, _KINDS.index(Kind.UNCERTAIN)))
    return _Scored(rows=rows, prompt=prompt_of_place[table.place[rows]], wrong=~right, ranks=ranks)


def _worst_try(model: Model, scored: _Scored, prompt: int) -> ResultRow | None:
    rows = scored.rows[scored.prompt == prompt]
    if not len(rows):
        return None
    repeat = model.rows.table.repeat
    (row,) = model.rows.rows_at([min(scored.ranks.worst(rows), key=lambda row: int(repeat[row]))])
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalWording:
    """One wording of a refusal: how often it came, from which models (index and times), to which prompts.

    ``example`` is a row that came with a picture in place of words, with its model; ``None`` when none did.
    """

    words: str
    code: str
    category: str
    models: tuple[tuple[int, int], ...]
    n: int
    prompts: tuple[str, ...]
    example: tuple[int, ResultRow] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalGroup:
    """All refusals of one reason, gathered by wording, the most frequent first."""

    reason: str
    n: int
    wordings: tuple[RefusalWording, ...]
    unshown: int


def refusals(report: Report, *, most: int = 20) -> list[RefusalGroup]:
    """Group the refusals by reason, in the models' own words."""
    groups: dict[str, dict[tuple[str, str, str], _Wording]] = defaultdict(lambda: defaultdict(_Wording))
    for index, model in enumerate(report.models):
        refused = np.flatnonzero(model.rows.table.outcome == REFUSAL)
        for row in model.rows.rows_at(refused.tolist()):
            groups[row.refusal or Reason.UNEXPLAINED][(row.words, row.code, row.category)].add(index, row)
    result = []
    for reason in Reason:
        if reason not in groups:
            continue
        wordings = sorted(groups[reason].items(), key=lambda item: (-item[1].n, item[0]))
        result.append(
            RefusalGroup(
                reason=str(reason),
                n=sum(wording.n for _, wording in wordings),
                wordings=tuple(wording.told(*said) for said, wording in wordings[:most]),
                unshown=sum(wording.n for _, wording in wordings[most:]),
            )
        )
    return result


class _Wording:
    """What is kept of one wording while refusals are read: never their rows."""

    __slots__ = ("_example", "_models", "_prompts")

    def __init__(self) -> None:
        self._models: Counter[int] = Counter()
        self._prompts: dict[str, None] = {}
        self._example: tuple[int, ResultRow] | None = None

    @property
    def n(self) -> int:
        """How often it came."""
        return self._models.total()

    def add(self, model: int, row: ResultRow) -> None:
        """Count a refusal in this wording."""
        self._models[model] += 1
        if len(self._prompts) < _PROMPTS_OF_WORDING:
            self._prompts[row.text] = None
        if self._example is None and row.picture:
            self._example = (model, row)

    def told(self, words: str, code: str, category: str) -> RefusalWording:
        """Return it as the report shows it."""
        return RefusalWording(
            words=words,
            code=code,
            category=category,
            models=tuple(sorted(self._models.items())),
            n=self.n,
            prompts=tuple(self._prompts),
            example=self._example,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inconsistency:
    """Prompts that ask the same (a group, or the repeats of one), of which one model drew some and refused others."""

    model: int
    group: str
    drawn: tuple[ResultRow, ...]
    refused: tuple[ResultRow, ...]


def inconsistencies(report: Report, *, most: int = 6) -> list[Inconsistency]:
    """List groups with a refusal beside a picture, those with the most refusals first."""
    found: list[tuple[int, int, str, Ints]] = []
    for index, model in enumerate(report.models):
        found += [(-refused, index, group, rows) for group, refused, rows in _inconsistent(model, most)]
    result = []
    for _, index, group, rows in sorted(found, key=lambda mixed: mixed[:3])[:most]:
        whole = list(report.models[index].rows.rows_at(rows.tolist()))
        drawn = tuple(row for row in whole if row.outcome == "picture")
        refused = tuple(row for row in whole if row.outcome == "refusal")
        result.append(Inconsistency(model=index, group=group, drawn=drawn, refused=refused))
    return result


def _inconsistent(model: Model, most: int) -> list[tuple[str, int, Ints]]:
    """Return of a model's groups with a refusal beside a picture the first: name, number of refusals, and rows."""
    table, groups = model.rows.table, Codes[str]()
    names = [place.fields.group or place.prompt_id for place in table.places]
    of_place = np.array([groups.code(name, name) for name in names], np.int64)
    rows = np.flatnonzero(np.isin(table.outcome, (PICTURE, REFUSAL)) & ~table.conversation)
    group, refused = of_place[table.place[rows]], table.outcome[rows] == REFUSAL
    n = len(groups.things)
    n_refused = np.bincount(group[refused], minlength=n)
    mixed = np.flatnonzero((n_refused > 0) & (np.bincount(group[~refused], minlength=n) > 0))
    first = heapq.nsmallest(most, mixed.tolist(), key=lambda code: (-n_refused[code], groups.things[code]))
    return [(groups.things[code], int(n_refused[code]), rows[group == code]) for code in first]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """The exact rate by the values of one tag.

    Attributes:
        values: In the order shown.
        rates: One row a value, one estimate a model; ``None`` where a model has none.
        unshown: Values left out because there are too many; those with the fewest tries go first.
    """

    tag: str
    values: tuple[str, ...]
    rates: tuple[tuple[EstimateJson | None, ...], ...]
    unshown: int = 0

    def points(self) -> list[dict[str, Any]]:
        """List what a chart shows: one record for each value and model that has an estimate."""
        return [
            {"tag": visible(value, 60), "model": model, "value": e["value"], "low": e["low"], "high": e["high"]}
            for value, row in zip(self.values, self.rates, strict=True)
            for model, e in enumerate(row)
            if e is not None and e["value"] is not None
        ]


def breakdowns(report: Report, *, most: int = 24) -> list[Breakdown]:
    """Split the exact rate by every tag with two values or more: number, noun, style, number form, then the rest."""
    tags = sorted({tag for model in report.models for tag in model.by}, key=lambda tag: (_ORDER.get(tag, 99), tag))
    result = []
    for tag in tags:
        values = sorted({value for model in report.models for value in model.by.get(tag, {})}, key=natural_key)
        estimates = {
            value: tuple(model.by.get(tag, {}).get(value, {}).get("exact_rate") for model in report.models)
            for value in values
        }
        known = [value for value in values if any(e is not None and e["value"] is not None for e in estimates[value])]
        if len(known) < 2:
            continue
        tries = {value: sum(e["n"] for e in estimates[value] if e is not None) for value in known}
        largest = set(sorted(known, key=lambda value: -tries[value])[:most])
        shown = [value for value in known if value in largest]
        if tag not in ("number", "kinds"):
            shown.sort(key=lambda value: (-_mean(estimates[value]), natural_key(value)))
        result.append(
            Breakdown(
                tag=tag,
                values=tuple(shown),
                rates=tuple(estimates[value] for value in shown),
                unshown=len(known) - len(shown),
            )
        )
    return result


_ORDER = {"number": 0, "noun": 1, "style": 2, "number_form": 3, "kinds": 4}


def _mean(estimates: Sequence[EstimateJson | None]) -> float:
    values = [e["value"] for e in estimates if e is not None and e["value"] is not None]
    return sum(values) / len(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The exact rate of a run's checkpoints by training step.

    Attributes:
        run: Index into the report's runs.
        points: Step, index of the model and published estimate, by step.
    """

    run: int
    points: tuple[tuple[int, int, EstimateJson], ...]


def trends(report: Report) -> list[Trend]:
    """Return of every run with two checkpoints or more how its exact rate went."""
    result = []
    for run, source in enumerate(report.runs):
        points = []
        for index, model in enumerate(report.models):
            estimate = model.rates.get("exact_rate")
            info = source.info.generators.get(model.generator) if model.run == run else None
            step = None if info is None else step_of(info)
            if step is not None and estimate is not None and estimate["value"] is not None:
                points.append((step, index, estimate))
        if len(points) > 1:
            result.append(Trend(run=run, points=tuple(sorted(points, key=lambda point: point[:2]))))
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResult:
    """One turn of a conversation with one model, and what happened to the count in it.

    Attributes:
        event: ``lost`` when the count had been right, ``repaired`` when it was wrong before, else empty.
    """

    row: ResultRow
    event: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldConversation:
    """One conversation with every model: its turns by model; empty where a model did not hold it."""

    prompt_id: str
    repeat: int
    lost: int
    turns: tuple[tuple[TurnResult, ...], ...]


def conversations(report: Report, *, most: int = 8) -> tuple[list[HeldConversation], int]:
    """List the conversations in which most was lost or refused, and count all of them."""
    held: dict[tuple[str, int], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, model in enumerate(report.models):
        table = model.rows.table
        for row in np.flatnonzero(table.conversation & (table.outcome != MISSING)).tolist():
            held[table.places[table.place[row]].prompt_id, int(table.repeat[row])][index].append(row)
    lost = {}
    for name, by_model in held.items():
        for index, rows in by_model.items():
            rows.sort(key=report.models[index].rows.table.turn.__getitem__)
        lost[name] = sum(_n_lost(report.models[index].rows.table, rows) for index, rows in by_model.items())
    result = []
    for name in heapq.nsmallest(most, held, key=lambda name: (-lost[name], *name)):
        turns = tuple(
            _turn_results(list(model.rows.rows_at(held[name].get(index, ()))))
            for index, model in enumerate(report.models)
        )
        result.append(HeldConversation(prompt_id=name[0], repeat=name[1], lost=lost[name], turns=turns))
    return result, len(held)


def _n_lost(table: ResultTable, rows: Sequence[int]) -> int:
    """Count the turns of a conversation, given in their order, in which the count was lost or the model refused."""
    endings = [table.endings[table.ending[row]] for row in rows]
    events = _events([ending.verdict for ending in endings])
    return sum(event == "lost" or ending.outcome == "refusal" for event, ending in zip(events, endings, strict=True))


def _turn_results(rows: Sequence[ResultRow]) -> tuple[TurnResult, ...]:
    events = _events([row.verdict for row in rows])
    return tuple(TurnResult(row=row, event=event) for row, event in zip(rows, events, strict=True))


def _events(verdicts: Iterable[Kind | None]) -> list[str]:
    """Return what happened to the count in each turn, see `TurnResult`."""
    events = []
    right: bool | None = None
    for verdict in verdicts:
        now = None if verdict in (None, Kind.REFUSED, Kind.FAILED, Kind.UNCERTAIN) else verdict is Kind.EXACT
        events.append("lost" if right and now is False else "repaired" if right is False and now else "")
        right = right if now is None else now
    return events
