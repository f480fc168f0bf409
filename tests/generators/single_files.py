"""Weights of a tiny pipeline in one file: GGUF, and the layout of the first Stable Diffusion checkpoints."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

_WEIGHTS = "diffusion_pytorch_model.safetensors"


def with_noise(pipeline: Path) -> Path:
    """The same pipeline with other weights in its denoiser."""
    weights = load_file(pipeline / "unet" / _WEIGHTS)
    noise = torch.Generator().manual_seed(1)
    weights = {name: value + 0.1 * torch.randn(value.shape, generator=noise) for name, value in weights.items()}
    save_file(weights, pipeline / "unet" / _WEIGHTS, metadata={"format": "pt"})
    return pipeline


def gguf(part: Path, file: Path) -> Path:
    """The part's weights as a GGUF file: linear layers in 8 bits, everything else in 32."""
    from gguf import GGMLQuantizationType, GGUFWriter, quants

    writer = GGUFWriter(str(file), "tiny")
    for name, value in load_file(part / _WEIGHTS).items():
        array = value.numpy()
        if array.ndim == 2 and array.shape[1] % 32 == 0:
            packed = quants.quantize(array, GGMLQuantizationType.Q8_0)
            writer.add_tensor(name, packed, raw_dtype=GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def checkpoint(pipeline: Path, file: Path) -> Path:
    """A tiny Stable Diffusion in one file, under the names that its first checkpoints had."""
    weights = {f"model.diffusion_model.{_old_unet(k)}": v for k, v in load_file(pipeline / "unet" / _WEIGHTS).items()}
    weights |= {f"first_stage_model.{_old_vae(k)}": v for k, v in load_file(pipeline / "vae" / _WEIGHTS).items()}
    for name, value in load_file(pipeline / "text_encoder" / "model.safetensors").items():
        weights[f"cond_stage_model.transformer.text_model.{name.removeprefix('text_model.')}"] = value
    save_file({name: value.contiguous() for name, value in weights.items()}, file)
    return file


def _old_unet(name: str) -> str:
    """A name of the denoiser; its blocks have one layer each."""
    if "resnets" in name:
        for new, old in (
            ("norm1", "in_layers.0"),
            ("conv1", "in_layers.2"),
            ("norm2", "out_layers.0"),
            ("conv2", "out_layers.3"),
            ("time_emb_proj", "emb_layers.1"),
            ("conv_shortcut", "skip_connection"),
        ):
            name = name.replace(new, old)
    for new, old in (
        ("time_embedding.linear_1", "time_embed.0"),
        ("time_embedding.linear_2", "time_embed.2"),
        ("conv_in", "input_blocks.0.0"),
        ("conv_norm_out", "out.0"),
        ("conv_out", "out.2"),
        ("mid_block.resnets.0", "middle_block.0"),
        ("mid_block.attentions.0", "middle_block.1"),
        ("mid_block.resnets.1", "middle_block.2"),
    ):
        name = re.sub(rf"^{re.escape(new)}\b", old, name)
    places = {"resnets": "0", "attentions": "1"}

    def block(match: re.Match[str]) -> str:
        side, number, kind, layer = match[1], int(match[2]), match[3], int(match[4])
        first = 1 if side == "down" else 0
        return f"{'input' if side == 'down' else 'output'}_blocks.{first + 2 * number + layer}.{places[kind]}"

    name = re.sub(r"^(down|up)_blocks\.(\d+)\.(resnets|attentions)\.(\d+)", block, name)
    name = re.sub(
        r"^down_blocks\.(\d+)\.downsamplers\.0\.conv", lambda m: f"input_blocks.{2 + 2 * int(m[1])}.0.op", name
    )
    # The upsampler stands after the attention, where its block has one: the first block of the tiny model has.
    return re.sub(
        r"^up_blocks\.(\d+)\.upsamplers\.0\.conv", lambda m: f"output_blocks.{1 + 2 * int(m[1])}.2.conv", name
    )


def _old_vae(name: str) -> str:
    for new, old in (("conv_norm_out", "norm_out"), ("conv_shortcut", "nin_shortcut")):
        name = name.replace(new, old)
    if "attentions" in name:
        for new, old in (("group_norm", "norm"), ("to_out.0", "proj_out"), ("to_", "")):
            name = name.replace(new, old)
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    name = name.replace("mid_block.attentions.0", "mid.attn_1")
    name = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets", lambda m: f"up.{1 - int(m[1])}.block", name)
    return re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{1 - int(m[1])}.upsample", name)
