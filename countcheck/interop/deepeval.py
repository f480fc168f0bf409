"""A deepeval metric: judges the image in a test case's output by what its input asks for."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

from countcheck.errors import CountcheckError, MissingExtra
from countcheck.library.judging import judge, load_counter
from countcheck.library.reward import RewardKind, score

try:
    from deepeval.metrics import BaseMetric
    from deepeval.test_case import LLMTestCase, MLLMImage
except ImportError as error:
    raise MissingExtra("deepeval", feature="the deepeval metric") from error


class CountMetric(BaseMetric):
    """A deepeval metric that is 1 when the last image of the output shows the numbers asked for.

    What should be there is the test case's expected output, else its input.

    Args:
        counter: A card's name or a spec.
        targets: Targets by noun, in place of the test case's texts.
        kind: ``strict`` (1 or 0) or ``dense`` (0 to 1).
        threshold: The least score of a success, 0 to 1.
    """

    def __init__(
        self,
        counter: str = "tiny",
        *,
        targets: Mapping[str, Any] | None = None,
        kind: RewardKind = "strict",
        threshold: float = 1.0,
    ) -> None:
        self.counter = counter
        self.targets = targets
        self.kind = kind
        self.threshold = threshold
        self.score: float | None = None
        self.reason: str | None = None
        self.success: bool | None = None
        self.error: str | None = None
        self.async_mode = False
        self.include_reason = True

    @property
    def __name__(self) -> str:
        return "Count"

    def measure(self, test_case: LLMTestCase, *args: Any, **kwargs: Any) -> float:
        """Judge the test case; returns the score and keeps it with its reason.

        Raises:
            ValueError: When the output holds no image, or nothing can be said of it; deepeval records it as an error.
        """
        image = _last_image(test_case.actual_output or "")
        if image is None:
            raise ValueError(f"the output holds no image: {str(test_case.actual_output)[:200]}")
        asked = self.targets or test_case.expected_output or test_case.input
        try:
            (judgement,) = judge([image], [asked], load_counter(self.counter))
            value = score(judgement, self.kind)
        except CountcheckError as error:
            raise ValueError(str(error)) from error
        if value is None:
            raise ValueError(judgement.reason)
        self.score, self.reason, self.success = value, judgement.reason, value >= self.threshold
        return value

    async def a_measure(self, test_case: LLMTestCase, *args: Any, **kwargs: Any) -> float:
        """Judge the test case in a thread; as `measure`."""
        return await asyncio.to_thread(self.measure, test_case)

    def is_successful(self) -> bool:
        """Whether the last score reached the threshold."""
        return bool(self.success)


def _last_image(output: str) -> bytes | str | None:
    images = [part for part in MLLMImage.parse_multimodal_string(output) if isinstance(part, MLLMImage)]
    if not images:
        return None
    last = images[-1]
    return base64.b64decode(last.dataBase64) if last.dataBase64 else last.url
