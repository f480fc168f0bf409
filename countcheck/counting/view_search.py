"""Choose the views a counter takes of the pictures of each style, by counting pictures with known counts.

A counter whose card says ``views: auto`` takes the plain view, except in the styles of a suite in which more views count
clearly better. The pictures are not those of the self-test: what is tuned on is not tested on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from countcheck.counting.counter import Counter
from countcheck.counting.self_test import count_exact, draw_pictures, drawable_nouns
from countcheck.detectors.common.views import cost
from countcheck.scenes import TRANSFORMS

PICTURES = 36  # a style
MIN_GAIN = 3  # of 36 pictures; less may be chance
CANDIDATES: tuple[tuple[str, ...], ...] = (
    ("as_is", "flip"),
    ("as_is", "light"),
    ("as_is", "calm"),
    ("as_is", "contrast"),
    ("as_is", "light", "calm"),
    ("as_is", "flip", "light"),
    ("as_is", "contrast", "light", "calm", "flip"),
    ("as_is", "tiles"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewTrial:
    """What more views bring in one style.

    Attributes:
        style: Value of the tag ``style``.
        views: The chosen views; empty when the plain one is as good.
        plain: Pictures counted rightly in the plain view, of ``total``.
        best: The same with ``views``.
        total: Pictures tried.
        cost: Passes through the detector a picture.
    """

    style: str
    views: tuple[str, ...]
    plain: int
    best: int
    total: int
    cost: int

    def sentence(self) -> str:
        """Word the result with its gain and its cost."""
        if not self.views:
            return f"in the style {self.style} one view is enough ({self.plain} of {self.total} tuning pictures right)"
        return (
            f"in the style {self.style} the views {', '.join(self.views)} count {self.best} of {self.total} tuning "
            f"pictures right, against {self.plain}, for {self.cost} times the time"
        )


def choose_views(
    counter: Counter,
    nouns: Iterable[str],
    styles: Iterable[str],
    *,
    says: Callable[[str], None] = lambda sentence: None,
) -> Counter:
    """Give the counter the views that pay in each style; the counter itself when its card does not ask for it.

    Args:
        counter: With ``views: auto``, or any other.
        nouns: Of the suite.
        styles: Of the suite; those that scenes cannot imitate are left out.
        says: Called with one sentence a style: the views chosen, their gain and their cost.
    """
    if not counter.chooses_views:
        return counter
    trials = [trial(counter, nouns, style) for style in dict.fromkeys(("plain", *styles)) if style in TRANSFORMS]
    for result in trials:
        says(result.sentence())
    return counter.with_views({result.style: result.views for result in trials if result.views})


def trial(counter: Counter, nouns: Iterable[str], style: str) -> ViewTrial:
    """Find the cheapest views that count at least 3 of 36 pictures more than the plain one, if any do."""
    chosen = drawable_nouns(counter, nouns)
    pictures, truth = draw_pictures([noun.name for noun in chosen], style, PICTURES if chosen else 0, salt="tuning")
    plain = count_exact(counter, chosen, style, pictures, truth)
    best: tuple[tuple[str, ...], int] = ((), plain)
    if chosen and plain < PICTURES:
        for views in sorted(CANDIDATES, key=cost):
            exact = count_exact(counter.with_views({style: views}), chosen, style, pictures, truth)
            # A costlier choice must gain over a cheaper one what the cheaper had to gain over the plain view.
            if exact >= best[1] + MIN_GAIN:
                best = (views, exact)
    return ViewTrial(style=style, views=best[0], plain=plain, best=best[1], total=len(pictures), cost=cost(best[0]))
