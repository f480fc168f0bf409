"""Grade pictures of the shipped painter with the real deepeval, offline, and print its table.

pip install deepeval
python -m benchmarks.bridges.deepeval_run
"""

from __future__ import annotations

import base64
import os

os.environ["DEEPEVAL_TELEMETRY_OPT_OUT"] = "YES"

from deepeval.test_case import LLMTestCase, MLLMImage

from countcheck.cards import read_generator_card
from countcheck.engine.run import load_generator
from countcheck.images.decode import encode_png
from countcheck.interop.deepeval import CountMetric
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Prompt

PROMPTS = ("one pig", "two cats", "three pigs", "one car", "five pigs", "four cats")


def main() -> None:
    generator = load_generator(read_generator_card("tiny"))
    print(f"{'prompt':<14}{'success':<9}{'score':>6}  reason")
    for prompt in PROMPTS:
        asked = Sample(key="0" * 32, generator="tiny", asked=Prompt(id=prompt, text=prompt), repeat=0, seed=len(prompt))
        (outcome,) = generator.generate([asked])
        image = MLLMImage(dataBase64=base64.b64encode(encode_png(outcome.pixels)).decode(), mimeType="image/png")
        metric = CountMetric("tiny", kind="dense")
        metric.measure(LLMTestCase(input=prompt, actual_output=f"Here you are: {image}"))
        print(f"{prompt:<14}{metric.is_successful()!s:<9}{metric.score:>6.2f}  {metric.reason}")


if __name__ == "__main__":
    main()
