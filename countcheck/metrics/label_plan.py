"""Which pictures to label next, and what that would do to the interval of the exact rate.

Strata are what the counter says: exact, not exact, uncertain, for each generator. Labels go where they teach most: in
proportion to the number of pictures times the spread of the truth among them (Neyman 1934). Within a stratum pictures are
labelled in a fixed random order, so every picture of a stratum has the same known chance of being among the labelled ones,
and corrected rates stay unbiased (`countcheck.metrics.label_correction`).
"""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from countcheck.counting.verdict import Kind
from countcheck.metrics.label_correction import MIN_LABELS, ground_truths
from countcheck.stats.distributions import z_quantile
from countcheck.stats.estimate import Estimate
from countcheck.storage.result_table import PICTURE, REFUSAL, Results, ResultTable, first_seen, table_of
from countcheck.storage.rows import Label, ResultRow

SECONDS_PER_COUNT = 9.0
"""Seconds that a person takes to count one noun in one picture, in the review page."""
MIN_OF_STRATUM = 3
"""Labels that every stratum gets first, however small it is."""
MAX_PLAN = 300
"""Most pictures that are asked for at once."""
STEP = 10
MIN_GAIN = 0.9
"""A plan is worth giving when the half interval would shrink to this share of what it is, or less."""

_EXPECTED = {"exact": 0.9, "not exact": 0.1, "uncertain": 0.5}
"""Share of truly exact pictures in a stratum, before anything is labelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPlan:
    """The labels that would most reduce the uncertainty of the exact rate.

    Attributes:
        pictures: How many to label, 1 or more.
        seconds: How long that takes, about.
        half_width: What half the 95 % interval of the corrected exact rate would become, 0 to 1, of the generator that is
            least sure then.
        half_width_now: What it is now; ``None`` while nothing corrects the counter's errors.
    """

    pictures: int
    seconds: float
    half_width: float
    half_width_now: float | None

    def command(self, run: str) -> str:
        """Return the command that asks for these labels."""
        return f"countcheck review {shlex.quote(run)} --sample {self.pictures}"

    def to_json(self, run: str) -> dict[str, Any]:
        """Return the published shape."""
        return {
            "pictures": self.pictures,
            "seconds": self.seconds,
            "half_width": self.half_width,
            "half_width_now": self.half_width_now,
            "command": self.command(run),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> LabelPlan:
        """Read what `to_json` wrote. Raises ``KeyError``, ``TypeError`` or ``ValueError`` when it is something else."""
        now = body["half_width_now"]
        return cls(
            pictures=int(body["pictures"]),
            seconds=float(body["seconds"]),
            half_width=float(body["half_width"]),
            half_width_now=None if now is None else float(now),
        )


def stratum_of(row: ResultRow) -> str:
    """Return the stratum of a picture: what the counter says of it, and its generator.

    >>> stratum_of(ResultRow(key="1", generator="g", prompt_id="p", repeat=0, seed=0, text="", outcome="picture",
    ...                      verdict=Kind.EXACT))
    'g / exact'
    """
    return _stratum(row.generator, row.verdict)


def sampling_order(sizes: Mapping[str, float], labelled: Mapping[str, int] | None = None) -> Iterator[str]:
    """Yield the strata in the order in which their pictures should be labelled, until all are.

    Args:
        sizes: Number of pictures of each stratum.
        labelled: Number of these that carry a label already.

    >>> from itertools import islice
    >>> Counter(islice(sampling_order({"g / exact": 80, "g / not exact": 20}), 20))
    Counter({'g / exact': 16, 'g / not exact': 4})
    """
    taken = {name: (labelled or {}).get(name, 0) for name in sizes}
    weights = {name: size * _spread(name) for name, size in sizes.items()}
    while True:
        left = [name for name, size in sizes.items() if taken[name] < size]
        if not left:
            return
        few = [name for name in left if taken[name] < MIN_OF_STRATUM]
        name = (
            min(few, key=lambda name: taken[name]) if few else max(left, key=lambda name: weights[name] / taken[name])
        )
        taken[name] += 1
        yield name


def plan_labels(
    results: Results,
    exact_rates: Mapping[str, Estimate],
    corrected: Mapping[str, Estimate],
    labels: Sequence[Label] = (),
) -> LabelPlan | None:
    """Plan the labels after which the counter's errors add no more to the interval than the choice of prompts does.

    Args:
        results: Of prompts, of one run.
        exact_rates: Generator to the exact rate that the counter gives.
        corrected: Generator to the exact rate corrected by labels, where there is one.
        labels: Of the run.

    Returns:
        ``None`` when there is no picture left to label, or labels would not make the interval narrower.
    """
    table = table_of(results)
    outcome = table.outcome
    n_targets = table.by_place(lambda place: len(place.fields.targets), np.int64)
    pictures = table.drawn & (n_targets > 0) & (outcome == PICTURE)
    sizes = _stratum_sizes(table.take(pictures))
    if not sizes or not exact_rates:
        return None
    truths = ground_truths(table, labels) if labels else {}
    labelled: Counter[str] = Counter()
    exact: Counter[str] = Counter()
    for i, truth in truths.items():
        if truth.by_chance:
            stratum = _stratum(table.generators[table.generator[i]], table.endings[table.ending[i]].verdict)
            labelled[stratum] += 1
            exact[stratum] += truth.verdict is Kind.EXACT
    shares = {name: (exact[name] + 2 * _expected(name)) / (labelled[name] + 2) for name in sizes}
    scored = ((outcome == PICTURE) | (outcome == REFUSAL)) & (n_targets > 0)
    numbers = np.bincount(table.generator[scored], minlength=len(table.generators)).tolist()
    asked = dict(zip(table.generators, numbers, strict=True))
    now = _widest(corrected) if set(corrected) >= set(exact_rates) else None
    plan = _smallest(sizes, labelled, shares, asked, exact_rates)
    if plan is None or (now is not None and plan[1] > MIN_GAIN * now):
        return None
    n, half_width = plan
    nouns = int(n_targets[pictures].sum()) / int(pictures.sum())
    return LabelPlan(
        pictures=n,
        seconds=float(round(n * nouns * SECONDS_PER_COUNT)),
        half_width=half_width,
        half_width_now=now,
    )


def _stratum_sizes(pictures: ResultTable) -> Counter[str]:
    """Count the pictures of each stratum, the strata in the order in which their pictures begin."""
    codes, which = first_seen(pictures.generator.astype(np.int64) * len(pictures.endings) + pictures.ending)
    sizes: Counter[str] = Counter()
    for code, n in zip(codes.tolist(), np.bincount(which, minlength=len(codes)).tolist(), strict=True):
        generator, ending = divmod(code, len(pictures.endings))
        sizes[_stratum(pictures.generators[generator], pictures.endings[ending].verdict)] += n
    return sizes


def _smallest(
    sizes: Mapping[str, int],
    labelled: Mapping[str, int],
    shares: Mapping[str, float],
    asked: Mapping[str, int],
    exact_rates: Mapping[str, Estimate],
) -> tuple[int, float] | None:
    """Return the fewest new labels that are enough, and the half interval after them; ``None`` when none are left."""
    counts = Counter(labelled)
    best: tuple[int, float] | None = None
    least = max(STEP, MIN_LABELS * len(exact_rates) - sum(labelled.values()))
    for n, name in enumerate(sampling_order(sizes, labelled), 1):
        counts[name] += 1
        if n < least or n % STEP:
            continue
        widths = {}
        enough = True
        for generator, rate in exact_rates.items():
            prompts = _variance(rate)
            errors = _label_variance(generator, sizes, counts, shares, asked[generator])
            enough = enough and errors <= prompts
            widths[generator] = z_quantile(rate.level) * math.sqrt(prompts + errors)
        best = n, max(widths.values())
        if enough or n >= MAX_PLAN:
            break
    return best


def _variance(rate: Estimate) -> float:
    """Return the variance of a rate as its interval says."""
    if rate.low is None or rate.high is None:
        return 1.0
    return ((rate.high - rate.low) / 2 / z_quantile(rate.level)) ** 2


def _label_variance(
    generator: str, sizes: Mapping[str, int], counts: Mapping[str, int], shares: Mapping[str, float], asked: int
) -> float:
    """Return what labels of some pictures leave of the counter's errors (stratified sampling, Cochran 1977)."""
    total = 0.0
    for name, size in sizes.items():
        if _generator(name) == generator:
            n = max(counts[name], 0.5)
            total += (size / asked) ** 2 * shares[name] * (1 - shares[name]) / n * max(0.0, 1 - n / size)
    return total


def _widest(rates: Mapping[str, Estimate]) -> float | None:
    widths = [(rate.high - rate.low) / 2 for rate in rates.values() if rate.low is not None and rate.high is not None]
    return max(widths) if widths else None


def _stratum(generator: str, verdict: Kind | None) -> str:
    if verdict is Kind.UNCERTAIN:
        return f"uncertain / {generator}"
    return f"{generator} / {'exact' if verdict is Kind.EXACT else 'not exact'}"


def _generator(stratum: str) -> str:
    return stratum.removeprefix("uncertain / ") if stratum.startswith("uncertain / ") else stratum.rpartition(" / ")[0]


def _expected(stratum: str) -> float:
    return _EXPECTED["uncertain" if stratum.startswith("uncertain / ") else stratum.rpartition(" / ")[2]]


def _spread(stratum: str) -> float:
    return math.sqrt(_expected(stratum) * (1 - _expected(stratum)))
