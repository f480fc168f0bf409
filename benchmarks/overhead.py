"""What the harness costs over a bare loop that makes the same pictures with the same pipeline in the same batches.

    python -m benchmarks.overhead [ROUNDS]

Rounds alternate between the bare loop (diffusers alone, written out below: nothing counted, nothing kept) and a whole
run (generated, counted, encoded, written to the ledger), on the painter and the counter that ship. Goal: at most 3 %.
The run is also clocked from within: its seconds inside the pipeline, and all others, which a noisy machine disturbs less.
On a CPU the harness also lays a pipeline's convolutions out as the processor reads them fastest. What it costs without
that gain is told by a second bare loop, whose pipeline is laid out alike. The self-test of the counter before a run is
timed apart: it is the same whether ten or ten thousand pictures follow.
"""

from __future__ import annotations

import functools
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
from countcheck.cards import read_generator_card
from countcheck.counting.counter import load_counter
from countcheck.counting.self_test import run_self_test
from countcheck.engine import run as engine
from countcheck.generators.diffusers_loading import use_channels_last
from countcheck.resources import shipped
from countcheck.suites.catalog import load_suite
from countcheck.suites.samples import plan

WHOLE = "whole run"


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
    pipes = {"bare loop": _pipeline(card), "bare loop, laid out": _pipeline(card)}
    use_channels_last(pipes["bare loop, laid out"])
    # Loads and warms up all, and shows that they paint the same.
    ours = np.stack([np.moveaxis(outcome.pixels.numpy(), 0, -1) for outcome in generator.generate(samples[:8])])
    for pipe in pipes.values():
        assert np.abs(ours - np.stack(bare_loop(pipe, samples[:8], card.settings))).max() < 1 / 255
    began = time.perf_counter()
    tested = run_self_test(counter, nouns=suite.vocabulary)
    selftest = time.perf_counter() - began
    times: dict[str, list[float]] = {name: [] for name in (*pipes, WHOLE)}
    inside = _clocked(generator)
    shares = []
    check, load = engine.prepare_counter, engine.load_generator
    engine.prepare_counter = lambda counter, *_: (counter, tested)
    engine.load_generator = lambda card: generator
    generator.close = lambda: None
    try:
        for number in range(rounds):
            for name in [*times, *reversed(times)]:  # there and back, so that a drift of the machine meets all alike
                began = time.perf_counter()
                if name in pipes:
                    bare_loop(pipes[name], samples, card.settings)
                    times[name].append(time.perf_counter() - began)
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    order = engine.RunConfig(suite=replace(suite), generators=[card], path=Path(folder) / str(number))
                    inside.clear()
                    began = time.perf_counter()
                    engine.run(order, counter).close()
                    times[name].append(time.perf_counter() - began)
                    shares.append(times[name][-1] / sum(inside))
    finally:
        engine.prepare_counter, engine.load_generator = check, load
    print(machine())
    print(f"{len(samples)} pictures in batches of {card.settings['batch']}, {rounds} rounds there and back")
    print(f"{'':22}{'median s':>10}{'pictures/s':>12}{'fastest s':>11}")
    for name, each in times.items():
        median = statistics.median(each)
        print(f"{name:22}{median:>10.2f}{len(samples) / median:>12.2f}{min(each):>11.2f}")
    for name in pipes:
        ratios = [_paired(times[WHOLE], k) / _paired(times[name], k) for k in range(rounds)]
        spread = f"median of {rounds} pairs, from {min(ratios):.3f} to {max(ratios):.3f}"
        fastest = min(times[WHOLE]) / min(times[name])
        print(f"{WHOLE} / {name}: {statistics.median(ratios):.3f} ({spread}); fastest to fastest {fastest:.3f}")
    print(f"{WHOLE} / its seconds inside the pipeline: {statistics.median(shares):.3f} (median of {len(shares)} runs)")
    print(f"the counter's self-test, once a run: {selftest:.1f} s")


def _pipeline(card):
    pipe = AutoPipelineForText2Image.from_pretrained(shipped("models") / card.source)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _clocked(generator):
    """A list to which every call of the generator's pipeline, loaded already, adds its seconds."""
    seconds: list[float] = []
    pipe = generator._pipe

    kind = type(pipe)

    @functools.wraps(kind.__call__)
    def clocked(self, *positional, **arguments):
        began = time.perf_counter()
        try:
            return kind.__call__(self, *positional, **arguments)
        finally:
            seconds.append(time.perf_counter() - began)

    # The same pipeline under a class of the same name: the generator decides by class how it calls a pipeline.
    pipe.__class__ = type(kind.__name__, (kind,), {"__call__": clocked, "__module__": kind.__module__})
    return seconds


def _paired(times, number):
    """Seconds of one round, there and back."""
    return sum(times[2 * number : 2 * number + 2])


if __name__ == "__main__":
    main()
