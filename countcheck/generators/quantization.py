"""Weights in fewer bits, by diffusers' and transformers' own configurations: ``quantize=nf4``, ``int8`` or ``fp8``."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from countcheck.errors import BadSettings, MissingExtra

try:
    import torch
except ImportError as error:
    raise MissingExtra("local", feature="quantisation") from error

# Each kind's package: what it is imported as.
KINDS = {"nf4": "bitsandbytes", "int8": "torchao", "fp8": "torchao"}
"""The kinds of quantisation, each with the package that it needs."""
# The parts of a pipeline that are large: what removes the noise, and what reads the prompt. A VAE in few bits shows.
_LARGE = ("transformer", "unet", "prior", "text_encoder")


def check_quantization(kind: str | None, name: str) -> None:
    """Check that a kind of quantisation is known, and can be used on this machine.

    Args:
        kind: As the user wrote it; ``None`` for none.
        name: The generator's, for the error.

    Raises:
        BadSettings: If it is not known, its package is missing, or it needs a CUDA device and there is none.
    """
    if kind is None:
        return
    package = KINDS.get(str(kind))
    if package is None:
        raise BadSettings(f"{name}: quantize is {kind!r}. Choose from {', '.join(KINDS)}.")
    if find_spec(package) is None:
        raise BadSettings(
            f"{name}: quantize={kind} needs the package {package}, which is not installed. "
            "Install it with: pip install 'countcheck[quantize]'"
        )
    if package == "bitsandbytes" and not torch.cuda.is_available():
        others = ", ".join(other for other, needs in KINDS.items() if needs != package)
        raise BadSettings(f"{name}: quantize={kind} needs a CUDA device, and there is none. Choose from {others}.")


def pipeline_quantization(kind: str, index: Mapping[str, Any], dtype: torch.dtype, name: str) -> Any:
    """Return the configuration that a diffusers pipeline is quantised with: its denoiser and its text encoders.

    Args:
        kind: One of `KINDS`.
        index: The pipeline's ``model_index.json``.
        dtype: In which the quantised layers compute.
        name: The generator's, for the error.

    Raises:
        BadSettings: If the kind cannot be used, or the pipeline has no part to quantise.
    """
    from diffusers import PipelineQuantizationConfig

    check_quantization(kind, name)
    parts = {
        part: _config(kind, str(entry[0]), dtype)
        for part, entry in index.items()
        if part.startswith(_LARGE) and _is_network(entry)
    }
    if not parts:
        raise BadSettings(f"{name}: this pipeline has no part that can be quantised. Leave quantize out.")
    return PipelineQuantizationConfig(quant_mapping=parts)


def model_quantization(kind: str, dtype: torch.dtype, name: str, *, library: str = "transformers") -> Any:
    """Return the configuration that one model is quantised with.

    Args:
        kind: One of `KINDS`.
        dtype: In which the quantised layers compute.
        name: The generator's, for the error.
        library: The model's: ``diffusers`` or ``transformers``.

    Raises:
        BadSettings: If the kind cannot be used.
    """
    check_quantization(kind, name)
    return _config(kind, library, dtype)


def _is_network(entry: Any) -> bool:
    """Whether an entry of an index, library and class, is a network: no tokenizer, no scheduler."""
    if not isinstance(entry, list) or entry[0] not in ("diffusers", "transformers"):
        return False
    kind = getattr(importlib.import_module(entry[0]), str(entry[1]), None)
    return isinstance(kind, type) and issubclass(kind, torch.nn.Module)


def _config(kind: str, library: str, dtype: torch.dtype) -> Any:
    if library == "diffusers":
        import diffusers as home
    else:
        import transformers as home
    if kind == "nf4":
        return home.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
    from torchao.quantization import Float8WeightOnlyConfig, Int8WeightOnlyConfig

    return home.TorchAoConfig(Int8WeightOnlyConfig() if kind == "int8" else Float8WeightOnlyConfig())
