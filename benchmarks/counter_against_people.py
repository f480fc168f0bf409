"""The shipped counter against a labeller: ``python benchmarks/counter_against_people.py``.

216 pictures by the shipped painter (``benchmarks/painted``), labelled by looking at them before any counter did, by the
rule in the counter's card. Where the labeller could not decide, because things had grown together or were of two kinds
at once, the label says so, and the picture is counted apart.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from PIL import Image

from countcheck.counting.counter import load_counter
from countcheck.scenes import NOUNS
from countcheck.stats.intervals import wilson
from countcheck.suites.suite import Noun

FOLDER = Path(__file__).parent / "painted"
SIDE = 96
ACROSS = 16


def main() -> None:
    """Print how often counter and labeller agree, and which way they differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counter", default="tiny", help="the counter's spec")
    options = parser.parse_args()
    counter = load_counter(options.counter)
    labels = json.loads((FOLDER / "labels.json").read_text())
    page = Image.open(FOLDER / "pictures.webp").convert("RGB")
    corners = [(k % ACROSS * SIDE, k // ACROSS * SIDE) for k in range(len(labels))]
    everything = tuple(Noun(name=noun) for noun in NOUNS)
    found = counter.detect([page.crop((x, y, x + SIDE, y + SIDE)) for x, y in corners], everything)

    print(f"counter {options.counter} against a labeller, {len(labels)} pictures (95 % Wilson)\n")
    print("| pictures | nouns | exact | off by one at most | over | under | n |\n|---|---|---|---|---|---|---|")
    for clear in (True, False):
        for every in (False, True):
            outcomes = []
            for detections, label in zip(found, labels, strict=True):
                if label["clear"] is clear:
                    nouns = everything if every else [Noun(name=noun) for noun in label["asked"]]
                    counts = counter.count(detections, nouns, label["style"]).counts
                    outcomes.append([counts[noun.name] - label["seen"].get(noun.name, 0) for noun in nouns])
            exact = wilson(sum(not any(off) for off in outcomes), len(outcomes))
            near = sum(sum(map(abs, off)) <= 1 for off in outcomes) / len(outcomes)
            over, under = (sum(side * sum(off) > 0 for off in outcomes) for side in (1, -1))
            print(
                f"| {'clear' if clear else 'unclear to the labeller'} | {'all 20' if every else 'asked for'} | "
                f"{exact.value:.3f} ({exact.low:.2f}-{exact.high:.2f}) | {near:.3f} | {over} | {under} | {len(outcomes)} |"
            )


if __name__ == "__main__":
    main()
