"""Check that a counter can count a suite, before anything is generated or judged anew."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from countcheck.cards import open_counters
from countcheck.counting.counter import Counter
from countcheck.counting.familiarity import compare_pictures
from countcheck.counting.pasted_test import TOTAL, PastedScore, run_pasted_test
from countcheck.counting.self_test import SelfTest, require_passed, run_self_test
from countcheck.counting.view_search import choose_views
from countcheck.engine.scoring import nouns_of
from countcheck.errors import BadInput
from countcheck.images.convert import as_rgb
from countcheck.images.decode import read_picture
from countcheck.images.read_ahead import read_ahead
from countcheck.storage.result_table import PICTURE
from countcheck.storage.rows import ResultRow
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.suite import Suite

if TYPE_CHECKING:
    from PIL import Image

MAX_COMPARED = 48  # pictures of a run
PAID = ("vlm",)  # families of counters that may cost money for each picture


def prepare_counter(counter: Counter, suite: Suite, message: Callable[[str], None]) -> tuple[Counter, SelfTest]:
    """Fit a counter to a suite, try it, and say what stays untested; return the counter to use and its self-test.

    Raises:
        BadInput: When the counter does not know a noun of the suite.
        CannotDecide: When it counts too few of the plain pictures right.
    """
    fitted = fit_counter(counter, suite, message)
    self_test = check_counter(fitted, suite)
    report_self_test(self_test, fitted, message)
    return fitted, self_test


def fit_counter(counter: Counter, suite: Suite, message: Callable[[str], None]) -> Counter:
    """Return the counter with the views that pay in each style of a suite; the same one unless its card asks for it.

    Args:
        counter: Any.
        suite: What is asked.
        message: Receives a sentence for each style tried.

    Raises:
        BadInput: When the counter does not know a noun of the suite.
    """
    unknown = counter.unsupported(nouns_of(suite))
    if unknown:
        raise BadInput(
            f"the counter {counter.name} cannot know {', '.join(repr(noun) for noun in unknown)} "
            f"(asked for in {suite.name}). Use a counter that can: {', '.join(open_counters())} know any noun; "
            "`countcheck list counters` tells what the others know."
        )
    return choose_views(counter, suite.vocabulary, _styles(suite), says=message)


def check_counter(counter: Counter, suite: Suite) -> SelfTest:
    """Try a counter on pictures with known counts, in the nouns and styles of a suite.

    Raises:
        CannotDecide: When it counts too few of the plain pictures right.
    """
    result = try_counter(counter, suite)
    require_passed(result, counter.name)
    return result


def try_counter(counter: Counter, suite: Suite) -> SelfTest:
    """Try a counter on pictures with known counts, in the nouns and styles of a suite, under its rule."""
    return run_self_test(counter, nouns=suite.vocabulary, styles=_styles(suite))


def report_self_test(result: SelfTest, counter: Counter, message: Callable[[str], None]) -> None:
    """Say what a self-test that was passed leaves open."""
    if result.plain is None:
        message(f"no control picture could be drawn in the words of {counter.name}: its count is untested")
    if result.untested_styles:
        message(
            f"no control picture can be drawn in the style {' or '.join(result.untested_styles)}: the counter {counter.name} is untested there"
        )
    for style, score in result.by_style.items():
        if not score.passed:
            message(
                f"in the style {style} the counter got {score.right} of {score.total} control pictures right "
                f"({score.needed} are needed): rates in that style are withheld"
            )


def compare_with_tested(
    folder: RunFolder, name: str, message: Callable[[str], None], *, counter: Counter | None = None
) -> None:
    """Compare a sample of a run's pictures with those that counters are tested on; warn where many look unlike.

    Then the counter is also tried on some of these pictures with things of known number pasted in, unless each picture
    that it counts may cost money. The result is recorded with the run.

    Args:
        folder: The run.
        name: Of its counter.
        message: Receives the warnings.
        counter: To be tried; ``None`` to compare alone.
    """
    results = folder.results()
    drawn = np.flatnonzero(results.table.outcome == PICTURE)
    chosen = drawn[:: max(1, len(drawn) // MAX_COMPARED)].tolist()
    looked_at = read_ahead(results.rows_at(chosen), lambda row: (row, _picture(folder, row)))
    there = ((row, picture) for row, picture in looked_at if picture is not None)
    sample = list(itertools.islice(there, MAX_COMPARED))
    result = compare_pictures([picture for _, picture in sample])
    if not result.notable:
        return
    message(result.sentence(name))
    pasted = PastedScore()
    if counter is not None and not _may_cost(counter):
        step = max(1, len(sample) // TOTAL)
        tried = sample[::step][:TOTAL]
        pasted = run_pasted_test(
            counter,
            [as_rgb(picture) for _, picture in tried],
            [_named(row) for row, _ in tried],
            styles=[row.tags.get("style") for row, _ in tried],
        )
    folder.record_unfamiliar_pictures(result.unlike, result.of, pasted=pasted.total, pasted_right=pasted.right)
    if pasted.total and 2 * pasted.right < pasted.total:
        message(
            f"of {pasted.total} of these pictures with drawn things pasted in, the counter {name} counted {pasted.right} "
            "right: what it can do on drawings it cannot do here. Choose another counter, or label a sample."
        )


def _may_cost(counter: Counter) -> bool:
    """Whether each picture that is counted may cost money."""
    return counter.card.family in PAID or (counter.second_counter is not None and _may_cost(counter.second_counter))


def _named(row: ResultRow) -> frozenset[str]:
    """The nouns and words of a row's prompt."""
    return frozenset(noun for target in row.targets for noun in target.nouns) | frozenset(row.text.lower().split())


def _picture(folder: RunFolder, row: ResultRow) -> Image.Image | None:
    """The picture of a row, ``None`` when its file is gone; one at a URL is read without a copy."""
    if folder.pictures.url:
        with contextlib.suppress(BadInput):
            return folder.pictures.decode(row.picture)
        return None
    path = folder.pictures.find(row)
    return None if path is None else read_picture(path)


def _styles(suite: Suite) -> list[str]:
    tags = [asked.tags for asked in suite.asked]
    tags += [turn.tags for conversation in suite.conversations for turn in conversation.turns]
    return sorted({tag["style"] for tag in tags if "style" in tag})
