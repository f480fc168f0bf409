"""Rates corrected for the counter's own errors, by what people counted in some of the pictures.

Labels drawn by chance from each part of a run (what the counter called exact, what it did not, what it was unsure of)
give prediction-powered estimates: the counter's verdict on every picture, plus the labelled pictures' mean error in each
part (Angelopoulos et al. 2023; with parts as strata it is the classical stratified difference estimator). A run that was
counted anew since has other parts than those the labels were drawn from: a label counts by the pictures it stands for
(Hajek 1971). Labels chosen by hand give the counter's hit rates instead, and with them the estimate of Rogan and Gladen
(1978). Either interval carries the chance in which prompts were asked and the chance in which pictures were labelled.
Always per generator, because a counter errs differently on each.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countcheck.counting.counts import Count
from countcheck.counting.verdict import Kind, judge
from countcheck.metrics.outcome_codes import KINDS, LETTERS
from countcheck.metrics.rates import RATES, Family, Unit, of_family
from countcheck.stats.estimate import Estimate, cluster_rate, nothing, t_of, wilson_interval, z_of
from countcheck.storage.rows import Label, ResultRow
from countcheck.suites.suite import Relation

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

ENOUGH = 10
"""Fewer labelled pictures of a generator than this correct nothing."""

UNSEEN = 0.05
"""Largest share of samples in parts of the run without any label; the interval is widened by it."""

_KINDS = {
    name: KINDS[LETTERS.index(RATES[name].hits)] for name in of_family(Family.OUTCOMES) if RATES[name].correctable
}
"""Correctable share to the verdict in its numerator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What people saw in one picture.

    Attributes:
        counts: Noun to number, agreed on.
        kind: The verdict by those numbers.
        by_chance: The picture was drawn for labelling by chance, not chosen.
        weight: How many pictures it stands for, of those it was drawn from.
    """

    counts: Mapping[str, int]
    kind: Kind
    by_chance: bool
    weight: float = 1.0


def truths_of(rows: Sequence[ResultRow], labels: Sequence[Label]) -> dict[int, Truth]:
    """Index of a row to what people saw there: rows of which every noun asked for has an agreed number.

    Several people's numbers for a noun are settled by majority; a tie, or "cannot tell", settles nothing.
    """
    told: dict[tuple[str, int], list[Label]] = defaultdict(list)
    weights: dict[str, float] = {}
    for label in labels:
        told[label.key, label.turn].append(label)
        # The more are labelled, the less each stands for: the least is the newest, and holds for all of its stratum.
        weights[label.stratum] = min(label.weight, weights.get(label.stratum, label.weight))
    found = {}
    for i, row in enumerate(rows):
        said = told.get((row.key, row.turn))
        if not said or row.outcome != "picture" or not row.targets:
            continue
        counts = _settled(said)
        if all(noun in counts for target in row.targets for noun in target.nouns):
            kind = judge(row.targets, Count(counts=counts, low=counts, high=counts)).kind
            strata = [label.stratum for label in said if label.stratum]
            weight = weights[strata[0]] if strata else 1.0
            found[i] = Truth(counts=counts, kind=kind, by_chance=bool(strata), weight=weight)
    return found


def _settled(labels: Sequence[Label]) -> dict[str, int]:
    by_noun: dict[str, Counter[int | None]] = defaultdict(Counter)
    for label in labels:
        by_noun[label.noun][label.count] += 1
    found = {}
    for noun, votes in by_noun.items():
        (first, most), *rest = votes.most_common(2)
        if first is not None and not (rest and rest[0][1] == most):
            found[noun] = first
    return found


def corrected_rates(
    rows: Sequence[ResultRow], labels: Sequence[Label], level: float = 0.95
) -> tuple[dict[str, Estimate], str]:
    """One generator's rates corrected by labels, and a sentence that says why not, or what to beware of; "" if nothing.

    Args:
        rows: Of prompts, of one generator, missing ones included.
        labels: Of the whole run.
        level: Confidence level.
    """
    asked = [row for row in rows if row.outcome in ("picture", "refusal") and row.targets]
    truths = truths_of(asked, labels)
    if not truths:
        return {}, ""
    name = asked[0].generator
    if len(truths) < ENOUGH:
        return {}, (
            f"{name}: {len(truths)} labelled pictures are too few to correct its rates; label at least {ENOUGH}, better 100."
        )
    chance = {i: truth for i, truth in truths.items() if truth.by_chance}
    if len(chance) >= ENOUGH:
        return _powered(asked, chance, level)
    by_hand = f"{name}: its labels were chosen by hand, so the correction is only as good as the choice was fair."
    found = {}
    for rate in ("exact_rate", "exact_rate_given_picture"):
        estimate = _rogan_gladen_of(asked, truths, rate, level)
        if estimate.value is not None:
            found[rate] = estimate
    return found, by_hand


# -- prediction-powered ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sampled:
    """A sample of labels over a run, ready for any quantity.

    Attributes:
        prompt: (n,) prompt of each sample.
        part: (n,) which part of the run it is in; -1 where nothing needs a label (refusals).
        labelled: Rows that carry a label.
        weight: (labelled,) how many pictures each stands for, to any scale; ``None``: all of a part for as many.
    """

    prompt: Ints
    part: Ints
    labelled: Ints
    weight: Floats | None = None


def _powered(rows: list[ResultRow], truths: Mapping[int, Truth], level: float) -> tuple[dict[str, Estimate], str]:
    prompts = {name: code for code, name in enumerate(dict.fromkeys(row.prompt_id for row in rows))}
    sampled = Sampled(
        prompt=np.array([prompts[row.prompt_id] for row in rows], np.int64),
        part=np.array([_part(row) for row in rows], np.int64),
        labelled=np.array(sorted(truths), np.int64),
        weight=np.array([truths[i].weight for i in sorted(truths)], np.float64),
    )
    unseen = np.setdiff1d(np.unique(sampled.part[sampled.part >= 0]), sampled.part[sampled.labelled])
    share = float(np.isin(sampled.part, unseen).mean())
    if share > UNSEEN:
        return {}, (
            f"{rows[0].generator}: no label among the {round(share * len(rows))} pictures of one verdict; "
            "label some of each before its rates can be corrected."
        )
    found = {}
    for rate, (counter, truth, of) in _quantities(rows, truths):
        estimate = powered(sampled, counter, truth, of, level, share=rate in _KINDS, unseen=share)
        if estimate.n:
            found[rate] = estimate
    return found, ""


def _part(row: ResultRow) -> int:
    if row.outcome == "refusal":
        return -1
    return 2 if row.verdict is Kind.UNCERTAIN else int(row.verdict is Kind.EXACT)


def _quantities(
    rows: list[ResultRow], truths: Mapping[int, Truth]
) -> Iterator[tuple[str, tuple[Floats, Floats, Floats]]]:
    """Rate to what the counter says of each row, what people say of the labelled ones, and its denominator."""
    picture = np.array([row.outcome == "picture" for row in rows], np.float64)
    order = sorted(truths)
    for rate, kind in _KINDS.items():
        counter = np.array([row.verdict is kind for row in rows], np.float64)
        truth = np.array([truths[i].kind is kind for i in order], np.float64)
        yield rate, (counter, truth, picture if rate.endswith("given_picture") else np.ones(len(rows)))
    for rate in of_family(Family.ERRORS):
        weighted = RATES[rate].unit is Unit.OBJECTS_PER_ASKED
        sums = [_off(row, row.counted, weighted) for row in rows]
        told = np.array([_off(rows[i], truths[i].counts, weighted)[0] for i in order], np.float64)
        yield rate, (np.array([s[0] for s in sums]), told, np.array([s[1] for s in sums], np.float64))


def _off(row: ResultRow, counts: Mapping[str, int], weighted: bool) -> tuple[float, int]:
    """Sum over the row's plainly numbered nouns of how far the counts are off, and how many nouns there are."""
    total, n = 0.0, 0
    for target in row.targets:
        asked = target.count or 0
        plain = target.relation in (Relation.EXACTLY, Relation.NONE) and target.noun in row.counted
        if not plain or target.noun not in counts or (weighted and asked == 0):
            continue
        total += abs(counts[target.noun] - asked) / (asked if weighted else 1)
        n += 1
    return total, n


def powered(
    sampled: Sampled,
    counter: ArrayLike,
    truth: ArrayLike,
    of: ArrayLike,
    level: float = 0.95,
    *,
    share: bool = True,
    unseen: float = 0.0,
) -> Estimate:
    """A ratio of sums over samples, the top corrected by labels.

    Args:
        sampled: Prompts, parts and which rows are labelled.
        counter: (n,) what the counter adds to the top.
        truth: (labelled,) what people add to it.
        of: (n,) what each sample adds to the bottom.
        level: Confidence level.
        share: The result is a share from 0 to 1; else a mean of 0 or more.
        unseen: Share of samples in parts without labels; widens the interval to either side.
    """
    f, y, d = np.asarray(counter, np.float64), np.asarray(truth, np.float64), np.asarray(of, np.float64)
    bottom, k = float(d.sum()), len(np.unique(sampled.prompt[d > 0]))
    if bottom == 0:
        return nothing("no outcomes", level=level)
    guess, residual, extra, on_labels = f.copy(), np.zeros(len(f)), 0.0, 0.0
    label_part = sampled.part[sampled.labelled]
    weights = np.ones(len(sampled.labelled)) if sampled.weight is None else sampled.weight
    for part in np.unique(label_part):
        inside, mine = sampled.part == part, label_part == part
        rows, size = sampled.labelled[mine], float(inside.sum())
        stake = weights[mine] / weights[mine].sum()
        n = 1 / float((stake * stake).sum())  # labels that weigh alike, of which as much would be learnt
        off = y[mine] - f[rows]
        mean = float(stake @ off)
        guess[inside] += mean
        residual[rows] += (off - mean) * size * stake
        seen = float(stake @ (off - mean) ** 2)
        variance = _spread(off, mean, seen, n, share)
        extra += size * size * max(0.0, variance - seen) / n / bottom**2
        on_labels += (size * size * variance / n / bottom**2) ** 2 / max(n - 1, 1)
    value = float(guess.sum()) / bottom
    # What a prompt adds, and the labels' scatter in it: the chance of the prompts and of the labels at once.
    u = np.bincount(sampled.prompt, weights=guess - value * d + residual)
    total = float((u * u).sum()) * k / max(k - 1, 1) / bottom**2 + extra
    prompts = np.bincount(sampled.prompt, weights=guess - value * d)
    steady = (float((prompts * prompts).sum()) / bottom**2) ** 2 / max(k - 1, 1)
    df = total**2 / (steady + on_labels) if total > 0 else 1e9
    low, high = _ends(min(max(value, 0.0), 1.0) if share else max(value, 0.0), total, df, bottom, level, share)
    return Estimate(
        value=min(max(value, 0.0), 1.0) if share else max(value, 0.0),
        low=max(0.0, low - unseen),
        high=min(1.0, high + unseen) if share else high,
        level=level,
        n=round(bottom),
        clusters=k,
        method=f"prediction-powered, {len(sampled.labelled)} labels",
    )


def _spread(off: Floats, mean: float, seen: float, n: float, share: bool) -> float:
    """Variance of the labelled differences, never quite 0: a quarter of a label of either kind is imagined."""
    if share:
        low = -1.0 if off.min(initial=0) < 0 else 0.0
        p = ((mean - low) * n + 0.25) / (n + 0.5)
        return max(p * (1 - p), seen)  # a part may err both ways, and scatters more then than yes and no can
    spread = seen * n / (n - 1) if n > 1 + 1e-9 else 0.0
    return max(spread, 0.25 / (n + 0.5))


def _ends(value: float, variance: float, df: float, n: float, level: float, share: bool) -> tuple[float, float]:
    t = t_of(level, max(df, 3.0))
    if share:
        inner = min(max(value, 0.5 / n), 1 - 0.5 / n)
        effective = min(n, inner * (1 - inner) / variance) if variance > 0 else n
        return wilson_interval(value, max(effective, 1.0), t)
    half = t * math.sqrt(variance) / value if value > 0 else math.inf
    if half > 2:  # on a log scale an error that dwarfs the value would reach to the stars
        return 0.0, value + t * math.sqrt(variance)
    return value * math.exp(-half), value * math.exp(half)


# -- Rogan and Gladen --------------------------------------------------------------------------------------------


def _rogan_gladen_of(rows: list[ResultRow], truths: Mapping[int, Truth], rate: str, level: float) -> Estimate:
    """The share of exact pictures by the counter's hit rates; over pictures, then scaled to what was asked."""
    said = [(rows[i].verdict is Kind.EXACT, truth.kind is Kind.EXACT) for i, truth in truths.items()]
    right = [s for s, t in said if t]
    wrong = [not s for s, t in said if not t]
    if not right or not wrong:
        return nothing("labels show only one verdict", level=level)
    hits: dict[str, int] = defaultdict(int)
    sizes: dict[str, int] = defaultdict(int)
    for row in rows:
        if row.outcome == "picture":
            hits[row.prompt_id] += row.verdict is Kind.EXACT
            sizes[row.prompt_id] += 1
    apparent = cluster_rate([hits[p] for p in sizes], list(sizes.values()), level)
    found = rogan_gladen(apparent, (sum(right), len(right)), (sum(wrong), len(wrong)))
    if rate == "exact_rate_given_picture" or found.value is None or found.low is None or found.high is None:
        return found
    drawn = sum(sizes.values()) / len(rows)
    return Estimate(
        value=found.value * drawn,
        low=found.low * drawn,
        high=found.high * drawn,
        level=level,
        n=len(rows),
        clusters=found.clusters,
        method=found.method,
    )


def rogan_gladen(apparent: Estimate, found: tuple[int, int], spared: tuple[int, int]) -> Estimate:
    """A share seen through an erring counter, corrected by how often it errs (Rogan and Gladen 1978).

    The interval is that of Lang and Reiczigel (2014), which keeps its level with error rates from few labels; here at
    the effective number of outcomes, so that repeats count for what they are worth.

    Args:
        apparent: The share that the counter sees.
        found: Of the truly positive: those it called so, and all of them.
        spared: Of the truly negative: those it called so, and all of them.
    """
    if apparent.value is None:
        return apparent
    z, level = z_of(apparent.level), apparent.level
    n = apparent.n / (apparent.design_effect or 1.0)
    plain = found[0] / found[1] + spared[0] / spared[1] - 1
    if plain <= 0.05:
        return nothing(
            "the counter hardly tells right from wrong", level=level, n=apparent.n, clusters=apparent.clusters
        )
    value = (apparent.value + spared[0] / spared[1] - 1) / plain
    n_se, n_sp = found[1] + 2, spared[1] + 2
    se, sp = (found[0] + 1) / n_se, (spared[0] + 1) / n_sp
    p = (n * apparent.value + z * z / 2) / (n + z * z)
    inner = min(max((p + sp - 1) / (se + sp - 1), 0.0), 1.0)
    shift = 2 * z * z * (inner * se * (1 - se) / n_se - (1 - inner) * sp * (1 - sp) / n_sp)
    variance = (
        p * (1 - p) / (n + z * z)
        + inner * inner * se * (1 - se) / n_se
        + (1 - inner) * (1 - inner) * sp * (1 - sp) / n_sp
    )
    half = z * math.sqrt(variance) / (se + sp - 1)
    centre = inner + shift
    value = min(max(value, 0.0), 1.0)
    return Estimate(
        value=value,
        low=max(0.0, min(centre - half, value)),
        high=min(1.0, max(centre + half, value)),
        level=level,
        n=apparent.n,
        clusters=apparent.clusters,
        method=f"Rogan-Gladen, {found[1] + spared[1]} labels",
    )
