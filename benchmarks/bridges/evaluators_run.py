"""Grade drawn pictures with the real MLflow and Weave evaluations, offline, and print their tables.

    pip install mlflow weave
    python -m benchmarks.bridges.evaluators_run mlflow
    python -m benchmarks.bridges.evaluators_run weave

The pictures are drawn by rule; the third has a pig too many. MLflow writes to an SQLite file; Weave runs without a project, so
that nothing leaves the machine.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import tempfile

from countcheck.images.decode import encode_png
from countcheck.interop.evaluators import mlflow_scorer, weave_scorer
from countcheck.scenes import compose, render

PROMPTS = {"one pig": 1, "two pigs": 2, "three pigs": 4, "four pigs": 4}


def draw(prompt: str) -> str:
    """A picture for a prompt, as a data address; one has a pig too many."""
    data = encode_png(render(compose({"pig": PROMPTS[prompt]}, seed=len(prompt)), 256))
    return "data:image/png;base64," + base64.b64encode(data).decode()


def with_mlflow(folder: str) -> None:
    import mlflow

    os.chdir(folder)  # it keeps its files where it is
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    rows = [{"inputs": {"prompt": prompt}} for prompt in PROMPTS]
    result = mlflow.genai.evaluate(data=rows, predict_fn=draw, scorers=[mlflow_scorer()])
    print("mlflow:", {name: float(value) for name, value in result.metrics.items()})


def with_weave() -> None:
    import weave

    evaluation = weave.Evaluation(dataset=[{"prompt": prompt} for prompt in PROMPTS], scorers=[weave_scorer()])
    print("weave:", asyncio.run(evaluation.evaluate(weave.op(draw))))


def main() -> None:
    os.environ |= {"WEAVE_DISABLED": "true", "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false"}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if "mlflow" in sys.argv[1:]:
            with_mlflow(folder)
        if "weave" in sys.argv[1:]:
            with_weave()


if __name__ == "__main__":
    main()
