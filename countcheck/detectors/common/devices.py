"""Which device a network computes on, and in which number format. For detectors and for local generators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from countcheck.errors import BadSettings, CountcheckError, MissingExtra

if TYPE_CHECKING:
    import torch


class OutOfDeviceMemory(CountcheckError):
    """A device that has no memory even for one picture."""

    def __init__(self, name: str, device: object) -> None:
        super().__init__(
            f"{name}: {device} has no memory left for a single picture. "
            "Give a smaller imgsz or precision=fp16, free the device, or count with device=cpu."
        )


def need_torch(feature: str, extra: str = "local") -> None:
    """Check that torch is installed.

    Raises:
        MissingExtra: Where it is not, naming the feature and the extra that installs it.
    """
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtra(extra, feature=feature) from error


def resolve_devices(setting: str, name: str, *, mps: bool = True) -> list[torch.device]:
    """List the devices that a setting names.

    Args:
        setting: ``auto``, ``cpu``, ``cuda``, ``mps``, ``cuda:1``, ``cuda:0,cuda:1`` or ``cuda:all``; ``auto`` is the
            first CUDA device, else MPS, else the CPU.
        name: Of the counter or generator, for the error.
        mps: Whether ``auto`` may choose MPS.

    Raises:
        BadSettings: For a device that this machine does not have.

    >>> resolve_devices("cpu", "tiny")
    [device(type='cpu')]
    """
    import torch

    if setting == "auto":
        if torch.cuda.is_available():
            return [torch.device("cuda", 0)]
        return [torch.device("mps" if mps and torch.backends.mps.is_available() else "cpu")]
    if setting == "cuda:all":
        setting = ",".join(f"cuda:{k}" for k in range(torch.cuda.device_count())) or "cuda"
    devices = []
    for word in setting.split(","):
        try:
            device = torch.device(word.strip())
        except RuntimeError as error:
            raise BadSettings(
                f"{name}: device is {word!r}. Give auto, cpu, cuda, cuda:0,cuda:1 or cuda:all."
            ) from error
        if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
            there = [f"cuda:{k}" for k in range(torch.cuda.device_count())]
            raise BadSettings(
                f"{name}: device is {word!r}, and this machine has {', '.join(there) or 'no CUDA device'}. "
                f"Give {' or '.join([*there[:1], 'cpu'])}."
            )
        devices.append(device)
    return devices


def resolve_dtype(
    setting: str, device: torch.device, name: str, *, key: str = "precision", prefer_bf16: bool = False
) -> torch.dtype:
    """Read the number format that a setting names.

    Args:
        setting: ``fp32``, ``fp16``, ``bf16``, or ``auto``: half precision on CUDA, else fp32.
        device: That it is for.
        name: Of the counter or generator, for the error.
        key: The setting's name, for the error.
        prefer_bf16: Whether ``auto`` is bf16 on a CUDA device that has it, instead of fp16.

    Raises:
        BadSettings: For any other word.
    """
    import torch

    known = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
    if setting == "auto":
        if device.type != "cuda":
            return torch.float32
        return torch.bfloat16 if prefer_bf16 and torch.cuda.is_bf16_supported() else torch.float16
    if setting not in known:
        raise BadSettings(f"{name}: {key} is {setting!r}. Give auto, fp32, fp16 or bf16.")
    return known[setting]


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an exception says that a device has no memory left."""
    if type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "out of memory" in str(error).lower()


def free_cached_memory(device: torch.device | str) -> None:
    """Give back what torch keeps of a CUDA device's memory; nothing for other devices."""
    if str(device).startswith("cuda"):
        import torch

        torch.cuda.empty_cache()
