"""What the harness costs over a bare loop that makes the same pictures with the same pipeline in the same batches.

    python -m benchmarks.overhead [ROUNDS]
    python -m benchmarks.overhead sleeping [PICTURES]

Rounds alternate between the bare loop (diffusers alone, written out below: nothing counted, nothing kept) and whole
runs (generated, counted, encoded, written to the ledger), on the painter and the counter that ship; one run has a detector
that finds nothing at once, and shows what all but detecting costs. Goal: at most 3 %. Runs are also clocked from within:
their seconds inside the pipeline, and all others, which a noisy machine disturbs less. On a CPU the pipeline and the
counter share the cores: the CPU seconds say what is done, the clock how long one waits for the other.
On a CPU the harness also lays a pipeline's convolutions out as the processor reads them fastest. What it costs without
that gain is told by a second bare loop, whose pipeline is laid out alike. The self-test of the counter before a run is
timed apart: it is the same whether ten or ten thousand pictures follow.

``sleeping`` has a generator that sleeps 0.25 s a picture of 1024², as one on a GPU leaves the cores alone, and runs of so
many pictures and of three times as many: what a picture costs is told from what a run costs once.
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
from benchmarks.sleeper import CARD as SLEEPER
from benchmarks.sleeper import Sleeper, load_sleeper, suite_of
from countcheck.cards import Card, read_generator_card
from countcheck.counting.counter import Counter, load_counter
from countcheck.counting.self_test import SelfTest, run_self_test
from countcheck.detectors.base import Detections
from countcheck.engine import run as engine
from countcheck.generators.diffusers_loading import use_channels_last
from countcheck.resources import shipped
from countcheck.suites.catalog import load_suite
from countcheck.suites.samples import plan

WHOLE, UNCOUNTED = "whole run", "whole run, nothing detected"


class FindsNothing:
    """A detector that takes no time."""

    name = "nothing"
    vocabulary = None

    def detect(self, pictures, nouns):
        return [Detections.nothing((96, 96)) for _ in pictures]


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
    if sys.argv[1:2] == ["sleeping"]:
        sleeping(int(sys.argv[2]) if len(sys.argv) > 2 else 40)
        return
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
    counters = {WHOLE: counter, UNCOUNTED: _finds_nothing()}
    times: dict[str, list[float]] = {name: [] for name in (*pipes, *counters)}
    used: dict[str, list[float]] = {name: [] for name in times}
    shares: dict[str, list[float]] = {name: [] for name in counters}
    inside = _clocked(generator)
    check, load = engine.prepare_counter, engine.load_generator
    engine.prepare_counter = lambda counter, *_: (counter, tested)
    engine.load_generator = lambda card: generator
    generator.close = lambda: None
    try:
        for number in range(rounds):
            for name in [*times, *reversed(times)]:  # there and back, so that a drift of the machine meets all alike
                with tempfile.TemporaryDirectory() as folder:
                    order = engine.RunConfig(suite=replace(suite), generators=[card], path=Path(folder) / str(number))
                    inside.clear()
                    began, cpu = time.perf_counter(), time.process_time()
                    if name in pipes:
                        bare_loop(pipes[name], samples, card.settings)
                    else:
                        engine.run(order, counters[name]).close()
                    times[name].append(time.perf_counter() - began)
                    used[name].append(time.process_time() - cpu)
                    if name in counters:
                        shares[name].append(times[name][-1] / sum(inside))
    finally:
        engine.prepare_counter, engine.load_generator = check, load
    print(machine())
    print(f"{len(samples)} pictures in batches of {card.settings['batch']}, {rounds} rounds there and back")
    print(f"{'':30}{'median s':>10}{'CPU s':>8}{'pictures/s':>12}{'fastest s':>11}")
    for name, each in times.items():
        median, cpu = statistics.median(each), statistics.median(used[name])
        print(f"{name:30}{median:>10.2f}{cpu:>8.2f}{len(samples) / median:>12.2f}{min(each):>11.2f}")
    print(f"\n{'times as long (median, spread)':52}{'by the clock':>24}{'by CPU time':>24}")
    for whole in counters:
        for name in pipes:
            by_clock, by_cpu = (_ratios(measured[whole], measured[name], rounds) for measured in (times, used))
            print(f"{whole + ' / ' + name:52}{by_clock:>24}{by_cpu:>24}")
        share = statistics.median(shares[whole])
        print(f"{whole + ' / its seconds inside the pipeline':52}{share:>24.3f}")
    print(f"the counter's self-test, once a run: {selftest:.1f} s")


def _ratios(whole: list[float], bare: list[float], rounds: int) -> str:
    ratios = [_paired(whole, k) / _paired(bare, k) for k in range(rounds)]
    return f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"


def sleeping(pictures: int) -> None:
    """Print what a picture and a run cost beside a generator that leaves the cores alone."""
    counters = {"counted": load_counter("tiny"), "nothing detected": _finds_nothing()}
    sizes = (pictures, 3 * pictures)
    made: dict[str, list[float]] = {"bare loop": [], **{name: [] for name in counters}}
    engine.prepare_counter = lambda counter, *_: (counter, SelfTest(plain=None))
    _sleep_through(counters["counted"], 2)  # imports
    for size in sizes:
        suite = suite_of(size, noun="pig")
        began = time.perf_counter()
        for _ in Sleeper(SLEEPER).generate(list(plan(suite, Sleeper(SLEEPER).recipe))):
            pass
        made["bare loop"].append(time.perf_counter() - began)
        for name, counter in counters.items():
            made[name].append(_sleep_through(counter, size))
    print(machine())
    print(f"{'':20}{sizes[0]:>6} pictures, s{sizes[1]:>6} pictures, s{'a picture more':>18}{'once a run, s':>16}")
    for name, (few, many) in made.items():
        of_bare, of_own = ((each[1] - each[0]) / (sizes[1] - sizes[0]) for each in (made["bare loop"], (few, many)))
        once = few - made["bare loop"][0] - sizes[0] * (of_own - of_bare)
        print(f"{name:20}{few:>18.2f}{many:>18.2f}{100 * (of_own / of_bare - 1):>16.1f} %{once:>16.2f}")


def _sleep_through(counter: Counter, pictures: int) -> float:
    """Seconds of a run whose generator sleeps."""
    with tempfile.TemporaryDirectory() as folder:
        order = engine.RunConfig(suite=suite_of(pictures, noun="pig"), generators=[SLEEPER], path=Path(folder) / "run")
        began = time.perf_counter()
        engine.run(order, counter, load=load_sleeper).close()
        return time.perf_counter() - began


def _finds_nothing() -> Counter:
    return Counter(Card(name="nothing", family="nothing"), FindsNothing())


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
