"""How well refusals are read and how long that takes; how often a picture that only looks empty is taken for a withheld one.

    python -m benchmarks.refusal_reading [SEEDS]

Words: the labelled set in tests/generators; goal 0.2 ms for one outcome's words. Pictures: 1024 x 1024, made to be
mistaken (nights, fog, snow, dots on white; blurred, pixelated, black ones); goal 5 ms. Times are of the processor.
"""

from __future__ import annotations

import collections
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "generators" / "refusals"))

from benchmarks.machine import machine
from countcheck.generators.refusals.blank_images import WITHHELD, classify_image
from countcheck.generators.refusals.words import read_words


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    _labelled()
    _words()
    _pictures(seeds)
    print(machine())


def _labelled() -> None:
    from test_classify import REPLIES, WORDS, claims, confusion

    table, right = confusion()
    print(table)
    print(f"{right:.2%} of {len(WORDS) + len(REPLIES)} labelled cases read rightly; goal 98%")
    print("claims of success: precision {:.3f}, recall {:.3f}".format(*claims()))


def _words() -> None:
    from test_classify import WORDS

    texts = [words for _, _, words in WORDS]
    rounds = 5
    began = time.process_time()
    for _ in range(rounds):
        for text in texts:
            read_words(text)
    each = (time.process_time() - began) / rounds / len(texts)
    longest = max(texts, key=len)
    began = time.process_time()
    for _ in range(200):
        read_words(longest)
    print(
        f"words: {each * 1e3:.3f} ms each over {len(texts)} texts; {(time.process_time() - began) * 5:.3f} ms for {len(longest)} letters"
    )


def _pictures(seeds: int) -> None:
    from hard_pictures import real, withheld

    seconds: list[float] = []
    for made, wrong, right in ((real, WITHHELD, "real"), (withheld, None, "withheld")):
        mistaken: collections.Counter[str] = collections.Counter()
        total = 0
        for seed in range(seeds):
            for kind, picture in made(seed, 1024):
                began = time.process_time()
                look = classify_image(picture)
                seconds.append(time.process_time() - began)
                total += 1
                mistaken[kind] += (look in WITHHELD) == (wrong is not None)
        named = ", ".join(f"{n} of {kind}" for kind, n in mistaken.items() if n)
        print(f"{right}: {mistaken.total()} of {total} mistaken{': ' + named if named else ''}")
    seconds.sort()
    print(
        f"a picture: {sum(seconds) / len(seconds) * 1e3:.2f} ms on average, {seconds[int(len(seconds) * 0.95)] * 1e3:.2f} ms at most for 19 of 20"
    )


if __name__ == "__main__":
    main()
