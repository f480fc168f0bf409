"""How often 95 % intervals hold the truth, on simulated generators and counters whose truth is known.

    python benchmarks/coverage.py            # everything; --tries 2000 by default
    python benchmarks/coverage.py --short    # what the tests run

Prompts differ in how hard they are (beta-distributed chances); repeats of a prompt share its chance. The true rate is
moved a little from try to try (±0.15 on the logit scale), since with few yes/no outcomes coverage at one exact rate says
more about which fractions exist than about the method.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from countcheck.metrics.power import Design, prompts_needed
from countcheck.stats.anytime import STAKES
from countcheck.stats.bootstrap import bootstrap, ratio
from countcheck.stats.intervals import cluster_rate, paired_difference, unpaired_difference
from countcheck.stats.prediction_powered import LabelSample, prediction_powered
from countcheck.stats.rogan_gladen import rogan_gladen

PROMPTS = (20, 50, 100, 500)
RATES = (0.02, 0.1, 0.3, 0.5, 0.9, 0.98)
REPEATS = (1, 2, 4, 8)
ICC = (0.1, 0.5)


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of a table: what was simulated, and the shares of tries in which each interval held the truth."""

    what: str
    covers: dict[str, float]
    width: float
    few: bool = False


def chances(rng: np.random.Generator, rate: float, icc: float, shape: tuple[int, ...]) -> np.ndarray:
    spread = (1 - icc) / icc
    return rng.beta(max(rate * spread, 1e-6), max((1 - rate) * spread, 1e-6), shape)


def moved(rng: np.random.Generator, rate: float) -> float:
    return float(1 / (1 + np.exp(-(np.log(rate / (1 - rate)) + rng.uniform(-0.15, 0.15)))))


def rates(tries: int, rng: np.random.Generator, grid: Iterator[tuple[int, float, int, float]]) -> Iterator[Cell]:
    """Single rates: clusters, beside what ignoring them would give."""
    for prompts, rate, repeats, icc in grid:
        inside = naive = drawn = 0
        width = 0.0
        for i in range(tries):
            truth = moved(rng, rate)
            hits = rng.binomial(repeats, chances(rng, truth, icc, (prompts,)))
            found = cluster_rate(hits, np.full(prompts, repeats))
            plain = cluster_rate(
                [1] * int(hits.sum()) + [0] * int(prompts * repeats - hits.sum()), [1] * (prompts * repeats)
            )
            if i % 10 == 0:
                again = bootstrap(
                    np.column_stack([hits, np.full(prompts, repeats)]), ratio, prompts * repeats, resamples=1000
                )
                drawn += again.low is not None and again.low <= truth <= again.high
            inside += found.low <= truth <= found.high
            naive += plain.low <= truth <= plain.high
            width += found.high - found.low
        yield Cell(
            f"rate {rate:4.2f}  {prompts:3d} prompts × {repeats}  icc {icc:.1f}",
            {
                "over prompts": inside / tries,
                "BCa bootstrap": drawn / -(-tries // 10),
                "as if independent": naive / tries,
            },
            width / tries,
            few=prompts * min(rate, 1 - rate) < 5,
        )


def differences(tries: int, rng: np.random.Generator, grid: Iterator[tuple[int, float, int, float]]) -> Iterator[Cell]:
    """Paired differences: the second generator is right 0.8 times as often as the first on every prompt, or as often."""
    for prompts, rate, repeats, icc in grid:
        for keep in (1.0, 0.8):
            inside = apart = 0
            width = 0.0
            for _ in range(tries):
                truth = moved(rng, rate)
                chance = chances(rng, truth, icc, (prompts,))
                a, b = rng.binomial(repeats, chance), rng.binomial(repeats, chance * keep)
                size = np.full(prompts, float(repeats))
                found = paired_difference(b - a, size)
                loose = unpaired_difference(cluster_rate(a, size), cluster_rate(b, size))
                gap = truth * (keep - 1)
                inside += found.low <= gap <= found.high
                apart += loose.low <= gap <= loose.high
                width += found.high - found.low
            yield Cell(
                f"{rate:4.2f} → {rate * keep:4.2f}  {prompts:3d} prompts × {repeats}  icc {icc:.1f}",
                {"paired": inside / tries, "unpaired": apart / tries},
                width / tries,
                few=prompts * min(rate, 1 - rate) < 5,
            )


def corrections(tries: int, rng: np.random.Generator, grid: Iterator[tuple[int, float, int, int]]) -> Iterator[Cell]:
    """A counter that finds 85 % of the exact pictures and lets 20 % of the others pass."""
    for prompts, rate, repeats, labels in grid:
        powered_in = gladen_in = raw_in = used = 0
        width = 0.0
        for _ in range(tries):
            truth = moved(rng, rate)
            y = (rng.random((prompts, repeats)) < chances(rng, truth, 0.3, (prompts, 1))).ravel()
            said = np.where(y, rng.random(y.shape) < 0.85, rng.random(y.shape) < 0.2)
            prompt = np.repeat(np.arange(prompts), repeats)
            parts = [np.flatnonzero(said == v) for v in (False, True)]
            if min(map(len, parts)) == 0:
                continue
            used += 1
            chosen = np.sort(np.concatenate([rng.choice(p, min(len(p), labels // 2), replace=False) for p in parts]))
            sample = LabelSample(cluster=prompt, stratum=said.astype(np.int64), labelled=chosen)
            found = prediction_powered(sample, said, y[chosen], np.ones(len(y)))
            raw = cluster_rate(np.bincount(prompt, weights=said), np.bincount(prompt))
            # Rogan and Gladen need error rates of pictures chosen by truth: as many, from elsewhere.
            half = labels // 2
            gladen = rogan_gladen(raw, (int(rng.binomial(half, 0.85)), half), (int(rng.binomial(half, 0.8)), half))
            powered_in += found.low <= truth <= found.high
            raw_in += raw.low <= truth <= raw.high
            gladen_in += gladen.value is not None and gladen.low <= truth <= gladen.high
            width += found.high - found.low
        yield Cell(
            f"rate {rate:4.2f}  {prompts:3d} prompts × {repeats}  {labels} labels",
            {"prediction-powered": powered_in / used, "Rogan-Gladen": gladen_in / used, "uncorrected": raw_in / used},
            width / used,
            few=prompts * min(rate, 1 - rate) < 5,
        )


def false_alarms(tries: int, rng: np.random.Generator, prompts: int = 500) -> Iterator[Cell]:
    """A look after every prompt, the truth on the bound: how often either bound is ever crossed."""
    for rate in (0.1, 0.5, 0.9):
        values = (rng.random((tries, prompts)) < rate).astype(float)
        alarms = np.zeros(tries, bool)
        peeks = np.zeros(tries, bool)
        for sign in (values, 1 - values):
            mean = rate if sign is values else 1 - rate
            logs = np.zeros((tries, len(STAKES)))
            for n in range(prompts):
                logs += np.log(1 - STAKES + STAKES * sign[:, [n]] / mean)
                top = logs.max(1)
                alarms |= top + np.log(np.exp(logs - top[:, None]).mean(1)) >= np.log(2 / 0.05)
        hits = values.cumsum(1)
        for n in range(9, prompts):
            share = hits[:, n] / (n + 1)
            error = np.sqrt(rate * (1 - rate) / (n + 1))
            peeks |= np.abs(share - rate) > 1.96 * error
        yield Cell(
            f"rate {rate:4.2f}  a look after each of {prompts} prompts",
            {"anytime-valid": float(alarms.mean()), "a plain 95 % interval": float(peeks.mean())},
            0.0,
        )


def promised_power(tries: int, rng: np.random.Generator) -> Iterator[Cell]:
    """Power as promised by `countcheck power`, and as it came out."""
    for rate, icc, repeats, loss in (
        (0.7, 0.5, 1, 0.05),
        (0.7, 0.3, 4, 0.05),
        (0.9, 0.5, 2, 0.04),
        (0.5, 0.7, 2, 0.06),
    ):
        need = prompts_needed(Design(rate=rate, icc=icc), repeats, loss)
        seen = 0
        for _ in range(tries):
            chance = chances(rng, rate, icc, (need.prompts,))
            a, b = rng.binomial(repeats, chance), rng.binomial(repeats, chance * (rate - loss) / rate)
            size = np.full(need.prompts, float(repeats))
            found = paired_difference(b - a, size)
            seen += not found.low <= 0 <= found.high
        yield Cell(
            f"{rate:4.2f} − {loss:4.2f}  {need.prompts:4d} prompts × {repeats}  icc {icc:.1f}",
            {"promised": need.power, "seen": seen / tries},
            0.0,
        )


def show(title: str, cells: Iterator[Cell]) -> list[Cell]:
    print(f"\n{title}")
    found = []
    for cell in cells:
        shares = "   ".join(f"{name} {100 * share:5.1f} %" for name, share in cell.covers.items())
        width = f"   width {cell.width:.3f}" if cell.width else ""
        print(f"  {cell.what:46s} {shares}{width}{'   few events' if cell.few else ''}", flush=True)
        found.append(cell)
    return found


def verdict(name: str, cells: list[Cell], kind: str) -> None:
    """The range of one kind of interval, apart for cells in which the rarer answer is expected on under five prompts."""
    for few in (False, True):
        shares = [cell.covers[kind] for cell in cells if cell.few is few]
        if shares:
            where = "fewer than 5 prompts with the rarer answer" if few else "otherwise"
            print(
                f"  {name}, {where}: {100 * min(shares):.1f} to {100 * max(shares):.1f} %, "
                f"mean {100 * float(np.mean(shares)):.1f} %, {len(shares)} cells"
            )


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--tries", type=int, default=2000)
    asked.add_argument("--seed", type=int, default=20261122)
    asked.add_argument("--short", action="store_true", help="a few cells and 300 tries")
    options = asked.parse_args()
    tries = 300 if options.short else options.tries
    rng = np.random.default_rng(options.seed)
    prompts, repeats = ((20, 100), (1, 4)) if options.short else (PROMPTS, REPEATS)
    shares = (0.02, 0.3, 0.9) if options.short else RATES
    grid = [
        (n, rate, m, icc) for n in prompts for rate in shares for m in repeats for icc in (ICC if m > 1 else ICC[:1])
    ]
    single = show("Single rates", rates(tries, rng, iter(grid)))
    gaps = show("Differences of two generators", differences(tries, rng, iter(grid)))
    labelled = [(n, rate, m, k) for n in prompts for rate in shares for m in repeats[::3] or (1,) for k in (40, 200)]
    labelled = [(n, rate, m, k) for n, rate, m, k in labelled if k <= n * m]
    fixed = show("Rates through an erring counter", corrections(tries, rng, iter(labelled)))
    show("False alarms of a sequential look (5 % allowed)", false_alarms(tries, rng, 200 if options.short else 500))
    show("Power", promised_power(min(tries, 1000), rng))
    print("\nCoverage of 95 % intervals")
    verdict("single rates", single, "over prompts")
    verdict("single rates by BCa bootstrap", single, "BCa bootstrap")
    verdict("single rates as if independent", single, "as if independent")
    verdict("paired differences", gaps, "paired")
    verdict("corrected, prediction-powered", fixed, "prediction-powered")
    verdict("corrected, Rogan-Gladen", fixed, "Rogan-Gladen")
    verdict("uncorrected", fixed, "uncorrected")


if __name__ == "__main__":
    main()
