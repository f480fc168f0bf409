"""On what a net runs: devices, precision, and batches that shrink when the device has no room."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from countcheck.errors import BadSettings, CountcheckError, MissingExtra

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
R = TypeVar("R")
H = TypeVar("H")


class NoRoom(CountcheckError):
    """The device has no memory even for one picture."""

    def __init__(self, name: str, device: object) -> None:
        super().__init__(
            f"{name}: {device} has no memory left for a single picture. "
            "Give a smaller imgsz or precision=fp16, free the device, or count with device=cpu."
        )


def need_torch(feature: str, extra: str = "local") -> None:
    """Raises `MissingExtra` where torch is not installed."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtra(extra, feature=feature) from error


def devices(setting: str, name: str) -> list[torch.device]:
    """The devices a setting names: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``cuda:0,cuda:1`` or ``cuda:all``.

    Raises:
        BadSettings: For a device that this machine does not have.
    """
    import torch

    if setting == "auto":
        if torch.cuda.is_available():
            return [torch.device("cuda", 0)]
        return [torch.device("mps" if torch.backends.mps.is_available() else "cpu")]
    if setting == "cuda:all":
        setting = ",".join(f"cuda:{k}" for k in range(torch.cuda.device_count())) or "cuda"
    found = []
    for word in setting.split(","):
        try:
            device = torch.device(word.strip())
        except RuntimeError as error:
            raise BadSettings(
                f"{name}: device is {word!r}. Give auto, cpu, cuda, cuda:0,cuda:1 or cuda:all."
            ) from error
        if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
            raise BadSettings(
                f"{name}: device is {word!r}, and this machine has {torch.cuda.device_count()} CUDA devices. "
                "Give auto or cpu."
            )
        found.append(device)
    return found


def precision(setting: str, device: torch.device, name: str) -> torch.dtype:
    """The number format a setting names: ``auto`` (fp16 on CUDA, else fp32), ``fp32``, ``fp16`` or ``bf16``."""
    import torch

    known = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
    if setting == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    if setting not in known:
        raise BadSettings(f"{name}: precision is {setting!r}. Give auto, fp32, fp16 or bf16.")
    return known[setting]


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that a device has no memory left."""
    if type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "out of memory" in str(error).lower()


class Batches:
    """Runs work in batches, halves them when the device has no room, and remembers what fitted.

    Args:
        size: Most pictures in a batch.
        name: Of the counter, for the error.
        device: For the error, and to give back what a failed batch held.
    """

    def __init__(self, size: int, *, name: str, device: torch.device | str = "cpu") -> None:
        if size < 1:
            raise BadSettings(f"{name}: batch is {size}. Give 1 or more.")
        self.size, self.name, self.device = size, name, device

    def run(
        self, items: Sequence[T], launch: Callable[[Sequence[T]], H], collect: Callable[[H], Sequence[R]]
    ) -> Iterator[R]:
        """One result an item, in order.

        ``launch`` starts a batch and may return while the device still works; ``collect`` waits for its results. The
        next batch is launched before the last one is collected, so that the two overlap.

        Raises:
            NoRoom: When a single item does not fit.
        """
        start = 0
        under_way: tuple[int, H] | None = None
        while start < len(items) or under_way is not None:
            launched: tuple[int, H] | None = None
            # Taken once: threads share these batches, and another may halve the size meanwhile.
            part = items[start : start + self.size]
            if part:
                try:
                    launched = (start, launch(part))
                except Exception as error:
                    if not out_of_memory(error):
                        raise
                if launched is None and under_way is None:
                    self._shrink(len(part))
                    continue
            if under_way is not None:
                begun, handle = under_way
                under_way = None
                try:
                    results = list(collect(handle))
                except Exception as error:
                    if not out_of_memory(error):
                        raise
                    # What was launched after it is dropped with it: both are done again, in smaller batches.
                    del handle, launched
                    self._shrink(start - begun)
                    start = begun
                    continue
                del handle
                yield from results
            if launched is not None:
                under_way = launched
                start += len(part)

    def _shrink(self, tried: int) -> None:
        self._release()
        if tried <= 1:
            raise NoRoom(self.name, self.device)
        self.size = max(1, tried // 2)

    def _release(self) -> None:
        if str(self.device).startswith("cuda"):
            import torch

            torch.cuda.empty_cache()


def each(launch: Callable[[Sequence[T]], Sequence[R]]) -> tuple[Callable[[Sequence[T]], Any], Callable[[Any], Any]]:
    """A plain function on batches, as the pair that `Batches.run` takes."""
    return launch, lambda results: results
