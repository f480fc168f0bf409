"""Trains the painter's UNet and text encoder together: text to latent, without drawing a picture."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.train.painter_latents import STYLES, draw_layout, latent_of
from models.train.painter_parts import (
    FULL,
    Sizes,
    make_scheduler,
    make_text_encoder,
    make_tokenizer,
    make_unet,
)
from models.train.painter_prompts import draw_prompt, styles_drawn
from models.train.training import Length, fresh_dice, train

UNCONDITIONAL = 0.03  # enough for the empty prompt; the painter is not guided


class TextToLatent(nn.Module):
    """The text encoder and the UNet, as one thing to train."""

    def __init__(self, tokenizer_folder: Path, sizes: Sizes = FULL) -> None:
        super().__init__()
        self.tokenizer = make_tokenizer(tokenizer_folder)
        self.text_encoder = make_text_encoder(self.tokenizer)
        self.unet = make_unet(**sizes.unet)

    def forward(self, noisy: torch.Tensor, steps: torch.Tensor, texts: list[str]) -> torch.Tensor:
        """The predicted velocity, shaped like `noisy`."""
        ids = self.tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids
        words = self.text_encoder(ids.to(noisy.device))[0]
        return self.unet(noisy, steps, words).sample


def batch_of(rng: np.random.Generator, size: int) -> tuple[list[str], torch.Tensor]:
    """`size` prompts and a latent for each: float32 (size, channels, 12, 12)."""
    texts, latents = [], []
    for _ in range(size):
        style = styles_drawn(rng, STYLES)
        text, counts = draw_prompt(rng, style)
        latents.append(latent_of(draw_layout(rng, counts, style)))
        texts.append("" if rng.random() < UNCONDITIONAL else text)
    return texts, torch.from_numpy(np.stack(latents))


def train_unet(
    work: Path,
    *,
    length: Length,
    sizes: Sizes = FULL,
    batch: int = 32,
    seed: int = 1,
    device: str = "cpu",
    lr: float = 2e-3,
    matrix_lr: float = 0.015,
) -> list[float]:
    """Trains into `work`/unet and gives the losses as logged."""
    torch.manual_seed(seed)
    network = TextToLatent(work / "tokenizer", sizes).to(device)
    network.unet.to(memory_format=torch.channels_last)
    rng = fresh_dice(seed, work / "unet")
    levels = make_scheduler().alphas_cumprod.to(device)

    def loss_of() -> tuple[torch.Tensor, dict[str, float]]:
        texts, clean = batch_of(rng, batch)
        clean = clean.to(device)
        noise = torch.randn_like(clean)
        # One noise level from each slice of the schedule: less chance, same mean. Half of them from where it is
        # decided what stands where, and how many: at high noise.
        share = (torch.arange(batch) + torch.rand(batch)) / batch
        share = torch.where(torch.arange(batch) % 2 == 0, share, 0.55 + 0.45 * share)
        steps = (share * len(levels)).long().clamp(max=len(levels) - 1).to(device)
        signal, rest = (
            levels[steps].sqrt()[:, None, None, None],
            (1 - levels[steps]).sqrt()[:, None, None, None],
        )
        wanted = signal * noise - rest * clean
        noisy = (signal * clean + rest * noise).to(memory_format=torch.channels_last)
        error = (network(noisy, steps, texts) - wanted).square().mean((1, 2, 3))
        return error.mean(), {"early": float(error[1::2].mean().detach())}

    embeddings = tuple(p for name, p in network.named_parameters() if "embedding" in name and "text_encoder" in name)
    return train(
        network,
        loss_of,
        work=work / "unet",
        length=length,
        lr=lr,
        matrix_lr=matrix_lr,
        not_matrices=embeddings,
        average=0.998,
    )
