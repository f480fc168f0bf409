"""Rates of conversations: kept, repaired, false claims of success, sticky refusals. Intervals over conversations."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from countcheck.counting.verdict import WRONG, Kind
from countcheck.metrics.consistency import unclear_refusals
from countcheck.stats.estimate import Estimate
from countcheck.stats.intervals import cluster_rate
from countcheck.storage.rows import ResultRow

Conversation: TypeAlias = Sequence[ResultRow]
"""The turns of one conversation in order, repairs included."""


def conversations_of(rows: Iterable[ResultRow]) -> list[Conversation]:
    """Return the conversations among one generator's rows, each with its turns in order."""
    turns: dict[tuple[str, str, int], list[ResultRow]] = defaultdict(list)
    for row in rows:
        if row.conversation:
            turns[row.key, row.prompt_id, row.repeat].append(row)
    return [sorted(own, key=lambda row: row.turn) for own in turns.values()]


def conversation_rates(rows: Iterable[ResultRow], level: float = 0.95) -> dict[str, Estimate]:
    """Estimate the rates of the conversations among one generator's rows.

    - ``kept_rate``: of scripted turns after a turn that ended exact, and that still ask for some of the same, those
      whose first picture holds everything that carried over. A refusal or an uncertain count has not kept it.
    - ``repaired_rate_k``: of scripted turns whose first picture was wrong and that were repaired, those exact after at
      most k repairs. A refused repair has failed: it counts against every k. Turns on which fewer were tried, without a
      refusal at the end, are left out. ``repaired_rate``: at any number.
    - ``false_claim_rate``: of wrong pictures, those announced as a success.
    - ``sticky_refusal_rate``: of benign turns right after a refused one, those refused too, repairs included.
    - ``turn_exact_rate``: of scripted turns after which something must hold, those exact as first answered.
    - ``turn_refusal_rate``, ``turn_unclear_refusal_rate``: over every turn, repairs included; ``scripted_refusal_rate`` and
      ``repair_refusal_rate`` over either kind.
    - ``repair_exact_rate``: of repairs, those that gave an exact picture.
    - ``conversation_exact_rate``: of whole conversations, those in which every scripted turn ended exact.

    Returns:
        Rate, 0 to 1, to estimate; a rate without a case is left out, and so is everything when there is no conversation.
    """
    conversations = [own for own in conversations_of(rows) if any(row.outcome != "missing" for row in own)]
    if not conversations:
        return {}
    repairs = max(row.repair for conversation in conversations for row in conversation)
    cases: dict[str, Callable[[Conversation], Iterable[bool]]] = {
        "kept_rate": kept_cases,
        **{f"repaired_rate_{k}": partial(repaired_cases, within=k) for k in range(1, repairs + 1)},
        "repaired_rate": repaired_cases,
        "false_claim_rate": false_claim_cases,
        "sticky_refusal_rate": sticky_refusal_cases,
        "turn_exact_rate": _exact_turn_cases,
        "turn_refusal_rate": lambda turns: (_refused(row) for row in _answered(turns)),
        "scripted_refusal_rate": lambda turns: (_refused(row) for row in _first_answers(turns)),
        "repair_refusal_rate": lambda turns: (_refused(row) for row in _repairs(turns)),
        "repair_exact_rate": lambda turns: (row.verdict is Kind.EXACT for row in _repairs(turns)),
    }
    rates = {name: _rate(conversations, of, level) for name, of in cases.items()}
    rates["turn_unclear_refusal_rate"] = _unclear_rate(conversations, level)
    rates["conversation_exact_rate"] = _rate(conversations, _exact_throughout, level)
    return {name: estimate for name, estimate in rates.items() if estimate.n}


def kept_cases(conversation: Conversation) -> Iterator[bool]:
    """Yield for each turn that must keep something whether it did."""
    for before, after in itertools.pairwise(_by_scripted_turn(conversation)):
        row = after[0]
        carried = [target for target in row.targets if target in before[0].targets]
        if before[-1].verdict is not Kind.EXACT or not carried or not _was_asked(row):
            continue
        certain = row.verdict is not Kind.UNCERTAIN
        counted = all(noun in row.counted for target in carried for noun in target.nouns)
        yield (
            row.outcome == "picture" and certain and counted and all(target.holds(row.counted) for target in carried)
        )


def repaired_cases(conversation: Conversation, within: int | None = None) -> Iterator[bool]:
    """Yield for each wrong turn that was repaired whether it was exact after at most so many repairs (``None``: any).

    A turn on which fewer repairs were tried is left out, unless the last of them was refused: that repair failed.
    """
    for turns in _by_scripted_turn(conversation):
        repairs = [row for row in turns[1:] if _was_asked(row)]
        if turns[0].verdict not in WRONG or not repairs:
            continue
        exact_at = next((row.repair for row in repairs if row.verdict is Kind.EXACT), None)
        if exact_at is None and within is not None and repairs[-1].repair < within and not _refused(repairs[-1]):
            continue
        yield exact_at is not None and (within is None or exact_at <= within)


def false_claim_cases(conversation: Conversation) -> Iterator[bool]:
    """Yield for each wrong picture whether the words beside it announce success."""
    return (row.claims for row in conversation if row.outcome == "picture" and row.verdict in WRONG)


def sticky_refusal_cases(conversation: Conversation) -> Iterator[bool]:
    """Yield for each benign turn or repair right after a refused one whether it was refused too."""
    pairs = itertools.pairwise(_answered(conversation))
    return (_refused(after) for before, after in pairs if _refused(before) and after.benign)


def _exact_turn_cases(conversation: Conversation) -> Iterator[bool]:
    return (row.verdict is Kind.EXACT for row in _first_answers(conversation) if row.targets)


def _exact_throughout(conversation: Conversation) -> Iterator[bool]:
    scripted = _by_scripted_turn(conversation)
    lost = any(row.outcome in ("failure", "missing") for row in conversation)
    if not lost and any(turns[0].targets for turns in scripted):
        yield all(turns[-1].verdict is Kind.EXACT for turns in scripted if turns[0].targets)


def _answered(conversation: Conversation) -> list[ResultRow]:
    return [row for row in conversation if _was_asked(row)]


def _first_answers(conversation: Conversation) -> list[ResultRow]:
    return [row for row in _answered(conversation) if row.repair == 0]


def _repairs(conversation: Conversation) -> list[ResultRow]:
    return [row for row in _answered(conversation) if row.repair > 0]


def _by_scripted_turn(conversation: Conversation) -> list[list[ResultRow]]:
    """Return the rows of each scripted turn: the first answer, then the repairs."""
    turns: dict[int, list[ResultRow]] = defaultdict(list)
    for row in conversation:
        turns[row.script].append(row)
    return [turns[script] for script in sorted(turns)]


def _was_asked(row: ResultRow) -> bool:
    return row.outcome in ("picture", "refusal")


def _refused(row: ResultRow) -> bool:
    return row.outcome == "refusal"


def _rate(
    conversations: Sequence[Conversation], cases_of: Callable[[Conversation], Iterable[bool]], level: float
) -> Estimate:
    cases = [(conversation[0].prompt_id, case) for conversation in conversations for case in cases_of(conversation)]
    return _over_conversations(cases, level)


def _unclear_rate(conversations: Sequence[Conversation], level: float) -> Estimate:
    """Estimate the share of unclear refusals; whether one is inconsistent shows only beside the other conversations."""
    rows = [row for conversation in conversations for row in _answered(conversation)]
    unclear = unclear_refusals(rows).tolist()
    return _over_conversations([(row.prompt_id, case) for row, case in zip(rows, unclear, strict=True)], level)


def _over_conversations(cases: Iterable[tuple[str, bool]], level: float) -> Estimate:
    """Estimate a share of cases; the conversations of one script are one cluster."""
    hits: dict[str, int] = defaultdict(int)
    sizes: dict[str, int] = defaultdict(int)
    for name, case in cases:
        hits[name] += case
        sizes[name] += 1
    return cluster_rate([hits[name] for name in sizes], list(sizes.values()), level)
