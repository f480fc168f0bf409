"""An inspect_ai scorer: judges the images that a model's answer holds by what the sample asks for."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from countcheck.errors import BadInput
from countcheck.generators.refusals.words import read_words
from countcheck.library.judging import CounterInput, Judgement, judge, load_counter
from countcheck.library.reward import RewardKind, score
from countcheck.suites.prompt_inputs import PromptInput

try:
    from inspect_ai.model import ContentImage, ModelOutput
    from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
    from inspect_ai.solver import TaskState
except ImportError as error:
    from countcheck.errors import MissingExtra

    raise MissingExtra("inspect", feature="the inspect_ai scorer") from error


@scorer(metrics=[mean(), stderr()])
def countcheck_scorer(counter: str = "tiny", kind: RewardKind = "strict") -> Scorer:
    """Score answers by the number of things their images show; the mean over samples is the exact rate for ``strict``.

    The last image of the answer is judged. What it should show is the sample's metadata ``targets`` (targets by noun), else
    the sample's target, else its input. A refusal without an image scores 0 and is recorded as one; an answer that cannot
    be judged is unscored.

    Args:
        counter: A card's name or a spec.
        kind: ``strict`` (1 or 0) or ``dense`` (0 to 1).
    """

    async def score_state(state: TaskState, target: Target) -> Score:
        import anyio.to_thread

        image = _last_image(state.output)
        if image is None:
            return _without_image(state.output)
        asked = _asked(state, target)
        return await anyio.to_thread.run_sync(_score, image, asked, counter, kind)

    return score_state


def _score(image: bytes | Path, asked: PromptInput, counter: CounterInput, kind: RewardKind) -> Score:
    try:
        (judgement,) = judge([image], [asked], load_counter(counter))
    except BadInput as error:
        return Score.unscored(explanation=str(error), reason="scoring_failed")
    return _as_score(judgement, kind)


def _as_score(judgement: Judgement, kind: RewardKind) -> Score:
    value = score(judgement, kind)
    details = judgement.to_json()
    if value is None:
        return Score.unscored(explanation=judgement.reason, reason="scoring_failed", metadata=details)
    counted = ", ".join(f"{number} {noun}" for noun, number in judgement.count.counts.items())
    return Score(value=value, answer=counted, explanation=judgement.reason, metadata=details)


def _without_image(output: ModelOutput) -> Score:
    """An answer without an image: a refusal when the filter or the words say so, else nothing that can be scored."""
    if output.stop_reason == "content_filter":
        return Score(value=0.0, explanation="refused: the provider's filter withheld the image", reason="refusal")
    reading = read_words(output.completion)
    if reading.declines and not reading.limited and not reading.broken:
        why = f"refused{f' ({reading.category})' if reading.category else ''}"
        return Score(value=0.0, answer=output.completion, explanation=why, reason="refusal")
    return Score.unscored(answer=output.completion, explanation="the answer holds no image", reason="no_response")


def _asked(state: TaskState, target: Target) -> PromptInput:
    targets = (state.metadata or {}).get("targets")
    return dict(targets) if targets else target.text or state.input_text


def _last_image(output: ModelOutput) -> bytes | Path | None:
    if not output.choices:
        return None
    content = output.choices[0].message.content
    images = [part.image for part in content if isinstance(part, ContentImage)] if _is_list(content) else []
    return _bytes_of(images[-1]) if images else None


def _is_list(content: Any) -> bool:
    return isinstance(content, Sequence) and not isinstance(content, str)


def _bytes_of(image: str) -> bytes | Path:
    """The bytes of a ``data:`` address, or the path of a file."""
    if not image.startswith("data:"):
        return Path(image)
    head, _, body = image.partition(",")
    return base64.b64decode(body) if head.endswith(";base64") else unquote_to_bytes(body)
