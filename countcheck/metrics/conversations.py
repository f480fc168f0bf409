"""Rates of conversations: kept, repaired, false claims of success, sticky refusals. Intervals over conversations."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from countcheck.counting.verdict import WRONG, Kind
from countcheck.metrics.outcome_codes import columns_of
from countcheck.stats.estimate import Estimate, cluster_rate
from countcheck.storage.rows import ResultRow

Talk: TypeAlias = Sequence[ResultRow]
Cases: TypeAlias = Iterable[bool]


def talks_of(rows: Iterable[ResultRow]) -> list[Talk]:
    """The conversations among the rows (one generator's), each with its turns in order."""
    found: dict[tuple[str, str, int], list[ResultRow]] = defaultdict(list)
    for row in rows:
        if row.conversation:
            found[row.key, row.prompt_id, row.repeat].append(row)
    return [sorted(turns, key=lambda row: row.turn) for turns in found.values()]


def conversation_rates(rows: Iterable[ResultRow], level: float = 0.95) -> dict[str, Estimate]:
    """The rates of the conversations among one generator's rows; empty when there are none.

    - ``kept_rate``: of scripted turns after a turn that ended exact, and that still ask for some of the same, those
      whose first picture holds everything that carried over. A refusal or an uncertain count has not kept it.
    - ``repaired_rate_k``: of scripted turns whose first picture was wrong and that were told so, those exact after at
      most k repairs; turns on which fewer were tried, in vain, are left out. ``repaired_rate``: at any number.
    - ``false_claim_rate``: of wrong pictures, those announced as a success.
    - ``sticky_refusal_rate``: of benign turns right after a refused one, those refused too.
    - ``turn_exact_rate``, ``turn_refusal_rate``, ``turn_unclear_refusal_rate``: over turns as first answered; the first
      of them over turns after which something must hold.
    - ``conversation_exact_rate``: of whole conversations, those in which every scripted turn ended exact.
    """
    talks = [talk for talk in talks_of(rows) if any(row.outcome != "missing" for row in talk)]
    if not talks:
        return {}
    most = max(row.repair for talk in talks for row in talk)
    rates = {
        "kept_rate": _over(talks, kept, level),
        **{
            f"repaired_rate_{k}": _over(talks, lambda talk, k=k: repaired(talk, k), level)  # type: ignore[misc]
            for k in range(1, most + 1)
        },
        "repaired_rate": _over(talks, lambda talk: repaired(talk, None), level),
        "false_claim_rate": _over(talks, false_claims, level),
        "sticky_refusal_rate": _over(talks, sticky, level),
        "turn_exact_rate": _over(
            talks, lambda talk: [r.verdict is Kind.EXACT for r in _first(talk) if r.targets], level
        ),
        "turn_refusal_rate": _over(talks, lambda talk: [r.outcome == "refusal" for r in _first(talk)], level),
        "turn_unclear_refusal_rate": _unclear(talks, level),
        "conversation_exact_rate": _over(talks, _whole, level),
    }
    return {name: estimate for name, estimate in rates.items() if estimate.n}


def kept(talk: Talk) -> list[bool]:
    """Of each turn that must keep something: whether it did."""
    cases = []
    scripted = _scripted(talk)
    for before, after in itertools.pairwise(scripted):
        carried = [target for target in after[0].targets if target in before[0].targets]
        if before[-1].verdict is Kind.EXACT and carried and _was_asked(after[0]):
            row = after[0]
            seen = row.verdict is not Kind.UNCERTAIN and all(n in row.counted for t in carried for n in t.nouns)
            cases.append(row.outcome == "picture" and seen and all(t.holds(row.counted) for t in carried))
    return cases


def repaired(talk: Talk, k: int | None) -> list[bool]:
    """Of each wrong turn that was told so: whether it was exact after at most ``k`` repairs (any number: ``None``)."""
    cases = []
    for turns in _scripted(talk):
        tried = [row for row in turns[1:] if _was_asked(row)]
        if turns[0].verdict not in WRONG or not tried:
            continue
        mended = next((row.repair for row in tried if row.verdict is Kind.EXACT), None)
        if mended is None and k is not None and tried[-1].repair < k:
            continue
        cases.append(mended is not None and (k is None or mended <= k))
    return cases


def false_claims(talk: Talk) -> list[bool]:
    """Of each wrong picture: whether the words beside it announce success."""
    return [row.claims for row in talk if row.outcome == "picture" and row.verdict in WRONG]


def sticky(talk: Talk) -> list[bool]:
    """Of each benign turn right after a refused one: whether it was refused too."""
    asked = [row for row in talk if _was_asked(row)]
    return [
        after.outcome == "refusal"
        for before, after in itertools.pairwise(asked)
        if before.outcome == "refusal" and after.benign
    ]


def _whole(talk: Talk) -> list[bool]:
    scripted = _scripted(talk)
    if any(row.outcome in ("failure", "missing") for row in talk) or not any(t[0].targets for t in scripted):
        return []
    return [all(turns[-1].verdict is Kind.EXACT for turns in scripted if turns[0].targets)]


def _first(talk: Talk) -> list[ResultRow]:
    return [row for row in talk if row.repair == 0 and _was_asked(row)]


def _scripted(talk: Talk) -> list[list[ResultRow]]:
    """The rows of each scripted turn, first answer first, repairs after."""
    found: dict[int, list[ResultRow]] = defaultdict(list)
    for row in talk:
        found[row.script].append(row)
    return [found[script] for script in sorted(found)]


def _was_asked(row: ResultRow) -> bool:
    return row.outcome in ("picture", "refusal")


def _over(talks: Sequence[Talk], cases: Callable[[Talk], Cases], level: float) -> Estimate:
    hits: dict[str, int] = defaultdict(int)
    sizes: dict[str, int] = defaultdict(int)
    for talk in talks:
        for case in cases(talk):
            hits[talk[0].prompt_id] += case
            sizes[talk[0].prompt_id] += 1
    return cluster_rate([hits[name] for name in sizes], list(sizes.values()), level)


def _unclear(talks: Sequence[Talk], level: float) -> Estimate:
    first = [row for talk in talks for row in _first(talk)]
    unclear = columns_of(first).are("R;").tolist() if first else []
    hits: dict[str, int] = defaultdict(int)
    sizes: dict[str, int] = defaultdict(int)
    for row, case in zip(first, unclear, strict=True):
        hits[row.prompt_id] += int(case)
        sizes[row.prompt_id] += 1
    return cluster_rate([hits[name] for name in sizes], list(sizes.values()), level)
