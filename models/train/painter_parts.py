"""The painter's parts, all standard classes: tokenizer, text encoder, UNet, autoencoder, scheduler."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from models.train.painter_latents import CHANNELS, GRID
from models.train.painter_prompts import vocabulary

PIXELS = 96
TEXT_WIDTH = 128
LENGTH = 40
START, END = "<|startoftext|>", "<|endoftext|>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What differs from the shipped painter's settings."""

    unet: Mapping[str, Any] = field(default_factory=dict)
    autoencoder: Mapping[str, Any] = field(default_factory=dict)


FULL = Sizes()
# Too small to be any good: shows in seconds that training works.
SMALL = Sizes(
    unet={"block_out_channels": (32, 32)},
    autoencoder={"block_out_channels": (8, 8, 16, 32), "norm_num_groups": 4},
)


def learn_merges(words: Sequence[str]) -> list[tuple[str, str]]:
    """Byte-pair merges, the most frequent pair first, until every word is one piece.

    Ties go by the alphabet, so that the same words always give the same tokens with the same numbers: a trained
    text encoder is worth nothing under another numbering, and the tokenizers library breaks ties by chance.
    """
    split = [[*word[:-1], word[-1] + "</w>"] for word in sorted(set(words))]
    merges = []
    while pairs := Counter(pair for pieces in split for pair in pairwise(pieces)):
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for pieces in split:
            at = 0
            while at < len(pieces) - 1:
                if (pieces[at], pieces[at + 1]) == best:
                    pieces[at : at + 2] = ["".join(best)]
                at += 1
    return merges


def make_tokenizer(folder: Path) -> CLIPTokenizer:
    """A CLIP tokenizer that keeps the painter's words whole and spells all others; also put into `folder`."""
    merges = learn_merges(vocabulary())
    letters = sorted(ByteLevel.alphabet())
    tokens = [*letters, *(letter + "</w>" for letter in letters), *map("".join, merges), START, END]
    vocab = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    tokenizer = CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=LENGTH)
    tokenizer.save_pretrained(folder)
    return tokenizer


def make_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Two layers of 128, from scratch."""
    ids = tokenizer.convert_tokens_to_ids([START, END])
    config = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=TEXT_WIDTH, intermediate_size=4 * TEXT_WIDTH,
        projection_dim=TEXT_WIDTH,
        num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=LENGTH, hidden_act="gelu",
        bos_token_id=ids[0], eos_token_id=ids[1], pad_token_id=ids[1],
    )  # fmt: skip
    return CLIPTextModel(config)


def make_unet(**changes: Any) -> UNet2DConditionModel:
    """Text and noise to a latent, at 12 x 12 and 6 x 6."""
    settings: dict[str, Any] = {
        "sample_size": GRID,
        "in_channels": CHANNELS,
        "out_channels": CHANNELS,
        "block_out_channels": (128, 128),
        "layers_per_block": 1,
        "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": TEXT_WIDTH,
        "attention_head_dim": 4,
        "norm_num_groups": 16,
        "addition_embed_type": "text",
        "addition_embed_type_num_heads": 4,
        "encoder_hid_dim": TEXT_WIDTH,
        "encoder_hid_dim_type": None,
    } | changes
    return UNet2DConditionModel(**settings)


def make_autoencoder(**changes: Any) -> AutoencoderKL:
    """Latents to pictures of 96 pixels, and back."""
    settings: dict[str, Any] = {
        "sample_size": PIXELS,
        "latent_channels": CHANNELS,
        "block_out_channels": (16, 32, 64, 128),
        "layers_per_block": 1,
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "norm_num_groups": 8,
        "mid_block_add_attention": False,
        "scaling_factor": 1.0,
        "use_quant_conv": False,
        "use_post_quant_conv": False,
    } | changes
    return AutoencoderKL(**settings)


def make_scheduler() -> DDPMScheduler:
    """Noise until nothing is left (zero terminal SNR), v-prediction, latents clipped to [-1, 1].

    It adds fresh noise at every step. Without (DDIM), things that stood half here and half there in the first
    steps stay so, and the painter draws too many of them, or melts them together.
    """
    return DDPMScheduler(
        num_train_timesteps=1000,
        beta_schedule="squaredcos_cap_v2",
        variance_type="fixed_small",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        steps_offset=1,
        clip_sample=False,
        thresholding=True,
        dynamic_thresholding_ratio=0.995,
        sample_max_value=1.0,
    )
