"""Check that a counter can count a suite, before anything is generated or judged anew."""

from __future__ import annotations

from collections.abc import Callable

from countcheck.cards import open_counters
from countcheck.counting.counter import Counter
from countcheck.counting.self_test import SelfTest, require_passed, run_self_test
from countcheck.counting.view_search import choose_views
from countcheck.engine.scoring import nouns_of
from countcheck.errors import BadInput
from countcheck.suites.suite import Suite


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
    result = run_self_test(counter, nouns=suite.vocabulary, styles=_styles(suite))
    require_passed(result, counter.name)
    return result


def report_self_test(result: SelfTest, counter: Counter, message: Callable[[str], None]) -> None:
    """Say what a self-test that was passed leaves open."""
    if result.plain is None:
        message(f"no control picture could be drawn in the words of {counter.name}: its count is untested")
    for style, score in result.by_style.items():
        if not score.passed:
            message(
                f"in the style {style} the counter got {score.right} of {score.total} control pictures right "
                f"({score.needed} are needed): rates in that style are withheld"
            )


def _styles(suite: Suite) -> list[str]:
    tags = [asked.tags for asked in suite.asked]
    tags += [turn.tags for conversation in suite.conversations for turn in conversation.turns]
    return sorted({tag["style"] for tag in tags if "style" in tag})
