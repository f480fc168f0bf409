"""Measure how well refusals are read and how long that takes, and how often a sound picture is taken for a withheld one.

    python -m benchmarks.refusal_reading [SEEDS] [--run RUN ...]

With ``--run``, also how far people agree with the refusals of these runs, which they reviewed in ``countcheck review``.

Replies and words: the labelled sets in tests/generators/refusals. The tables were tuned on the first set, on one half
of the second and on the third; the other half was written before the tables were widened and was not looked at. Shares have 95 % Wilson
intervals. Goal: 0.2 ms of processor time a reply. Pictures: 1024 x 1024, made to be mistaken (nights, fog, snow, dots on
white; blurred, pixelated, black ones); goal 5 ms each.
"""

from __future__ import annotations

import argparse
import collections
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "generators"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "generators" / "refusals"))

from benchmarks.machine import machine
from countcheck.generators.outcome import Fault
from countcheck.generators.refusals.blank_images import WITHHELD, classify_image
from countcheck.generators.refusals.classify import read
from countcheck.generators.refusals.words import read_words
from countcheck.generators.remote.error_replies import reply_of_body
from countcheck.generators.remote.reply import Reply
from countcheck.metrics.refusal_review import review_refusals
from countcheck.reports.wording import refusal_review_in_words
from countcheck.stats.intervals import wilson
from countcheck.storage.run_folder import RunFolder


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("seeds", type=int, nargs="?", default=20)
    options.add_argument("--run", type=Path, action="append", default=[])
    chosen = options.parse_args()
    _labelled()
    for path in chosen.run:
        _reviewed(path)
    _speed()
    _pictures(chosen.seeds)
    print(machine())


def _reviewed(path: Path) -> None:
    """Print what people say of the refusals of a run, generator by generator."""
    with RunFolder.open(path) as run:
        labels, table = run.labels(), run.table()
        for name in run.generators:
            review = review_refusals(table.of_generator(name), labels)
            said = refusal_review_in_words(review.to_json()) if review else "no refusal was reviewed"
            print(f"{path}, {name}: {said}")


def _labelled() -> None:
    from labelled_replies import halves
    from test_classify import REPLIES, WORDS, claims, confusion

    table, right = confusion()
    total = len(WORDS) + len(REPLIES)
    print(table)
    print(f"first set, tuned: {_share(round(right * total), total)}")
    print("claims of success: precision {:.3f}, recall {:.3f}".format(*claims()))
    for name, entries in halves().items():
        right_ones = sum(label == reading for label, reading, _ in entries)
        crossed = sum(_is_failure(label) != _is_failure(reading) for label, reading, _ in entries)
        print(f"later sets, {name}: {_share(right_ones, len(entries))}; {crossed} faults and refusals confused")


def _share(right: int, total: int) -> str:
    interval = wilson(right, total)
    return f"{right} of {total} read rightly, {interval.value:.1%} [{interval.low:.1%}, {interval.high:.1%}]"


def _is_failure(name: str) -> bool:
    return name.partition(":")[0] in {str(fault) for fault in Fault}


def _speed() -> None:
    """Time every labelled text and reply once: services repeat their sentences, and a second reading costs nothing."""
    from labelled_replies import replies, words
    from test_classify import REPLIES, WORDS

    texts = [entry[2] for entry in (*WORDS, *words())]
    assistant = [Reply(words=text) for text in texts]
    service = [reply_of_body(entry["body"], status=entry["status"]) for entry in replies()]
    service += [reply for _, _, reply in REPLIES]
    for name, listed in (("assistants' words", assistant), ("services' errors", service)):
        read_words.cache_clear()
        began = time.process_time()
        for reply in listed:
            read(reply)
        each = (time.process_time() - began) / len(listed)
        print(f"{name}: {each * 1e3:.3f} ms a reply over {len(listed)}")


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
