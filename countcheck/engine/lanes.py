"""Which generators of a run work at the same time, and how they stop together.

Every generator that waits for a network has a lane of its own; generators on one device of this machine share a lane
and work one after another.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

from countcheck.engine.context import GeneratorPlan
from countcheck.engine.pipeline import DetectsPictures
from countcheck.generators.base import Generator, Stoppable

_POLL = 0.1  # seconds between two looks at whether the run is to stop


def lanes_of(plans: Sequence[GeneratorPlan]) -> list[list[GeneratorPlan]]:
    """Return the generators that work at the same time: a list of lanes, each worked off one after another."""
    lanes: dict[str, list[GeneratorPlan]] = {}
    for plan in plans:
        lanes.setdefault(_lane(plan), []).append(plan)
    return list(lanes.values())


def _lane(plan: GeneratorPlan) -> str:
    if plan.generator.traits.remote:
        return f"remote {plan.card.name}"
    if isinstance(plan.generator, DetectsPictures):  # its workers take the cluster's GPUs, one generator at a time
        return "workers"
    return f"device {plan.card.settings.get('device', '')}"


def run_lanes(lanes: Sequence[Callable[[], None]], stop: threading.Event) -> None:
    """Run functions at the same time and wait for all of them; a single one runs in this thread.

    Args:
        lanes: Functions.
        stop: Set when one of them raises, or this thread is interrupted, so that the others end early.

    Raises:
        BaseException: The first that one of them raised.
    """
    if len(lanes) == 1:
        lanes[0]()
        return
    errors: list[BaseException] = []

    def run(lane: Callable[[], None]) -> None:
        try:
            lane()
        except BaseException as error:
            errors.append(error)
            stop.set()

    threads = [
        threading.Thread(target=run, args=(lane,), name=f"lane-{number}", daemon=True)
        for number, lane in enumerate(lanes)
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:  # Ctrl-C a second time
        stop.set()
        raise
    if errors:
        raise errors[0]


@contextlib.contextmanager
def stopped_with_the_run(generator: Generator, stop: threading.Event) -> Iterator[None]:
    """Stop a generator when the run is to stop, although no outcome comes while it waits for its provider or its workers.

    Args:
        generator: Any; one that waits for nobody, or cannot be stopped, is left alone.
        stop: Set when the run is to stop.
    """
    waits = generator.traits.remote or isinstance(generator, DetectsPictures)
    if not waits or not isinstance(generator, Stoppable):
        yield
        return
    stoppable: Stoppable = generator
    finished = threading.Event()

    def watch() -> None:
        while not finished.wait(_POLL):
            if stop.is_set():
                stoppable.stop()
                return

    watcher = threading.Thread(target=watch, name="stop", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()
