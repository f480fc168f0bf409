"""How well the self-test on pasted things predicts a counter's error on labelled pictures, style by style.

    python benchmarks/pasted_test.py FOLDER -d tiny -d path/to/file.py:Class

FOLDER holds pictures and ``labels.json``, as for `counter_accuracy.py`. For each counter and style: how often its counts
are right on the labelled pictures, and on copies with things pasted in, the art that ships and pieces cut from the labelled
pictures; then the mean distance between right and predicted over all styles, and how far the drawn self-test is off.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from counter_accuracy import read_labels

from countcheck.counting.counter import load_counter
from countcheck.counting.pasted_test import PastedScore, pieces_of, run_pasted_test
from countcheck.counting.self_test import count_exact, draw_pictures, drawable_nouns
from countcheck.scenes import apply_style
from countcheck.suites.suite import Noun

STYLES = ("plain", "greyscale", "low-contrast", "noir", "noir-rain")
DRAWN = 24


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("-d", "--counter", action="append", required=True)
    parser.add_argument("--total", type=int, default=24)
    given = parser.parse_args()
    labelled = [(one.picture, one.counts) for one in read_labels(given.folder)]
    for spec in given.counter:
        counter = load_counter(spec)
        print(
            f"\n{counter.name}\n\n| style | right | drawn | art pasted in | pieces pasted in |\n|---|---|---|---|---|"
        )
        table = []
        for style in STYLES:
            shown = [(_styled(picture, style, k), counts) for k, (picture, counts) in enumerate(labelled)]
            pieces, right, n = _right(counter, shown)
            pictures = [picture for picture, _ in shown]
            asked = [set(counts) for _, counts in shown]
            art = run_pasted_test(counter, pictures, asked, total=given.total)
            own = run_pasted_test(counter, pictures, asked, things=pieces, total=given.total)
            nouns = drawable_nouns(counter, ())
            drawn = draw_pictures([noun.name for noun in nouns], style, DRAWN) if nouns else ([], [])
            exact = count_exact(counter, nouns, style, *drawn)
            row = [
                right / n,
                exact / len(drawn[0]) if nouns else np.nan,
                _share(art),
                _share(own),
            ]
            table.append(row)
            cells = (
                f"{right} of {n}",
                f"{exact} of {len(drawn[0])}",
                f"{art.right} of {art.total}",
                f"{own.right} of {own.total}",
            )
            print(
                f"| {style} | {' | '.join(f'{cell} ({share:.2f})' for cell, share in zip(cells, row, strict=True))} |"
            )
        numbers = np.array(table)
        off = np.nanmean(np.abs(numbers[:, 1:] - numbers[:, :1]), axis=0)
        print(f"| mean distance from right | | {' | '.join(f'{value:.2f}' for value in off)} |")
        for name, column in zip(("drawn", "art pasted in", "pieces pasted in"), numbers[:, 1:].T, strict=True):
            varies = column.std() > 0 and numbers[:, 0].std() > 0 and np.isfinite(column).all()
            print(
                f"correlation over styles, {name}: {np.corrcoef(numbers[:, 0], column)[0, 1]:.2f}"
                if varies
                else f"{name}: no correlation: the same in all styles, or not tried in some"
            )


def _share(score: PastedScore) -> float:
    return score.right / score.total if score.total else float("nan")


def _styled(picture: Any, style: str, seed: int) -> Any:
    return picture if style == "plain" else apply_style(picture, style, seed)


def _right(counter: Any, shown: Any) -> tuple[dict[str, list[Any]], int, int]:
    """Count labelled pictures: pieces of those that are right, how many counts are, and of how many."""
    pieces: dict[str, list[Any]] = {}
    right = n = 0
    for picture, counts in shown:
        nouns = [noun for noun in (Noun(name=name) for name in counts) if not counter.unsupported([noun])]
        if not nouns:
            continue
        (found,) = counter.detect([picture], nouns)
        counted = counter.count(found, nouns)
        good = {noun.name for noun in nouns if counted.counts.get(noun.name) == counts[noun.name]}
        right, n = right + len(good), n + len(nouns)
        kept = [i for i in counted.kept if found.nouns[i] in good]
        for noun, own in pieces_of(picture, found, kept).items():
            pieces.setdefault(noun, []).extend(own)
    return pieces, right, n


if __name__ == "__main__":
    main()
