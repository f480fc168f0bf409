import pytest
import torch

from countcheck.detectors.common.devices import is_out_of_memory, resolve_devices, resolve_dtype
from countcheck.errors import BadSettings


@pytest.mark.parametrize("setting", ["cuda:99", "gpu please"])
def test_a_device_that_is_not_there_is_named(setting):
    with pytest.raises(BadSettings, match="device is"):
        resolve_devices(setting, "counter")


def test_precision_follows_the_device():
    assert resolve_dtype("auto", torch.device("cpu"), "c") is torch.float32
    assert resolve_dtype("auto", torch.device("cuda"), "c") is torch.float16
    with pytest.raises(BadSettings, match="fp8"):
        resolve_dtype("fp8", torch.device("cpu"), "c")


def test_bf16_is_preferred_where_it_is_asked_for_and_there(monkeypatch):
    cuda = torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert resolve_dtype("auto", cuda, "g", prefer_bf16=True) is torch.bfloat16
    assert resolve_dtype("auto", cuda, "g") is torch.float16
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    assert resolve_dtype("auto", cuda, "g", prefer_bf16=True) is torch.float16


def test_auto_takes_the_cpu_where_nothing_else_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_devices("auto", "c") == [torch.device("mps")]
    assert resolve_devices("auto", "c", mps=False) == [torch.device("cpu")]


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("shapes do not fit"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_a_device_without_memory_is_told_from_other_errors(error, memory):
    assert is_out_of_memory(error) is memory
