"""Which looks at a picture pay in which style: tried on pictures with known counts, for a counter that asks for it.

A counter whose card says ``views: auto`` looks plainly, except in the styles of a suite in which the pictures tried
here show that more looks count better. The pictures are not those of the controls: what is tuned on is not tested on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from countcheck.counting.counter import Counter
from countcheck.counting.self_test import drawn, right, testable
from countcheck.detectors.common.views import cost
from countcheck.scenes import TRANSFORMS

TRIED = 36
LEAST_GAIN = 3  # of 36 pictures; less may be chance
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
class Trial:
    """What more looks bring in one style.

    Attributes:
        style: Value of the tag ``style``.
        views: The chosen looks; empty when the plain one does.
        plain: Pictures counted rightly by the plain look, of ``total``.
        best: The same with ``views``.
        cost: Passes through the detector a picture.
    """

    style: str
    views: tuple[str, ...]
    plain: int
    best: int
    total: int
    cost: int

    def sentence(self) -> str:
        """In plain words, with the gain and its price."""
        if not self.views:
            return f"in the style {self.style} one look is enough ({self.plain} of {self.total} tuning pictures right)"
        return (
            f"in the style {self.style} the looks {', '.join(self.views)} count {self.best} of {self.total} tuning "
            f"pictures right, against {self.plain}, for {self.cost} times the time"
        )


def tuned(
    counter: Counter,
    nouns: Iterable[str],
    styles: Iterable[str],
    *,
    says: Callable[[str], None] = lambda sentence: None,
) -> Counter:
    """The counter with the looks that pay in each style; the counter itself when its card does not ask for it."""
    if not counter.choosing:
        return counter
    trials = [trial(counter, nouns, style) for style in dict.fromkeys(("plain", *styles)) if style in TRANSFORMS]
    for one in trials:
        says(one.sentence())
    return counter.with_views({one.style: one.views for one in trials if one.views})


def trial(counter: Counter, nouns: Iterable[str], style: str) -> Trial:
    """The cheapest looks that count at least three of 36 pictures more than the plain one, if any do."""
    chosen = testable(counter, nouns)
    pictures, truth = drawn([noun.name for noun in chosen], style, TRIED if chosen else 0, salt="tuning")
    plain = right(counter, chosen, style, pictures, truth)
    best: tuple[tuple[str, ...], int] = ((), plain)
    if chosen and plain < TRIED:
        for views in sorted(CANDIDATES, key=cost):
            exact = right(counter.with_views({style: views}), chosen, style, pictures, truth)
            # A dearer choice must gain over a cheaper one what the cheaper had to gain over none.
            if exact >= best[1] + LEAST_GAIN:
                best = (views, exact)
    return Trial(style=style, views=best[0], plain=plain, best=best[1], total=len(pictures), cost=cost(best[0]))
