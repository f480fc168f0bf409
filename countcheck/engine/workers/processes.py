"""Workers in processes of this machine, one on each device of ``--device``.

A worker sees its own GPU alone (``CUDA_VISIBLE_DEVICES``), so that generators and counters of every family find
it without a word in their settings, and a run may go on with other devices. A worker ends with its head, however that ends.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

from countcheck.cards import Card
from countcheck.counting.counter import load_counter
from countcheck.detectors.common.devices import need_torch, resolve_devices
from countcheck.engine.config import RunConfig
from countcheck.engine.context import Decide
from countcheck.engine.progress import Progress
from countcheck.engine.run import load_generator, run
from countcheck.engine.scoring import nouns_of
from countcheck.engine.workers.crew import CallFailed, WorkerLost
from countcheck.engine.workers.pool import WorkerPool
from countcheck.engine.workers.size import PoolSize
from countcheck.engine.workers.worker import Worker, WorkerSetup, model_loader
from countcheck.errors import BadSettings, first_line
from countcheck.generators.base import CoversSamples, Generator
from countcheck.images.read_ahead import usable_cores
from countcheck.storage.run_folder import RunFolder

_ENVIRONMENT = threading.Lock()  # one worker at a time copies it
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_SECONDS_TO_END = 5.0  # until a worker that does not end is killed


def run_on_devices(
    config: RunConfig,
    counter: str,
    devices: str,
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    decide: Decide | None = None,
) -> RunFolder:
    """Make a run as `countcheck.engine.run.run` does, with one worker process for each device.

    Generators that wait for a network, or that gain nothing from batches, work in this process.

    Args:
        config: What to make.
        counter: Spec of the counter; every worker loads its own.
        devices: As after ``--device``: ``cuda:0,cuda:1``, ``all``, ``cpu,cpu``.
        progress: Receives what happens.
        stop: Set it from another thread, and the run ends with what is in progress.
        decide: Called after every batch; a sentence ends the run.

    Returns:
        The run folder, still open.

    Raises:
        BadSettings: For a device that this machine does not have, or a model that names another one.
        CountcheckError: As `countcheck.engine.run.run` does.
        GeneratorClosed: When no worker is left.
    """
    names = device_names(devices)
    _refuse_other_devices(config.generators, devices)
    nouns = nouns_of(config.selected_suite())
    active: list[WorkerPool] = []

    def load(card: Card) -> Generator:
        generator = load_generator(card)
        if not goes_to_workers(generator):
            return generator
        # The loaders are bound by value: a worker uses the very functions that the head does.
        setup = WorkerSetup(
            load_models=model_loader(load_generator, card, load_counter, counter),
            nouns=tuple(nouns),
            pictures=config.pictures_url or str(config.path.resolve()),
            image_format=config.image_format,
        )
        free = _FreeDevices(names, visible)
        size = PoolSize(lowest=len(names), highest=len(names))
        return WorkerPool(generator, setup, free.start, lambda: size, active=active)

    visible = [name for name in os.environ.get(_VISIBLE, "").split(",") if name]
    # The head's own counter and conversations use the first device.
    with _environment(_environment_of(names[0], 1, visible)):
        return run(config, load_counter(counter), progress=progress, stop=stop, decide=decide, load=load)


def goes_to_workers(generator: Generator) -> bool:
    """Whether workers make a generator's samples: it computes, and is no recording."""
    return generator.traits.batched and not generator.traits.remote and not isinstance(generator, CoversSamples)


def device_names(text: str) -> list[str]:
    """List the devices that ``--device`` names, one for each worker.

    Raises:
        BadSettings: For one that this machine does not have, or that cannot be shared by several workers.
        MissingExtra: When torch is not installed.

    >>> device_names("cpu,cpu")
    ['cpu', 'cpu']
    """
    need_torch("--device")
    setting = "cuda:all" if text.strip() == "all" else text.strip()
    names = [str(device) for device in resolve_devices(setting, "--device")]
    names = [f"{name}:0" if name == "cuda" else name for name in names]
    twice = next((name for name in names if name.startswith("cuda") and names.count(name) > 1), None)
    if twice:
        raise BadSettings(f"--device {text}: {twice} is named twice. Give every GPU to one worker.")
    return names


def _refuse_other_devices(cards: Sequence[Card], devices: str) -> None:
    for card in cards:
        named = card.settings.get("device", "auto")
        if named not in ("auto", "", None):
            raise BadSettings(f"{card.name} has device={named}, and --device gives {devices}. Leave one of them out.")


class _FreeDevices:
    """Starts a worker on a device that no worker has.

    Args:
        names: Devices, one for each worker.
        visible: What this process may see of the GPUs, as the environment says; empty for all.
    """

    def __init__(self, names: Sequence[str], visible: Sequence[str]) -> None:
        self._names, self._visible = list(names), list(visible)
        self._held: list[tuple[str, int, WorkerProcess]] = []

    def start(self, setup: WorkerSetup) -> WorkerProcess:
        """Start a worker."""
        self._held = [held for held in self._held if not held[2].ended]
        taken = {number for _, number, _ in self._held}
        number = next(number for number in itertools.count() if number not in taken)
        device = self._names[number % len(self._names)]
        several = self._names.count(device) > 1
        share = self._names.count("cpu") if device == "cpu" else 1
        environment = _environment_of(device, share, self._visible)
        worker = WorkerProcess(setup, f"{device} #{number + 1}" if several else device, environment)
        self._held.append((device, number, worker))
        return worker


class WorkerProcess:
    """A worker in a process of its own, begun with ``spawn``.

    Args:
        setup: What it works with.
        name: As it is called in progress and messages.
        environment: What it finds in its environment beside this process's own.

    Attributes:
        ended: Whether the process is gone, or on its way.
    """

    def __init__(self, setup: WorkerSetup, name: str, environment: Mapping[str, str]) -> None:
        self.name = name
        self.ended = False
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._futures: dict[int, Future[Any]] = {}
        spawn = multiprocessing.get_context("spawn")
        self._connection, theirs = spawn.Pipe()
        self.process = spawn.Process(target=_serve, args=(theirs, setup), name=f"worker {name}", daemon=True)
        with _ENVIRONMENT, _environment(environment):
            self.process.start()
        theirs.close()
        threading.Thread(target=self._receive, name=f"answers of {name}", daemon=True).start()

    def call(self, method: str, *arguments: Any) -> Future[Any]:
        """Call a method of the worker; the future may raise `WorkerLost` or `CallFailed`."""
        future: Future[Any] = Future()
        with self._lock:
            number = next(self._numbers)
            self._futures[number] = future
            try:
                if self.ended:
                    raise OSError("it has ended")
                self._connection.send((number, method, arguments))
            except OSError as error:
                del self._futures[number]
                future.set_exception(WorkerLost(first_line(error)))
        return future

    def end(self) -> None:
        """End the process; what it has in progress is lost."""
        self.ended = True
        self.process.terminate()
        self.process.join(_SECONDS_TO_END)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()

    def _receive(self) -> None:
        while True:
            try:
                number, result, failed = self._connection.recv()
            except (EOFError, OSError):
                break
            with self._lock:
                future = self._futures.pop(number)
            if failed is not None:
                future.set_exception(CallFailed(failed))
            else:
                future.set_result(result)
        self.process.join(_SECONDS_TO_END)
        self.ended = True
        with self._lock:
            lost, self._futures = self._futures, {}
        for future in lost.values():
            future.set_exception(WorkerLost(_how_it_ended(self.process.exitcode)))


def _how_it_ended(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return "its connection broke" if code is None else f"ended with exit code {code}"


def _environment_of(device: str, sharers: int, visible: Sequence[str]) -> dict[str, str]:
    """What a process needs in its environment: its device alone, and its share of the cores."""
    kind, _, index = device.partition(":")
    environment = {}
    if kind == "cuda":
        environment[_VISIBLE] = visible[int(index)] if visible else index
    elif kind == "cpu":
        environment[_VISIBLE] = ""
    if sharers > 1:
        environment["OMP_NUM_THREADS"] = str(max(1, usable_cores() // sharers))
    return environment


@contextlib.contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Change this process's environment for a block; a process that begins in it copies it."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _serve(connection: Connection, setup: WorkerSetup) -> None:
    """The worker's process: calls come in, answers go out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the head's, which lets the workers finish
    calls: queue.SimpleQueue[tuple[int, str, tuple[Any, ...]]] = queue.SimpleQueue()
    workers: list[Worker] = []
    sending = threading.Lock()

    def receive() -> None:
        while True:
            try:
                number, method, arguments = connection.recv()
            except (EOFError, OSError):
                os._exit(1)  # the head is gone: nobody would learn of what is made
            if method in ("stop", "resume") and workers:  # these do not wait behind what they end
                answer(number, getattr(workers[0], method), arguments)
            else:
                calls.put((number, method, arguments))

    def answer(number: int, call: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        result, failed = None, None
        try:
            result = call(*arguments)
        except Exception as error:
            failed = f"{type(error).__name__}: {first_line(error)}"
        with sending, contextlib.suppress(OSError):
            connection.send((number, result, failed))

    threading.Thread(target=receive, name="calls", daemon=True).start()
    workers.append(Worker(setup))
    with ThreadPoolExecutor(2, thread_name_prefix="worker") as pool:
        while True:
            number, method, arguments = calls.get()
            pool.submit(answer, number, getattr(workers[0], method), arguments)
