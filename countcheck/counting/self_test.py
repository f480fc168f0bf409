"""Try a counter on pictures with known counts before a run: its self-test.

The pictures are drawn scenes of nouns that both the counter and the scenes know, first plain, then in each style of the
suite. A counter that fails on the plain ones is wrongly set up, and the run is invalid; one that fails in a style has
its rates in that style withheld.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from countcheck.counting.counter import Counter
from countcheck.counting.judging import judge_detections
from countcheck.counting.verdict import Kind
from countcheck.errors import CannotDecide
from countcheck.scenes import NOUNS, STYLES, TRANSFORMS, apply_style, compose, render
from countcheck.suites.suite import Noun, Relation, Target

PLAIN = 48  # pictures; 46 must be right
STYLED = 24  # pictures a style; 20 must be right
_PLAIN_SHARE = 0.95
_STYLED_SHARE = 0.83
_SIZE = 256  # pixels a side: every detector's smallest objects stay larger than 24 pixels
_MAX = 5  # of one noun; a control tests the set-up, not how far a counter can go


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestScore:
    """How many test pictures of one kind the counter counted exactly, and how many were needed."""

    right: int
    total: int
    needed: int

    @property
    def passed(self) -> bool:
        """Whether that was enough."""
        return self.right >= self.needed


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """The result of a counter's self-test.

    Attributes:
        plain: On plain pictures; ``None`` when scenes and counter share no noun, so that nothing could be tested.
        by_style: On pictures in each style of the suite.
        nouns: What was drawn.
        untested_styles: Styles of the suite that scenes cannot imitate.
    """

    plain: SelfTestScore | None
    by_style: dict[str, SelfTestScore] = field(default_factory=dict)
    nouns: tuple[str, ...] = ()
    untested_styles: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give plain JSON values: passed, right, total, needed, by_style, nouns; ``passed`` is null when untested.

        ``untested_styles`` is there when there are any.
        """
        body: dict[str, Any] = _as_json(self.plain) if self.plain else {"passed": None}
        body["by_style"] = {style: _as_json(score) for style, score in self.by_style.items()}
        body["nouns"] = list(self.nouns)
        if self.untested_styles:
            body["untested_styles"] = list(self.untested_styles)
        return body


def _as_json(score: SelfTestScore) -> dict[str, Any]:
    return {"passed": score.passed, "right": score.right, "total": score.total, "needed": score.needed}


def run_self_test(counter: Counter, *, nouns: Iterable[str] = (), styles: Iterable[str] = ()) -> SelfTest:
    """Try the counter on drawn pictures, of the suite's nouns where scenes can draw them, plain and in its styles.

    Styles that scenes cannot imitate are named as untested.

    >>> from countcheck.counting.counter import load_counter
    >>> run_self_test(load_counter("tiny"), nouns=["pig"]).plain.passed
    True
    """
    chosen = drawable_nouns(counter, nouns)
    if not chosen:
        return SelfTest(plain=None, untested_styles=tuple(style for style in dict.fromkeys(styles) if style != "plain"))
    plain = _test(counter, chosen, "plain", PLAIN, _PLAIN_SHARE)
    imitable = [style for style in dict.fromkeys(styles) if style in TRANSFORMS and style != "plain"]
    return SelfTest(
        plain=plain,
        by_style={style: _test(counter, chosen, style, STYLED, _STYLED_SHARE) for style in imitable},
        nouns=tuple(noun.name for noun in chosen),
        untested_styles=tuple(style for style in dict.fromkeys(styles) if style not in TRANSFORMS),
    )


def require_passed(result: SelfTest, counter: str) -> None:
    """Refuse a counter that failed on plain pictures.

    Args:
        result: Of its self-test.
        counter: Its name.

    Raises:
        CannotDecide: Saying how many control pictures were right and how many are needed.
    """
    if result.plain is not None and not result.plain.passed:
        raise CannotDecide(
            f"the counter {counter} got {result.plain.right} of {result.plain.total} control pictures right; "
            f"{result.plain.needed} are needed. Check its threshold and weights; no rate is given."
        )


def _picture(counts: dict[str, int], style: str, seed: int) -> Any:
    if style in STYLES:  # looks that scenes are lit for
        return render(compose(counts, style=style, seed=seed, overlap=0.0), _SIZE)
    return apply_style(render(compose(counts, seed=seed, overlap=0.0), _SIZE), style, seed)


def drawable_nouns(counter: Counter, asked: Iterable[str]) -> list[Noun]:
    """List nouns that scenes can draw and the counter knows, those asked for first; at most 12."""
    known = [name for name in NOUNS if not counter.unsupported([Noun(name=name)])]
    wanted = [name for name in dict.fromkeys(asked) if name in known]
    # A single noun is tested beside a few others, so that a counter that confuses them fails.
    more = [name for name in known if name not in wanted][: max(0, 6 - len(wanted))]
    return [Noun(name=name) for name in (wanted + more)[:12]]


def draw_pictures(
    names: Sequence[str], style: str, total: int, *, salt: str = "control"
) -> tuple[list[Any], list[dict[str, int]]]:
    """Draw pictures of these nouns in a style, with the count of each noun; another ``salt`` gives others."""
    pictures = []
    truth = []
    for number in range(total):
        dice = random.Random(f"{salt} {style} {number}")
        first = names[number % len(names)]
        counts = {first: number % (_MAX + 1)}
        if number % 3 == 2 and len(names) > 1:
            counts[dice.choice([name for name in names if name != first])] = dice.randint(1, 3)
        pictures.append(_picture(counts, style, dice.randrange(2**31)))
        truth.append({name: counts.get(name, 0) for name in names})
    return pictures, truth


def count_exact(
    counter: Counter, nouns: Sequence[Noun], style: str, pictures: Sequence[Any], truth: Sequence[dict[str, int]]
) -> int:
    """Count the pictures that the counter, under the rule that judges a run, takes for exact."""
    exact = 0
    for start in range(0, len(pictures), 24):
        part = pictures[start : start + 24]
        detected = counter.detect(part, nouns, [style] * len(part))
        for detections, counts in zip(detected, truth[start : start + 24], strict=True):
            targets = [_exactly(noun, number) for noun, number in counts.items()]
            verdict = judge_detections(counter, detections, targets, {"style": style}, nouns).verdict
            exact += verdict is not None and verdict.leaning is Kind.EXACT
    return exact


def _exactly(noun: str, number: int) -> Target:
    return Target(noun=noun, count=number) if number else Target(noun=noun, relation=Relation.NONE)


def _test(counter: Counter, nouns: Sequence[Noun], style: str, total: int, share: float) -> SelfTestScore:
    pictures, truth = draw_pictures([noun.name for noun in nouns], style, total)
    exact = count_exact(counter, nouns, style, pictures, truth)
    return SelfTestScore(right=exact, total=total, needed=-int(-total * share // 1))
