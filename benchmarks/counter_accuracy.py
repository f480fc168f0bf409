"""How often counters count pictures of known content rightly, style by style, plainly and with the measures for styles.

    python benchmarks/counter_accuracy.py FOLDER -d tiny -d owlv2 -d path/to/file.py:Class --styles noir,noir-rain

FOLDER holds pictures and ``labels.json``: [{"file": NAME, "counts": {NOUN: NUMBER}}, ...], or ``labels.csv`` with the
columns file, noun, count. Styles are drawn over the pictures; they keep what there is to count.

*As it is* is the counter with its own rule. *With measures* are the threshold, the share of the best score, the lead
that nouns nobody asked for need, the looks and the way they are fused that count best on all pictures but one in all styles together, tried on that one (leave one
picture out): what a user gets who calibrates on labels. *Four exposures* takes the same four views of every picture, as it is
and lifted, each also mirrored, and chooses all else so. What makes a count uncertain (margin, score of
zero doubt, largest certain number, another view's own count) is chosen likewise: what catches most wrong counts at the price of at
most 15 % of the right ones. *Doubted by probability* is the same counts, uncertain where the probability of being right, fitted
to all other pictures, is under the bound that flags at most 10 % of the right counts among these. Intervals are of 95 %, over
pictures.

What labels say nothing of, they cannot price: with ``--absent`` every noun of the folder that a picture has no label for
is taken for absent there, and the share of such nouns of which something is counted is printed, too.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from machine import machine

from countcheck.calibration.confidence import bound_of, fitted_columns
from countcheck.counting.counter import Counter, load_counter
from countcheck.counting.counts import Count
from countcheck.counting.probability import features_of
from countcheck.counting.queries import query_map, renamed_nouns
from countcheck.counting.rule import CountingRule, count
from countcheck.detectors.base import Detections
from countcheck.detectors.common.views import cost, detect_views, fused
from countcheck.images.convert import as_rgb
from countcheck.images.decode import read_picture
from countcheck.scenes import apply_style
from countcheck.stats.intervals import cluster_rate
from countcheck.stats.logistic import fit_logistic
from countcheck.suites.suite import Noun

EXPOSURES = ("as_is", "flip", "bright", "bright+flip")
LOOKS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("as_is",), "mean"),
    (("as_is", "flip"), "mean"),
    (("as_is", "light"), "mean"),
    (("as_is", "flip", "light"), "mean"),
    (("as_is", "light", "calm"), "best"),
    (("as_is", "flip", "light", "calm"), "mean"),
    (EXPOSURES, "mean"),
)
SHARES = (0.0, 0.4)
LEADS = (1.0, 2.0)
THRESHOLDS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
OPINIONS = ("contrast", "flip")
PRICE = 0.15
NAMES = ("as it is", "with measures", "four exposures")


class Labelled(NamedTuple):
    picture: Any
    counts: dict[str, int]
    absent: dict[str, int]


class Told(NamedTuple):
    """One noun of one picture: what there is, what was counted, and whether the counter was sure."""

    picture: int
    truth: int
    counted: int
    uncertain: bool
    noun: str


@dataclass(frozen=True, slots=True)
class Measure:
    views: tuple[str, ...]
    fusion: str
    relative_threshold: float
    distractor_score_ratio: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Doubt:
    """When a count is uncertain: the margin, as shares of the threshold, and what else the rule doubts."""

    above: float
    below: float
    zero_doubt_score: float
    max_certain_count: int | None
    opinion: str


def read_labels(folder: Path, *, absent: bool = False) -> list[Labelled]:
    table = folder / "labels.csv"
    if table.is_file():
        counts: dict[str, dict[str, int]] = defaultdict(dict)
        with table.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                counts[row["file"]][row["noun"]] = int(row["count"])
    else:
        rows = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        counts = {row["file"]: row["counts"] for row in rows}
    nouns = sorted({noun for found in counts.values() for noun in found}) if absent else []
    return [
        Labelled(as_rgb(read_picture(folder / name)), dict(found), {noun: 0 for noun in nouns if noun not in found})
        for name, found in sorted(counts.items())
    ]


class Seen:
    """Everything a counter saw of the pictures in one style, look by look: looked at once, judged many times."""

    def __init__(self, counter: Counter, labelled: Sequence[Labelled], style: str, views: Sequence[str]) -> None:
        self.rule = counter.rule
        self.labelled = labelled
        self.by_view: dict[str, list[Detections]] = {view: [] for view in views}
        for k, one in enumerate(labelled):
            picture = one.picture if style == "plain" else apply_style(one.picture, style, k)
            book = query_map([Noun(name=noun) for noun in (*one.counts, *one.absent)], counter.vocabulary)
            for view, found in zip(
                views, detect_views(counter.detector, [picture], book.queries, views)[0], strict=True
            ):
                self.by_view[view].append(renamed_nouns(found, book))
        self._fused: dict[tuple[tuple[str, ...], str], list[Detections]] = {}
        self._counts: dict[tuple[Any, ...], Count] = {}
        self._by_opinion: dict[tuple[Any, ...], Mapping[str, int]] = {}

    def detections(self, views: tuple[str, ...], fusion: str) -> list[Detections]:
        if (views, fusion) not in self._fused:
            several = zip(*(self.by_view[view] for view in views), strict=True)
            self._fused[views, fusion] = [fused(list(one), how=fusion, place="benchmark") for one in several]
        return self._fused[views, fusion]

    def told(
        self,
        k: int,
        measure: Measure | None,
        style: str,
        doubt: Doubt | None = None,
        nouns: Mapping[str, int] | None = None,
    ) -> list[Told]:
        found, rule = self._found_and_rule(k, measure)
        nouns = self.labelled[k].counts if nouns is None else nouns
        counted = self._counted(k, measure, style, rule, found, tuple(nouns), doubt)
        return [
            Told(k, n, number, uncertain, noun)
            for noun, n in nouns.items()
            if noun in counted
            for number, uncertain in [counted[noun]]
        ]

    def _found_and_rule(self, k: int, measure: Measure | None) -> tuple[Detections, CountingRule]:
        if measure is None:
            return self.by_view["as_is"][k], self.rule
        rule = replace(
            self.rule,
            threshold=measure.threshold,
            relative_threshold=measure.relative_threshold,
            distractor_score_ratio=measure.distractor_score_ratio,
            by_style={},
            floor=0.02,
        )
        return self.detections(measure.views, measure.fusion)[k], rule

    def features(self, k: int, measure: Measure | None, style: str) -> list[tuple[float, ...]]:
        """Features of the probability that a count is right, one row for what `told` tells of each noun.

        The views that `EXPOSURES` names count for themselves, as ``opinions=as_is,flip,bright,bright+flip`` lets them.
        """
        found, rule = self._found_and_rule(k, measure)
        told = self.told(k, measure, style)
        nouns = tuple(self.labelled[k].counts)
        others = [self._opinions(k, measure, style, rule, nouns, view) for view in EXPOSURES if view in self.by_view]
        heard = replace(found, opinions={each.noun: tuple(one[each.noun] for one in others) for each in told})
        return [
            features_of(
                heard,
                one.noun,
                one.counted,
                threshold=rule.threshold_for(one.noun, style),
                relative_threshold=rule.relative_threshold,
            )
            for one in told
        ]

    def _counted(
        self,
        k: int,
        measure: Measure | None,
        style: str,
        rule: CountingRule,
        found: Detections,
        nouns: tuple[str, ...],
        doubt: Doubt | None,
    ) -> dict[str, tuple[int, bool]]:
        """Noun to number and whether it is uncertain.

        What a margin and a score of zero doubt give is counted once; the largest certain number and another view's
        opinion only widen its range, as `countcheck.counting.rule.count` does.
        """
        margins = (doubt.above, doubt.below, doubt.zero_doubt_score) if doubt is not None else (0.0, 0.0, 1.0)
        key = (k, measure, nouns, *margins)
        if key not in self._counts:
            base = rule.threshold_for("", style)
            above, below, zero = margins
            if doubt is not None:
                rule = replace(rule, margin=base * above, margin_below=base * below, zero_doubt_score=zero)
                rule = replace(rule, max_certain_count=None)
            self._counts[key] = count(found, nouns, rule, style=style)
        counted = self._counts[key]
        opinions = self._opinions(k, measure, style, rule, nouns, doubt.opinion) if doubt and doubt.opinion else {}
        result = {}
        for noun, number in counted.counts.items():
            numbers = {counted.low[noun], counted.high[noun], opinions.get(noun, number)}
            large = doubt is not None and doubt.max_certain_count is not None and number > doubt.max_certain_count
            result[noun] = (number, large or len(numbers) > 1)
        return result

    def _opinions(
        self, k: int, measure: Measure | None, style: str, rule: CountingRule, nouns: tuple[str, ...], view: str
    ) -> Mapping[str, int]:
        """What another view counts under the same rule."""
        key = (k, measure, nouns, view)
        if key not in self._by_opinion:
            plain = replace(rule, margin=0.0, margin_below=0.0, zero_doubt_score=1.0, max_certain_count=None)
            self._by_opinion[key] = count(self.by_view[view][k], nouns, plain, style=style).counts
        return self._by_opinion[key]


def exact(told: Sequence[Told]) -> int:
    return sum(one.truth == one.counted for one in told)


def with_measures(
    seen: dict[str, Seen], views: Sequence[str], looks: Sequence[tuple[tuple[str, ...], str]] = LOOKS
) -> list[Measure]:
    """For every picture the measure that does best on all others, in all styles together."""
    candidates = [
        Measure(names, fusion, relative_threshold, lead, threshold)
        for names, fusion in looks
        if set(names) <= set(views)
        for relative_threshold in SHARES
        for lead in LEADS
        for threshold in THRESHOLDS
    ]
    pictures = range(len(next(iter(seen.values())).labelled))
    right = np.array(
        [[sum(exact(one.told(k, what, style)) for style, one in seen.items()) for k in pictures] for what in candidates]
    )
    # Neighbouring thresholds vote too: the middle of a plateau holds better than its edge.
    smooth = right + 0.25 * _neighbours(right, len(THRESHOLDS))
    prices = np.array([cost(one.views) for one in candidates])
    return [candidates[int((smooth.sum(axis=1) - smooth[:, k] - 1e-3 * prices).argmax())] for k in pictures]


def _neighbours(right: np.ndarray, width: int) -> np.ndarray:
    blocks = right.reshape(-1, width, right.shape[1])
    padded = np.pad(blocks, ((0, 0), (1, 1), (0, 0)), mode="edge")
    return (padded[:, :-2] + padded[:, 2:]).reshape(right.shape)


def with_doubt(
    seen: dict[str, Seen], chosen: Sequence[Measure | None]
) -> tuple[dict[str, list[Told]], dict[str, list[Told]]]:
    """What is told of every picture in every style, with the doubt that does best on all others; of absent nouns, too."""
    views = next(iter(seen.values())).by_view
    doubts = [
        Doubt(above, below, zero_doubt_score, max_certain_count, opinion)
        for opinion in ("", *(view for view in OPINIONS if view in views))
        for above in (0.0, 0.2, 0.5)
        for below in (0.0, 0.2, 0.5)
        for zero_doubt_score in (1.0, 0.15, 0.1, 0.06, 0.03)
        for max_certain_count in (None, 2, 3, 5)
    ]
    pictures = range(len(next(iter(seen.values())).labelled))
    told = {
        style: [[one.told(k, chosen[k], style, doubt) for k in pictures] for doubt in doubts]
        for style, one in seen.items()
    }
    out: dict[str, list[Told]] = {style: [] for style in seen}
    absent: dict[str, list[Told]] = {style: [] for style in seen}
    for k in pictures:
        others = [
            [t for by_doubt in told.values() for j in pictures if j != k for t in by_doubt[d][j]]
            for d in range(len(doubts))
        ]
        best = max(range(len(doubts)), key=lambda d: _worth(others[d]))
        for style in seen:
            out[style] += told[style][best][k]
            absent[style] += seen[style].told(k, chosen[k], style, doubts[best], seen[style].labelled[k].absent)
    return out, absent


def with_probability(seen: dict[str, Seen], chosen: Sequence[Measure | None]) -> list[Told]:
    """What is told of all pictures, uncertain where the probability of being right, fitted to all others, is low.

    The bound is chosen without the picture, too: on probabilities of each other picture, fitted to the rest of them.
    """
    pictures = range(len(next(iter(seen.values())).labelled))
    told = [one for style, some in seen.items() for k in pictures for one in some.told(k, chosen[k], style)]
    rows = [row for style, some in seen.items() for k in pictures for row in some.features(k, chosen[k], style)]
    features, of = fitted_columns(rows), np.array([one.picture for one in told])
    right = np.array([one.truth == one.counted for one in told])

    def held_out(among: np.ndarray, k: int) -> np.ndarray:
        train = among & (of != k)
        return fit_logistic(features[train], right[train]).probability(features[among & (of == k)])

    out = []
    for k in pictures:
        others = of != k
        probabilities = np.zeros(len(told))
        for j in pictures:
            if j != k:
                probabilities[others & (of == j)] = held_out(others, j)
        bound = bound_of(probabilities[others], right[others])
        own = held_out(np.ones(len(told), np.bool_), k)
        mine = [one for one in told if one.picture == k]
        out += [one._replace(uncertain=bool(p < bound)) for one, p in zip(mine, own, strict=True)]
    return out


def _worth(told: Sequence[Told]) -> tuple[bool, float]:
    wrong = [one.uncertain for one in told if one.truth != one.counted]
    right = [one.uncertain for one in told if one.truth == one.counted]
    price = sum(right) / max(len(right), 1)
    return (price <= PRICE, sum(wrong) / max(len(wrong), 1) if price <= PRICE else -price)


def share(told: Sequence[Told], holds: Callable[[Told], bool]) -> str:
    """The share with its interval over pictures: counts of one picture, in whatever styles, are not independent."""
    if not told:
        return "-"
    pictures = np.array([one.picture for one in told])
    found = cluster_rate(np.bincount(pictures, weights=[holds(one) for one in told]), np.bincount(pictures))
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def line(told: Sequence[Told]) -> list[str]:
    wrong = [one for one in told if one.truth != one.counted]
    right = [one for one in told if one.truth == one.counted]
    error = sum(abs(one.truth - one.counted) for one in told) / max(len(told), 1)
    return [
        share(told, lambda one: one.truth == one.counted),
        f"{error:.2f}",
        str(sum(one.counted > one.truth for one in told)),
        str(sum(one.counted < one.truth for one in told)),
        doubted(wrong),
        doubted(right),
    ]


def doubted(told: Sequence[Told]) -> str:
    """How many of these counts are uncertain, with the interval of their share over pictures."""
    _, _, interval = share(told, lambda one: one.uncertain).partition(" ")
    return f"{sum(one.uncertain for one in told)}/{len(told)} {interval}".rstrip()


def by_number(told: Sequence[Told]) -> str:
    groups: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        groups[str(one.truth) if one.truth < 5 else "5+"].append(one)
    return ", ".join(f"{number}: {exact(some)}/{len(some)}" for number, some in sorted(groups.items()))


def report(spec: str, seen: dict[str, Seen]) -> dict[str, Any]:
    """Print what came out for one counter; the same as plain JSON values."""
    views = tuple(next(iter(seen.values())).by_view)
    measures = with_measures(seen, views)
    fixed = with_measures(seen, views, [(EXPOSURES, "mean")]) if set(EXPOSURES) <= set(views) else measures
    chosen: dict[str, Sequence[Measure | None]] = dict(
        zip(NAMES, ([None] * len(measures), measures, fixed), strict=True)
    )
    results = {name: with_doubt(seen, some) for name, some in chosen.items()}
    rows = [
        [
            "style",
            "",
            "exact [95 %]",
            "MAE",
            "over",
            "under",
            "wrong caught [95 %]",
            "right doubted [95 %]",
            "by number",
        ]
    ]
    for style in seen:
        for name, (told, _) in results.items():
            rows.append(["" if name != NAMES[0] else style, name, *line(told[style]), by_number(told[style])])
    for name, (told, _) in results.items():
        every = [one for some in told.values() for one in some]
        rows.append(["all", name, *line(every), by_number(every)])
    for name, some in chosen.items():
        rows.append(["", f"{name}, doubted by probability", *line(with_probability(seen, some)), ""])
    print(f"\n{spec}")
    _print(rows)
    _print_losses({name: told for name, (told, _) in results.items()})
    common = max(set(measures), key=measures.count)
    print(
        f"most often: {'+'.join(common.views)} ({common.fusion}) at {common.threshold}, "
        f"{common.relative_threshold} of the best score, others' lead {common.distractor_score_ratio}"
    )
    for name, (_, absent) in results.items():
        every = [one for told in absent.values() for one in told]
        if every:
            found = share(every, lambda one: one.counted > 0)
            doubted = share(every, lambda one: one.counted == 0 and one.uncertain)
            print(f"absent nouns, {name}: something counted {found}, 0 doubted {doubted}")
    print()
    return {style: {name: line(told[style]) for name, (told, _) in results.items()} for style in seen}


def _print_losses(results: Mapping[str, Mapping[str, list[Told]]]) -> None:
    """Print what each style costs against the clean pictures under the same measures: what these gain there is no gain here."""
    for name, told in results.items():
        clean, others = told["plain"], {style: some for style, some in told.items() if style != "plain"}
        losses = ", ".join(
            f"{style} {exact(clean) - exact(some)} ({gap(clean, some)})" for style, some in others.items()
        )
        print(f"{name}: of {len(clean)} counts {exact(clean)} are right in clean pictures; lost to the style: {losses}")


def gap(clean: Sequence[Told], styled: Sequence[Told]) -> str:
    """The points lost to a style, with an interval from 10,000 resamples of pictures."""
    number = max(one.picture for one in clean) + 1
    pictures = np.array([one.picture for one in clean])
    size = np.bincount(pictures, minlength=number)
    right = [[one.truth == one.counted for one in some] for some in (clean, styled)]
    lost = np.bincount(pictures, weights=np.subtract(*np.array(right, float)), minlength=number)
    drawn = np.random.default_rng(0).integers(0, number, (10_000, number))
    shares = 100 * lost[drawn].sum(axis=1) / np.maximum(size[drawn].sum(axis=1), 1)
    low, high = np.percentile(shares, [2.5, 97.5])
    return f"{100 * lost.sum() / size.sum():.0f} points [{low:.0f}, {high:.0f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-d", "--counter", action="append", required=True)
    parser.add_argument("--styles", default="greyscale,low-contrast,noir,noir-rain")
    parser.add_argument(
        "--views", default="as_is,light,calm,flip,contrast,bright,bright+flip", help="looks that the measures may use"
    )
    parser.add_argument("--absent", action="store_true", help="nouns without a label are not there: try these, too")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    given = parser.parse_args()
    labelled = read_labels(given.folder, absent=given.absent)
    views = tuple(given.views.split(","))
    print(f"{len(labelled)} pictures, {sum(len(one.counts) for one in labelled)} counts")
    figures: dict[str, Any] = {}
    styles = ("plain", *(name for name in given.styles.split(",") if name))
    for spec in given.counter:
        counter = load_counter(spec)
        seen: dict[str, Seen] = {}
        for style in styles:
            seen[style] = Seen(counter, labelled, style, views)
            print(f"{spec}: looked at {style}", flush=True)
        figures[spec] = report(spec, seen)
    print(machine())
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2))


def _print(table: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[k]) for row in table) for k in range(len(table[0]))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
