"""Judge images of many requests together: a bounded queue, threads that decode, and one worker thread a counter.

While one batch is judged, the images of the next are decoded; no more than two batches a worker wait decoded.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from countcheck.counting.counter import Counter
from countcheck.errors import BadInput, CountcheckError
from countcheck.images.inputs import ImageInput, load_image
from countcheck.library.judging import Judgement, judge
from countcheck.serve.wires import ScoreRequest

DECODERS = 4
"""Images decoded at a time: decoders let other threads run."""


class QueueFull(CountcheckError):
    """More images wait than the server holds; the client should try again later."""


@dataclass(slots=True)
class _Job:
    """One image on its way, decoded once its turn has come, and where its judgement goes."""

    request: ScoreRequest
    image: ImageInput = None
    result: Future[Judgement] = field(default_factory=Future)


@dataclass(slots=True)
class Tally:
    """What the server has done since it began: images judged, batches, and seconds spent judging."""

    images: int = 0
    batches: int = 0
    seconds: float = 0.0


class JudgingPool:
    """Workers that judge queued images in batches.

    Args:
        counters: One a worker, each on a device of its own.
        batch_size: Most images judged together, 1 or more.
        max_queued: Most images that may wait, 1 or more.
        max_wait: Seconds a worker waits for a batch to fill, 0 or more.
    """

    def __init__(
        self, counters: Sequence[Counter], *, batch_size: int = 16, max_queued: int = 4096, max_wait: float = 0.005
    ) -> None:
        self.batch_size = batch_size
        self.max_queued = max_queued
        self.tally = Tally()
        self._max_wait = max_wait
        self._waiting: queue.Queue[_Job | None] = queue.Queue()
        self._decoded: queue.Queue[_Job | None] = queue.Queue(maxsize=2 * batch_size * max(len(counters), 1))
        self._queued = 0
        self._undecoded = 0
        self._lock = threading.Lock()
        self._decoders = [
            threading.Thread(target=self._decode, name=f"decoding-{number}", daemon=True) for number in range(DECODERS)
        ]
        self._workers = [
            threading.Thread(target=self._work, args=(counter,), name=f"judging-{number}", daemon=True)
            for number, counter in enumerate(counters)
        ]
        for thread in (*self._decoders, *self._workers):
            thread.start()

    @property
    def queued(self) -> int:
        """Images that wait or are being judged."""
        return self._queued

    def submit(self, requests: Sequence[ScoreRequest]) -> list[Future[Judgement]]:
        """Queue the images of one request, all or none; returns a future for each, in order.

        Raises:
            QueueFull: When they do not all fit.
        """
        jobs = [_Job(request) for request in requests]
        with self._lock:
            if self._queued + len(jobs) > self.max_queued:
                raise QueueFull(
                    f"{self._queued} images wait, and {len(jobs)} more are over {self.max_queued}. Try later."
                )
            self._queued += len(jobs)
            self._undecoded += len(jobs)
        for job in jobs:
            self._waiting.put(job)
        return [job.result for job in jobs]

    def close(self) -> None:
        """Finish what is queued and end the threads."""
        for threads, inbox in ((self._decoders, self._waiting), (self._workers, self._decoded)):
            for _ in threads:
                inbox.put(None)
            for thread in threads:
                thread.join()

    def _decode(self) -> None:
        while (job := self._waiting.get()) is not None:
            if not job.result.cancelled():
                job.image = _decoded(job.request.image)
            self._decoded.put(job)
            with self._lock:
                self._undecoded -= 1

    def _work(self, counter: Counter) -> None:
        while (first := self._decoded.get()) is not None:
            batch = [first]
            ended = self._fill(batch)
            wanted = [job for job in batch if job.result.set_running_or_notify_cancel()]
            began = time.monotonic()
            answers = self._judge(counter, wanted) if wanted else []  # every client may be gone
            with self._lock:  # before anyone is answered: whoever was, finds itself in the metrics
                self._queued -= len(batch)
                self.tally.images += len(wanted)
                self.tally.batches += 1
                self.tally.seconds += time.monotonic() - began
            for job, answer in zip(wanted, answers, strict=True):
                if isinstance(answer, Exception):
                    job.result.set_exception(answer)
                else:
                    job.result.set_result(answer)
            if ended:
                return

    def _fill(self, batch: list[_Job]) -> bool:
        """Add decoded images to a batch; returns whether the pool is closing.

        A batch waits for those that are being decoded, and as long as the pool's ``max_wait`` for others.
        """
        deadline = time.monotonic() + self._max_wait
        while len(batch) < self.batch_size:
            try:
                job = self._decoded.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                if not self._undecoded:
                    return False
                deadline = time.monotonic() + self._max_wait
                continue
            if job is None:
                return True
            batch.append(job)
        return False

    def _judge(self, counter: Counter, jobs: Sequence[_Job]) -> list[Judgement | Exception]:
        images, asked = [job.image for job in jobs], [job.request.prompt for job in jobs]
        try:
            return [*judge(images, asked, counter, batch_size=self.batch_size)]
        except Exception as error:
            if len(jobs) == 1:
                return [error]
            # One bad prompt must not cost its neighbours their answer.
            return [answer for job in jobs for answer in self._judge(counter, [job])]


def _decoded(image: ImageInput) -> ImageInput:
    """Decode an image; one that cannot be read stays as it is, and its judgement says why."""
    try:
        return load_image(image)
    except Exception:  # whatever it is: a decoder that ended would leave its images undone
        return image


def counters_for(spec: str, devices: Sequence[str]) -> list[Counter]:
    """Load one counter a device; the counter's own choice when no device is named.

    Raises:
        BadInput: When a device is named twice.
        CountcheckError: Whatever the counter has against its settings, weights or a device.
    """
    from countcheck.library.judging import load_counter

    if len(set(devices)) != len(devices):
        raise BadInput(f"devices {','.join(devices)} name one twice. Name each once.")
    return [load_counter(spec, device=device) for device in devices] if devices else [load_counter(spec)]
