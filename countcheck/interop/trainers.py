"""Reward functions in the signatures of trainers that call them in process: TRL, verl, and a validation for diffusers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from countcheck.library.count_metric import CountMetric
from countcheck.library.judging import CounterInput, load_counter
from countcheck.library.reward import RewardKind, reward
from countcheck.stats.estimate import Estimate


def trl_reward(
    counter: CounterInput = "tiny", kind: RewardKind = "dense", *, image_column: str = "image"
) -> Callable[..., list[float | None]]:
    """Return a reward function for TRL: ``fn(prompts, completions, **columns) -> list[float | None]``.

    TRL leaves out samples whose reward is ``None``.

    Args:
        counter: A card's name, a spec or a loaded counter.
        kind: ``dense`` or ``strict``.
        image_column: The column that holds the images, when the completions are not images themselves.

    >>> from countcheck.scenes import compose, render
    >>> fn = trl_reward(kind="strict")
    >>> fn(["two pigs"], [render(compose({"pig": 2}, seed=1))])
    [1.0]
    """
    loaded = load_counter(counter)

    def count_reward(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
        images = columns.get(image_column, completions)
        targets = columns.get("targets") or [_text_of(prompt) for prompt in prompts]
        return reward(list(images), list(targets), loaded, kind=kind)

    return count_reward


def verl_compute_score(
    counter: CounterInput = "tiny", kind: RewardKind = "dense"
) -> Callable[..., dict[str, float | None]]:
    """Return verl's ``compute_score(solution_image, ground_truth, ...) -> {"score": float}``.

    ``ground_truth`` is a prompt's text, targets by noun or GenEval metadata. The score is NaN where nothing can be said.

    >>> from countcheck.scenes import compose, render
    >>> verl_compute_score()(render(compose({"pig": 3}, seed=1)), "three pigs")
    {'score': 1.0}
    """
    loaded = load_counter(counter)

    def compute_score(solution_image: Any, ground_truth: Any, *_: Any, **__: Any) -> dict[str, float | None]:
        (value,) = reward([solution_image], [ground_truth], loaded, kind=kind)
        return {"score": float("nan") if value is None else value}

    return compute_score


def validate(
    pipeline: Callable[..., Any],
    prompts: Sequence[str],
    *,
    counter: CounterInput = "tiny",
    seed: int = 0,
    **call: Any,
) -> dict[str, Estimate]:
    """Draw prompts with a diffusers pipeline and estimate its rates; call it from a training loop.

    Args:
        pipeline: The pipeline, on its device; called with each prompt and a generator seeded by its place.
        prompts: What to draw.
        counter: A card's name, a spec or a loaded counter.
        seed: Of the first prompt; the n-th gets ``seed + n``, so that checkpoints are compared on the same seeds.
        **call: Further arguments of the pipeline.
    """
    import torch

    metric = CountMetric(counter)
    device = getattr(pipeline, "device", "cpu")
    for place, prompt in enumerate(prompts):
        generator = torch.Generator(device=device).manual_seed(seed + place)
        output = pipeline(prompt=prompt, generator=generator, **call)
        metric.update(list(output.images)[:1], [prompt])
    return metric.compute()


def _text_of(prompt: Any) -> str:
    """The text of a prompt, or of the last message of a conversation."""
    if isinstance(prompt, str):
        return prompt
    content = prompt[-1]["content"]
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if part.get("type") == "text")
