"""Trains the painter's autoencoder: the decoder from latents to pictures, then the encoder back."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.train.painter_latents import NOUNS, STYLES, Layout, draw_layout, latent_of
from models.train.painter_parts import FULL, PIXELS, Sizes, make_autoencoder
from models.train.painter_pictures import picture_of, things_of
from models.train.training import Length, fresh_dice, train

NOISE = 0.06


def draw_busy_layout(rng: np.random.Generator) -> Layout:
    """A layout of any kinds mixed, each size about as often: more to learn from in each picture."""
    number = int(rng.choice(10, p=[0.02, 0.16, 0.14, 0.12, 0.1, 0.1, 0.09, 0.09, 0.09, 0.09]))
    names = rng.choice(NOUNS, number)
    return draw_layout(rng, [(str(name), 1) for name in names], str(rng.choice(STYLES)))


def batch_of(rng: np.random.Generator, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Latents, pictures in [-1, 1] and the weight of each pixel (size, 1, pixels, pixels)."""
    layouts = [draw_busy_layout(rng) for _ in range(size)]
    latents = torch.from_numpy(np.stack([latent_of(layout) for layout in layouts]))
    pictures = torch.from_numpy(
        np.stack([picture_of(layout, PIXELS, int(rng.integers(2**31))) for layout in layouts])
    ).permute(0, 3, 1, 2)
    things = torch.from_numpy(np.stack([things_of(layout, PIXELS) for layout in layouts]))[:, None].float()
    return latents, pictures.float() / 127.5 - 1, 0.5 + 1.5 * things


def difference(drawn: torch.Tensor, wanted: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Weighted mean absolute error of the pixels, and of their differences to the right and downwards."""
    loss = ((drawn - wanted).abs() * weight).mean() / weight.mean()
    for axis in (2, 3):
        edges = (drawn.diff(dim=axis) - wanted.diff(dim=axis)).abs()
        loss = loss + 0.5 * (edges * weight.narrow(axis, 1, PIXELS - 1)).mean() / weight.mean()
    return loss


def train_decoder(
    work: Path,
    *,
    length: Length,
    sizes: Sizes = FULL,
    batch: int = 12,
    seed: int = 2,
    device: str = "cpu",
    lr: float = 2e-3,
    matrix_lr: float = 0.01,
) -> list[float]:
    """Trains into `work`/decoder and gives the losses as logged."""
    torch.manual_seed(seed)
    autoencoder = make_autoencoder(**sizes.autoencoder)
    network = autoencoder.decoder.to(device, memory_format=torch.channels_last)
    rng = fresh_dice(seed, work / "decoder")

    def loss_of() -> tuple[torch.Tensor, dict[str, float]]:
        latents, pictures, weight = (part.to(device) for part in batch_of(rng, batch))
        noise = torch.randn_like(latents) * NOISE * torch.rand(batch, 1, 1, 1, device=device)
        drawn = network((latents + noise).to(memory_format=torch.channels_last))
        error = (drawn - pictures).detach()
        return difference(drawn, pictures, weight), {
            "l1": float(error.abs().mean()),
            "things": float((error.abs() * (weight > 1)).mean() / (weight > 1).float().mean()),
        }

    return train(network, loss_of, work=work / "decoder", length=length, lr=lr, matrix_lr=matrix_lr)


def train_encoder(
    work: Path,
    *,
    length: Length,
    sizes: Sizes = FULL,
    batch: int = 8,
    seed: int = 3,
    device: str = "cpu",
    lr: float = 2e-3,
) -> list[float]:
    """Trains into `work`/encoder: pictures of the scenes back to the latents they were drawn from."""
    torch.manual_seed(seed)
    autoencoder = make_autoencoder(**sizes.autoencoder)
    network: nn.Module = autoencoder.encoder.to(device, memory_format=torch.channels_last)
    rng = fresh_dice(seed, work / "encoder")

    def loss_of() -> tuple[torch.Tensor, dict[str, float]]:
        latents, pictures, _ = (part.to(device) for part in batch_of(rng, batch))
        mean, spread = network(pictures.to(memory_format=torch.channels_last)).chunk(2, dim=1)
        # the spread is held near exp(-6), so that a sampled latent is nearly the mean
        error = (mean - latents).square().mean()
        return error + 1e-2 * (spread + 6).square().mean(), {"error": float(error.detach())}

    return train(network, loss_of, work=work / "encoder", length=length, lr=lr, matrix_lr=0.01)
