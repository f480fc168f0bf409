"""Grade pictures of the shipped painter with the real inspect_ai, offline, and print its table.

    pip install inspect_ai
    python -m benchmarks.bridges.inspect_ai_run

A model provider is registered that draws with the shipped painter and refuses one prompt; inspect_ai evaluates it with
`countcheck.interop.inspect_ai.countcheck_scorer`.
"""

from __future__ import annotations

import base64
import tempfile
from typing import Any

from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import (
    ChatMessageAssistant,
    ContentImage,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    get_model,
    modelapi,
)
from inspect_ai.solver import generate

from countcheck.cards import read_generator_card
from countcheck.engine.run import load_generator
from countcheck.images.decode import encode_png
from countcheck.interop.inspect_ai import countcheck_scorer
from countcheck.suites.samples import Sample as Wanted
from countcheck.suites.suite import Prompt

PROMPTS = ("one pig", "two cats", "three pigs", "one car", "two pigs and a wolf", "four cats")


@modelapi(name="painter")
class Painter(ModelAPI):
    """The shipped painter as a model of inspect_ai."""

    def __init__(self, model_name: str, base_url: str | None = None, api_key: str | None = None, **_: Any) -> None:
        super().__init__(model_name, base_url, api_key)
        self.generator = load_generator(read_generator_card("tiny"))

    async def generate(self, input: Any, tools: Any, tool_choice: Any, config: GenerateConfig) -> ModelOutput:
        text = input[-1].text
        if "wolf" in text:
            return ModelOutput.from_content(self.model_name, "I'm sorry, but I can't create that image.")
        asked = Wanted(key="0" * 32, generator="tiny", asked=Prompt(id=text, text=text), repeat=0, seed=len(text))
        (outcome,) = self.generator.generate([asked])
        address = "data:image/png;base64," + base64.b64encode(encode_png(outcome.pixels)).decode()
        message = ChatMessageAssistant(content=[ContentImage(image=address)], model=self.model_name)
        return ModelOutput(model=self.model_name, choices=[{"message": message, "stop_reason": "stop"}])


def main() -> None:
    samples = [Sample(input=prompt, target=prompt) for prompt in PROMPTS]
    task = Task(dataset=samples, solver=generate(), scorer=countcheck_scorer())
    with tempfile.TemporaryDirectory() as logs:
        (log,) = eval(task, model=get_model("painter/tiny"), display="none", log_dir=logs)
        print(f"{'prompt':<22}{'score':>6}  {'reason':<10} explanation")
        for sample in log.samples or []:
            score = next(iter((sample.scores or {}).values()))
            print(f"{sample.input!s:<22}{score.value!s:>6}  {score.reason or '':<10} {score.explanation}")
        results = log.results
        assert results is not None
        metrics = {name: round(metric.value, 3) for name, metric in results.scores[0].metrics.items()}
        print(f"{log.status}: {metrics} over {results.scores[0].scored_samples} scored samples")


if __name__ == "__main__":
    main()
