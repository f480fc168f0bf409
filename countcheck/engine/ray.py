"""The same run over many machines: workers, which are Ray actors, generate, detect and save; the head keeps the run.

Only generators that compute are spread over workers. A generator that waits for a network, or that gains nothing from
batches, works on the head: its rate limits are counted in one place, and keys never travel. A run begun on one machine
can be continued over many, and the other way round.
"""

from __future__ import annotations

import os
import socket
import threading
from concurrent.futures import Future
from typing import Any

from countcheck.cards import Card
from countcheck.counting.counter import load_counter
from countcheck.engine.config import RunConfig
from countcheck.engine.context import Decide
from countcheck.engine.progress import Progress
from countcheck.engine.run import load_generator, run
from countcheck.engine.scoring import nouns_of
from countcheck.engine.workers.crew import CallFailed, MachineLost, WorkerHandle, WorkerLost
from countcheck.engine.workers.pool import WorkerPool, pool_setup
from countcheck.engine.workers.processes import goes_to_workers
from countcheck.engine.workers.size import PoolSize, WorkerCount
from countcheck.engine.workers.worker import Worker, WorkerSetup, model_loader
from countcheck.errors import CountcheckError, MissingExtra, RunMismatch, first_line
from countcheck.generators.base import Generator
from countcheck.storage.run_folder import RunFolder

try:
    import ray
    from ray.exceptions import ActorDiedError, ActorUnavailableError, RayError, RayTaskError
except ImportError as error:
    raise MissingExtra("ray", feature="--engine ray") from error

_SECONDS_TO_ANSWER = 20.0  # of a cluster that is there


def run_on_ray(
    config: RunConfig,
    counter: str,
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    decide: Decide | None = None,
    workers: WorkerCount | int | None = None,
) -> RunFolder:
    """Make a run as `countcheck.engine.run.run` does, with generation, detection and saving spread over a Ray cluster.

    The cluster is the one that ``RAY_ADDRESS`` names, else the one that runs on this machine, else one started here.

    Args:
        config: What to make.
        counter: Spec of the counter; every worker loads its own.
        progress: Receives what happens.
        stop: Set it from another thread, and the run ends with what is in progress.
        decide: Called after every batch; a sentence ends the run.
        workers: For each generator; by default one per GPU of the cluster, else one per two cores.

    Returns:
        The run folder, still open.

    Raises:
        CountcheckError: As `countcheck.engine.run.run` does, and when no cluster answers.
        RunMismatch: When the cluster has another version of Ray, Python or countcheck.
        GeneratorClosed: When no worker is left.
    """
    wanted = workers if isinstance(workers, WorkerCount) else WorkerCount(lowest=workers)
    started = _join()
    try:
        nouns = nouns_of(config.selected_suite())
        active: list[WorkerPool] = []

        def load(card: Card) -> Generator:
            generator = load_generator(card)
            if not goes_to_workers(generator):
                return generator
            # The loaders are bound by value: a worker uses the very functions that the head does.
            load_models = model_loader(load_generator, card, load_counter, counter)
            setup = pool_setup(
                load_models, nouns, config.pictures_url or str(config.path.resolve()), config.image_format
            )
            return WorkerPool(
                generator, setup, lambda setup: start_worker(setup, wanted), lambda: pool_size(wanted), active=active
            )

        return run(config, load_counter(counter), progress=progress, stop=stop, decide=decide, load=load)
    finally:
        if started:
            ray.shutdown()


def _join() -> bool:
    """Join a cluster, or start one on this machine; returns whether one was started and is to be shut down."""
    if ray.is_initialized():
        return False
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    address = os.environ.get("RAY_ADDRESS", "")
    try:
        _knock(address)
        ray.init(address=address or "auto", **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        if "version mismatch" in str(error).lower():
            raise RunMismatch(
                f"this machine and the Ray cluster differ in version ({' '.join(str(error).split())[:300]}). "
                "Install the same Python, Ray and countcheck on all machines."
            ) from error
        if address:
            raise CountcheckError(
                f"no Ray cluster answers at {address}. Begin one there, or unset RAY_ADDRESS."
            ) from error
        ray.init(address="local", include_dashboard=False, **quiet)
    return True


def _knock(address: str) -> None:
    """Raise `OSError` where nobody answers at a cluster's address: Ray itself would try for minutes."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_ANSWER).close()


def pool_size(wanted: WorkerCount) -> PoolSize:
    """Return how many workers a generator has on the cluster as it is now."""
    gpus, cores = _resources()
    each = _gpus_of_each(wanted, gpus)
    usual = int(gpus // each) if each else cores // 2
    lowest = wanted.lowest or max(1, usual)
    needs = f"{each:g} GPUs, and the cluster has {gpus:g}" if each else f"a core, and the cluster has {cores}"
    return PoolSize(lowest=lowest, highest=wanted.highest or lowest, needs=needs)


def start_worker(setup: WorkerSetup, wanted: WorkerCount) -> WorkerHandle:
    """Start a worker where the cluster has room, spread over its machines; it grows when it may and has none."""
    gpus, cores = _resources()
    each = _gpus_of_each(wanted, gpus)
    highest = wanted.highest or wanted.lowest
    if each and wanted.gpus is None and highest and highest > gpus:
        each = gpus / highest  # more workers than GPUs share them
    share = min(1.0, cores / highest) if highest else 1.0
    resources = {"num_gpus": each, "num_cpus": 0} if each else {"num_cpus": share}
    # Two calls overlap: the files of one are written while the next one generates.
    actor = ray.remote(
        max_restarts=0,
        max_concurrency=2,
        concurrency_groups={"control": 1},
        scheduling_strategy="SPREAD",
        **resources,
    )(_RayWorker)
    return RayHandle(actor.remote(setup))


def _resources() -> tuple[float, int]:
    """GPUs and cores of the cluster."""
    resources = ray.cluster_resources()
    return float(resources.get("GPU", 0)), int(resources.get("CPU", 1))


def _gpus_of_each(wanted: WorkerCount, gpus: float) -> float:
    return wanted.gpus if wanted.gpus is not None else (1.0 if gpus else 0.0)


class _RayWorker(Worker):
    """A worker as a Ray actor; it may be stopped while it works."""

    @ray.method(concurrency_group="control")
    def stop(self) -> None:
        """Begin no other samples."""
        super().stop()

    @ray.method(concurrency_group="control")
    def resume(self) -> None:
        """Take samples again after `stop`."""
        super().resume()


class RayHandle:
    """One worker on the cluster, as the head holds it.

    Args:
        actor: The Ray actor, started or about to be.

    Attributes:
        name: Of its machine, once it has said it.
    """

    def __init__(self, actor: Any) -> None:
        self.name = ""
        self._actor = actor

    def call(self, method: str, *arguments: Any) -> Future[Any]:
        """Call a method of the worker; the future may raise `WorkerLost` or `CallFailed`."""
        future: Future[Any] = Future()

        def finish(done: Future[Any]) -> None:
            error = done.exception()
            if error is None:
                future.set_result(done.result())
            elif isinstance(error, RayTaskError):
                future.set_exception(CallFailed(first_line(error.cause if error.cause is not None else error)))
            else:
                future.set_exception(_loss(error))

        try:
            getattr(self._actor, method).remote(*arguments).future().add_done_callback(finish)
        except RayError as error:
            future.set_exception(_loss(error))
        return future

    def end(self) -> None:
        """End the worker; what it has in progress is lost."""
        ray.kill(self._actor)


def _loss(error: BaseException) -> WorkerLost:
    """What Ray says of a lost worker, without its numbers and advice."""
    said = str(error)
    if isinstance(error, ActorUnavailableError) or "its node has died" in said:
        return MachineLost("its machine does not answer")
    if isinstance(error, ActorDiedError) and "its worker process has died" in said:
        return WorkerLost("its process ended unexpectedly; the log of Ray's worker says more")
    return WorkerLost(first_line(error))
