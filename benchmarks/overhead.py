"""What the harness costs over a bare loop that makes the same pictures with the same pipeline in the same batches.

    python -m benchmarks.overhead [ROUNDS]

Rounds alternate between the bare loop (diffusers alone, written out below: nothing counted, nothing kept) and a whole
run (generated, counted, encoded, written to the ledger), on the painter and the counter that ship. Goal: at most 3 %.
The self-test of the counter before a run is timed apart: it is the same whether ten or ten thousand pictures follow.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoPipelineForText2Image

from benchmarks.machine import machine
from countcheck import controls, engine
from countcheck.counter import load_counter
from countcheck.plan import plan
from countcheck.settings import read_generator_card, shipped
from countcheck.suites.find import load_suite


def bare_loop(pipe, samples, settings):
    """What one would write without countcheck: the same prompts, seeds, steps and batches."""
    pictures = []
    for start in range(0, len(samples), settings["batch"]):
        batch = samples[start : start + settings["batch"]]
        with torch.inference_mode():
            made = pipe(
                prompt=[sample.text for sample in batch],
                generator=[torch.Generator("cpu").manual_seed(sample.seed) for sample in batch],
                num_inference_steps=settings["steps"],
                width=settings["width"],
                height=settings["height"],
                output_type="np",
            )
        pictures.extend(made.images)
    return pictures


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    card = read_generator_card("tiny")
    suite = load_suite("demo")
    counter = load_counter("tiny")
    generator = engine.load_generator(card)
    samples = list(plan(suite, generator.recipe))
    pipe = AutoPipelineForText2Image.from_pretrained(shipped("models") / card.source)
    pipe.set_progress_bar_config(disable=True)
    # Loads and warms up both, and shows that they paint the same.
    ours = [np.moveaxis(outcome.pixels.numpy(), 0, -1) for outcome in generator.generate(samples[:8])]
    assert np.array_equal(np.stack(ours), np.stack(bare_loop(pipe, samples[:8], card.settings)))
    began = time.perf_counter()
    tested = controls.check(counter, nouns=suite.vocabulary)
    selftest = time.perf_counter() - began
    bare, whole = [], []
    check, load = controls.check, engine.load_generator
    controls.check = lambda *_, **__: tested
    engine.load_generator = lambda card: generator
    generator.close = lambda: None
    try:
        for number in range(rounds):
            began = time.perf_counter()
            bare_loop(pipe, samples, card.settings)
            bare.append(time.perf_counter() - began)
            with tempfile.TemporaryDirectory() as folder:
                order = engine.Order(suite=replace(suite), generators=[card], path=Path(folder) / str(number))
                began = time.perf_counter()
                engine.run(order, counter).close()
                whole.append(time.perf_counter() - began)
    finally:
        controls.check, engine.load_generator = check, load
    ratios = [a / b for a, b in zip(whole, bare, strict=True)]
    print(machine())
    print(f"{len(samples)} pictures in batches of {card.settings['batch']}, {rounds} paired rounds")
    print(f"{'':14}{'seconds':>10}{'pictures/s':>12}")
    for name, times in (("bare loop", bare), ("whole run", whole)):
        print(f"{name:14}{statistics.median(times):>10.2f}{len(samples) / statistics.median(times):>12.2f}")
    print(f"whole run / bare loop: {statistics.median(ratios):.3f} (from {min(ratios):.3f} to {max(ratios):.3f})")
    print(f"the counter's self-test, once a run: {selftest:.1f} s")


if __name__ == "__main__":
    main()
