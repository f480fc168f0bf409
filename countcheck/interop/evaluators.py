"""Scorers for Weights & Biases Weave and for MLflow's ``genai.evaluate``: functions of a row and of what a model gave for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from countcheck.errors import CountcheckError, MissingExtra
from countcheck.interop.output_images import image_of
from countcheck.library.judging import CounterInput, judge, load_counter
from countcheck.library.reward import RewardKind, score


def weave_scorer(counter: CounterInput = "tiny", kind: RewardKind = "strict") -> Callable[..., dict[str, Any]]:
    """Return a scorer for ``weave.Evaluation(scorers=[...])``: a function of the columns ``prompt`` and ``targets``.

    It gives ``score`` and ``exact``, both ``None`` where nothing can be said, and ``reason``.

    >>> from countcheck.scenes import compose, render
    >>> weave_scorer()(output=render(compose({"pig": 4}, seed=1)), prompt="three pigs")
    {'score': 0.0, 'exact': False, 'reason': 'asked for exactly 3 pig, counted 4 pig'}
    """
    loaded = load_counter(counter)

    def countcheck(output: Any, prompt: str = "", targets: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return _graded(output, dict(targets) if targets else prompt, loaded, kind)

    return countcheck


def mlflow_scorer(counter: CounterInput = "tiny", kind: RewardKind = "strict") -> Any:
    """Return a scorer for ``mlflow.genai.evaluate(scorers=[...])``.

    What the image in ``outputs`` should show is ``expectations["targets"]`` (targets by noun), else ``inputs["prompt"]``.
    The value of the feedback is the score; its rationale says why.

    Raises:
        MissingExtra: When MLflow is not installed.
    """
    try:
        from mlflow.entities import AssessmentError, Feedback
        from mlflow.genai.scorers import scorer
    except ImportError as error:
        raise MissingExtra("mlflow", feature="the MLflow scorer") from error
    loaded = load_counter(counter)

    def countcheck(inputs: Any, outputs: Any, expectations: Any = None) -> Any:
        asked = (expectations or {}).get("targets") or (inputs or {}).get("prompt") or ""
        graded = _graded(outputs, asked, loaded, kind)
        if graded["score"] is None:
            unscored = AssessmentError(error_code="NOT_JUDGED", error_message=graded["reason"])
            return Feedback(name="countcheck", error=unscored)
        return Feedback(name="countcheck", value=graded["score"], rationale=graded["reason"])

    return scorer(countcheck, name="countcheck")


def _graded(output: Any, asked: Any, counter: CounterInput, kind: RewardKind) -> dict[str, Any]:
    image = image_of(output) if isinstance(output, str | Mapping) else output
    if image is None:
        return {"score": None, "exact": None, "reason": f"the output holds no image: {str(output)[:200]}"}
    try:
        (judgement,) = judge([image], [asked], counter)
    except CountcheckError as error:
        return {"score": None, "exact": None, "reason": str(error)}
    return {"score": score(judgement, kind), "exact": judgement.exact, "reason": judgement.reason}
