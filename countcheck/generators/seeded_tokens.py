"""Tokens drawn with a noise generator per picture, so that a picture does not depend on the others of its batch.

The library draws the tokens of a whole batch from one generator. Here each row adds its own Gumbel noise to its scores,
and the largest sum is chosen, which draws from the same distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from countcheck.errors import MissingExtra

try:
    import torch
    from transformers import LogitsProcessor, TopKLogitsWarper, TopPLogitsWarper
except ImportError as error:
    raise MissingExtra("local", feature="the transformers generator") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the next token is drawn.

    Attributes:
        guidance: Scale of classifier-free guidance; 1 for none.
        temperature: Above 0. Scores are divided by it.
        top_k: Draw from this many of the likeliest tokens; ``None`` for all.
        top_p: Draw from the likeliest tokens that have this probability together; ``None`` for all.
    """

    guidance: float
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None


class SeededSampler(LogitsProcessor):
    """Changes scores so that the greedy choice is a draw with the row's own seed.

    Args:
        seeds: One per picture.
        sampling: How to draw.
        halves: Whether the scores hold the guided rows first and as many unguided ones after them; they become one half.
        allowed: The tokens that may follow, by the number of tokens drawn so far; ``None`` for any.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        sampling: Sampling,
        *,
        halves: bool = False,
        allowed: Callable[[int], torch.Tensor] | None = None,
    ) -> None:
        self._noise = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        self._sampling = sampling
        self._halves = halves
        self._allowed = allowed
        self._drawn = 0
        self._filters: list[LogitsProcessor] = []
        if sampling.top_k is not None:
            self._filters.append(TopKLogitsWarper(sampling.top_k))
        if sampling.top_p is not None:
            self._filters.append(TopPLogitsWarper(sampling.top_p))

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return one row of scores per picture, of which the largest is the token drawn."""
        scores = scores.float()
        if self._halves:
            guided, plain = scores.chunk(2)
            scores = guided if self._sampling.guidance == 1 else plain + self._sampling.guidance * (guided - plain)
        allowed = None if self._allowed is None else self._allowed(self._drawn).to(scores.device)
        self._drawn += 1
        if allowed is None:
            return self._with_noise(input_ids, scores)
        drawn = torch.full_like(scores, -torch.inf)
        drawn[:, allowed] = 0 if len(allowed) == 1 else self._with_noise(input_ids, scores[:, allowed])
        return drawn

    def _with_noise(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        scores = scores / self._sampling.temperature
        for keep in self._filters:
            scores = keep(input_ids, scores)
        # Minus the logarithm of exponential noise is Gumbel noise. It is made on the CPU, where a seed is the same everywhere.
        noise = [torch.empty(scores.shape[1]).exponential_(generator=rng) for rng in self._noise]
        return scores - torch.stack(noise).clamp_min(1e-30).log().to(scores.device)
