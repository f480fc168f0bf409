"""Batches that shrink when the device has no memory for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from countcheck.detectors.common.devices import OutOfDeviceMemory, free_cached_memory, is_out_of_memory
from countcheck.errors import BadSettings

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
R = TypeVar("R")
H = TypeVar("H")


class BatchSize:
    """How many items a device takes at once: halved when it has no memory for so many, and remembered.

    Args:
        size: To begin with, 1 or more.
        name: Of the counter or generator, for errors.
        device: Whose memory it is.

    Raises:
        BadSettings: For a size below 1.
    """

    def __init__(self, size: int, *, name: str, device: torch.device | str = "cpu") -> None:
        if size < 1:
            raise BadSettings(f"{name}: batch is {size}. Give 1 or more.")
        self.size, self.name, self.device = size, name, device

    def halve(self, tried: int) -> None:
        """Take half of what was tried from now on, and give back what the failed batch held.

        Raises:
            OutOfDeviceMemory: When a single item was tried.
        """
        free_cached_memory(self.device)
        if tried <= 1:
            raise OutOfDeviceMemory(self.name, self.device)
        self.size = max(1, tried // 2)


class Batches(BatchSize):
    """Runs work in batches whose size fits the device."""

    def run(
        self, items: Sequence[T], launch: Callable[[Sequence[T]], H], collect: Callable[[H], Sequence[R]]
    ) -> Iterator[R]:
        """Compute one result an item, in order.

        ``launch`` starts a batch and may return while the device still works; ``collect`` waits for its results. The
        next batch is launched before the last one is collected, so that the two overlap.

        Raises:
            OutOfDeviceMemory: When a single item does not fit.
        """
        start = 0
        pending: tuple[int, H] | None = None
        while start < len(items) or pending is not None:
            launched: tuple[int, H] | None = None
            # Taken once: threads share these batches, and another may halve the size meanwhile.
            part = items[start : start + self.size]
            if part:
                try:
                    launched = (start, launch(part))
                except Exception as error:
                    if not is_out_of_memory(error):
                        raise
                if launched is None and pending is None:
                    self.halve(len(part))
                    continue
            if pending is not None:
                begun, handle = pending
                pending = None
                try:
                    results = list(collect(handle))
                except Exception as error:
                    if not is_out_of_memory(error):
                        raise
                    # What was launched after it is dropped with it: both are done again, in smaller batches.
                    del handle, launched
                    self.halve(start - begun)
                    start = begun
                    continue
                del handle
                yield from results
            if launched is not None:
                pending = launched
                start += len(part)


def synchronous(
    launch: Callable[[Sequence[T]], Sequence[R]],
) -> tuple[Callable[[Sequence[T]], Any], Callable[[Any], Any]]:
    """Split a plain function on batches into the pair that `Batches.run` takes."""
    return launch, lambda results: results
