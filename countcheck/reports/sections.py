"""The parts of a report that are selected from its rows: matrices, worst prompts, refusals, conversations. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from countcheck.counting.verdict import Kind
from countcheck.generators.outcome import Reason
from countcheck.metrics.trend import step_of
from countcheck.reports.format import EstimateJson
from countcheck.reports.report import Model, Report
from countcheck.reports.safe_text import visible
from countcheck.storage.rows import ResultRow
from countcheck.suites.natural_order import natural_key

_HARM = {Kind.MISSING: 4, Kind.MIXED: 3, Kind.OVER: 2, Kind.UNDER: 2, Kind.REFUSED: 1, Kind.UNCERTAIN: 0}

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
        counts = Counter(_outcome(row) for row in model.rows)
        total, parts, start = sum(counts.values()), [], 0.0
        for kind in OUTCOMES:
            if counts[kind]:
                share = counts[kind] / total
                parts.append(OutcomeShare(kind=kind, n=counts[kind], start=start, share=share))
                start += share
        bars.append(tuple(parts))
    return bars


def _outcome(row: ResultRow) -> str:
    if row.outcome == "missing":
        return "missing sample"
    return "unjudged" if row.verdict is None else str(row.verdict)


def example_tries(report: Report, *, most: int = 4) -> list[tuple[int, ResultRow]]:
    """Choose pictures for a first look: of each model in turn its worst one and an exact one, no prompt twice."""
    chosen: list[tuple[int, ResultRow]] = []
    prompts: set[str] = set()
    for exact in (False, True, False, True):
        for index, model in enumerate(report.models):
            rows = [
                row
                for row in model.rows
                if row.picture and row.counted and (row.verdict is Kind.EXACT) is exact and row.text not in prompts
            ]
            if rows and len(chosen) < most:
                row = max(rows, key=lambda row: (_HARM.get(row.verdict or Kind.FAILED, -1), _distance(row), row.key))
                chosen.append((index, row))
                prompts.add(row.text)
    return chosen


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
    by_prompt: dict[tuple[str, str], list[tuple[int, ResultRow]]] = defaultdict(list)
    for index, model in enumerate(report.models):
        for row in model.rows:
            if not row.conversation and row.verdict is not None and row.outcome in ("picture", "refusal"):
                by_prompt[row.prompt_id, row.text].append((index, row))
    ranked = []
    for prompt, tries in by_prompt.items():
        wrong = [row for _, row in tries if row.verdict not in (Kind.EXACT, Kind.UNCERTAIN)]
        if wrong:
            mean_distance = sum(_distance(row) for row in wrong) / len(wrong)
            ranked.append((-len(wrong) / len(tries), -mean_distance, prompt, len(wrong)))
    ranked.sort()
    return [
        WorstPrompt(
            prompt_id=prompt[0],
            text=prompt[1],
            wrong=wrong,
            asked=len(by_prompt[prompt]),
            tries=tuple(
                _worst_try([row for model, row in by_prompt[prompt] if model == index])
                for index in range(len(report.models))
            ),
        )
        for _, _, prompt, wrong in ranked[:most]
    ]


def _worst_try(rows: Sequence[ResultRow]) -> ResultRow | None:
    if not rows:
        return None
    return max(rows, key=lambda row: (_HARM.get(row.verdict or Kind.FAILED, -1), _distance(row), -row.repeat))


def _distance(row: ResultRow) -> float:
    return sum(abs(n - row.asked[noun]) for noun, n in row.counted.items() if noun in row.asked)


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
    groups: dict[str, dict[tuple[str, str, str], list[tuple[int, ResultRow]]]] = defaultdict(lambda: defaultdict(list))
    for index, model in enumerate(report.models):
        for row in model.rows:
            if row.outcome == "refusal":
                groups[row.refusal or Reason.UNEXPLAINED][(row.words, row.code, row.category)].append((index, row))
    result = []
    for reason in Reason:
        if reason not in groups:
            continue
        wordings = sorted(groups[reason].items(), key=lambda item: (-len(item[1]), item[0]))
        result.append(
            RefusalGroup(
                reason=str(reason),
                n=sum(len(rows) for _, rows in wordings),
                wordings=tuple(_wording(*wording) for wording in wordings[:most]),
                unshown=sum(len(rows) for _, rows in wordings[most:]),
            )
        )
    return result


def _wording(wording: tuple[str, str, str], rows: Sequence[tuple[int, ResultRow]]) -> RefusalWording:
    words, code, category = wording
    return RefusalWording(
        words=words,
        code=code,
        category=category,
        models=tuple(sorted(Counter(index for index, _ in rows).items())),
        n=len(rows),
        prompts=tuple(dict.fromkeys(row.text for _, row in rows))[:6],
        example=next(((index, row) for index, row in rows if row.picture), None),
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
    result = []
    for index, model in enumerate(report.models):
        result += _inconsistent(index, model)
    result.sort(key=lambda mixed: (-len(mixed.refused), mixed.model, mixed.group))
    return result[:most]


def _inconsistent(index: int, model: Model) -> list[Inconsistency]:
    groups: dict[str, list[ResultRow]] = defaultdict(list)
    for row in model.rows:
        if not row.conversation and row.outcome in ("picture", "refusal"):
            groups[row.group or row.prompt_id].append(row)
    result = []
    for group, rows in groups.items():
        drawn = tuple(row for row in rows if row.outcome == "picture")
        refused = tuple(row for row in rows if row.outcome == "refusal")
        if drawn and refused:
            result.append(Inconsistency(model=index, group=group, drawn=drawn, refused=refused))
    return result


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
    held: dict[tuple[str, int], dict[int, list[ResultRow]]] = defaultdict(lambda: defaultdict(list))
    for index, model in enumerate(report.models):
        for row in model.rows:
            if row.conversation and row.outcome != "missing":
                held[row.prompt_id, row.repeat][index].append(row)
    result = []
    for (prompt_id, repeat), by_model in held.items():
        turns = tuple(
            _turn_results(sorted(by_model.get(index, ()), key=lambda row: row.turn))
            for index in range(len(report.models))
        )
        lost = sum(turn.event == "lost" or turn.row.outcome == "refusal" for of_model in turns for turn in of_model)
        result.append(HeldConversation(prompt_id=prompt_id, repeat=repeat, lost=lost, turns=turns))
    result.sort(key=lambda held: (-held.lost, held.prompt_id, held.repeat))
    return result[:most], len(result)


def _turn_results(rows: Sequence[ResultRow]) -> tuple[TurnResult, ...]:
    result = []
    right: bool | None = None
    for row in rows:
        now = None if row.verdict in (None, Kind.REFUSED, Kind.FAILED, Kind.UNCERTAIN) else row.verdict is Kind.EXACT
        event = "lost" if right and now is False else "repaired" if right is False and now else ""
        result.append(TurnResult(row=row, event=event))
        right = right if now is None else now
    return tuple(result)
