"""Score images for training: the call `countcheck.reward`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from countcheck.counting.verdict import Kind
from countcheck.errors import BadSettings
from countcheck.images.inputs import ImageInputs, each_image
from countcheck.library.judging import BATCH_SIZE, CounterInput, Judgement, judge
from countcheck.suites.prompt_inputs import PromptInput
from countcheck.suites.suite import Noun, Relation, Target

RewardKind: TypeAlias = Literal["strict", "dense"]
KINDS: tuple[RewardKind, ...] = ("strict", "dense")


def reward(
    images: ImageInputs,
    prompts: PromptInput | Iterable[PromptInput],
    counter: CounterInput = "tiny",
    *,
    kind: RewardKind = "dense",
    second_counter: CounterInput | None = None,
    nouns: Mapping[str, Noun] | None = None,
    batch_size: int = BATCH_SIZE,
) -> list[float | None]:
    """Score images from 0 to 1 by how well their counts fit their prompts; one number an image, in order.

    ``strict`` is 1 when every target holds and 0 otherwise. ``dense`` is, for each target, 1 − d / max(asked, 1), not
    below 0, where d is how far the counted number lies from the nearest one that meets the target; then the mean over
    targets. A forbidden thing that is there scores 0 for its target. Both are 1 exactly when every target holds, and
    neither rises when a number moves away from what was asked.

    An image about which nothing can be said scores ``None``, never 0: it cannot be read, its prompt asks for nothing to
    count, or the counter does not know one of its nouns. Leave such samples out of the update.

    A model that is trained against a counter learns the counter's errors too. With ``second_counter`` the reward is the
    smaller of the two, so that an image pays only as far as both counters agree; evaluate with a third that the training
    never saw.

    Args:
        images, prompts, counter, nouns, batch_size: As in `countcheck.judge`.
        kind: ``dense`` or ``strict``.
        second_counter: Another counter.

    Raises:
        BadInput: For no images, when there are not as many prompts as images, or a target is written wrongly.
        BadSettings: For another kind.

    >>> from countcheck.scenes import compose, render
    >>> images = [render(compose({"pig": n}, seed=1)) for n in (3, 4)]
    >>> reward(images, "three pigs", kind="strict")
    [1.0, 0.0]
    >>> [round(score, 3) for score in reward(images, "three pigs")]
    [1.0, 0.667]
    """
    if kind not in KINDS:
        raise BadSettings(f"the reward's kind is {kind!r}. Give 'dense' or 'strict'.")
    inputs = list(each_image(images)) if second_counter is not None else images
    asked = list(prompts) if not isinstance(prompts, str | Mapping) and isinstance(prompts, Iterable) else prompts
    counters = (counter,) if second_counter is None else (counter, second_counter)
    scores = [
        [score(judgement, kind) for judgement in judge(inputs, asked, each, nouns=nouns, batch_size=batch_size)]
        for each in counters
    ]
    return [_smallest(of_one_image) for of_one_image in zip(*scores, strict=True)]


def score(judgement: Judgement, kind: RewardKind = "dense") -> float | None:
    """Score one judgement from 0 to 1; ``None`` when nothing can be said. See `reward`."""
    count = judgement.count
    targets = judgement.prompt.targets
    if judgement.verdict in (None, Kind.FAILED) or not targets or count.unsupported:
        return None
    if any(noun not in count.counts for target in targets for noun in target.nouns):
        return None
    if kind == "strict":
        return float(all(target.holds(count.counts) for target in targets))
    return sum(target_score(target, count.counts) for target in targets) / len(targets)


def target_score(target: Target, counts: Mapping[str, int]) -> float:
    """Score one target from 0 to 1 by how far the counted number lies from the nearest one that meets it.

    >>> target_score(Target(noun="pig", count=4), {"pig": 5})
    0.75
    """
    counted = counts[target.noun]
    match target.relation:
        case Relation.NONE:
            return float(counted == 0)
        case Relation.MORE_THAN:
            low, high = counts[target.other or ""] + 1, None
        case Relation.AS_MANY_AS:
            low = high = counts[target.other or ""]
        case Relation.AT_LEAST:
            low, high = target.count or 0, None
        case Relation.AT_MOST:
            low, high = 0, target.count or 0
        case Relation.BETWEEN:
            low, high = target.count or 0, target.upper or 0
        case _:
            low = high = target.count or 0
    if counted < low:
        return max(0.0, 1 - (low - counted) / max(low, 1))
    if high is not None and counted > high:
        # An exact 0 is "none" in other words: any of it is wrong.
        return max(0.0, 1 - (counted - high) / max(high, 1))
    return 1.0


def _smallest(scores: tuple[float | None, ...]) -> float | None:
    known = [value for value in scores if value is not None]
    return min(known) if len(known) == len(scores) else None
