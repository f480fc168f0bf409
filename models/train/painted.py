"""Pictures in the painter's own hand for training the counter: ``python -m models.train.painted``.

The painter's decoder draws latents that were written from a layout, so what is there is known. Layouts are spoiled as
the painter spoils them: things faded, grown together, of two kinds at once, off their lattice. Labels follow the rule
in `models.train.pictures`: a thing counts when its noun can be told from what is drawn.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from countcheck.scenes import NOUNS as KNOWN
from countcheck.scenes import STYLES, boxes, compose
from models.train.art import WORK
from models.train.painter_latents import (
    BACKDROPS,
    GRID,
    HORIZON,
    NOUN,
    NOUNS,
    PRESENCE,
    Layout,
    U,
    draw_layout,
    latent_of,
)
from models.train.painter_parts import FULL, Sizes, make_autoencoder
from models.train.painter_prompts import plural
from models.train.pictures import ENOUGH, UNSURE, Labelled

_SOLID = 0.8  # strength from which a faded thing still counts
_GONE = 0.3  # strength below which it is none


def paint(
    number: int,
    work: Path,
    seed: int,
    *,
    batch: int = 32,
    size: int = 128,
    sizes: Sizes = FULL,
    painter: Path | None = None,
) -> list[Labelled]:
    """Draw pictures with the painter's decoder as it is now in ``work``.

    With a ``painter`` (a folder as it is shipped) every latent is first half drowned in noise and brought back by its
    UNet, which leaves the things about where they were and spoils them as it does.
    """
    again = _Redreamer(painter) if painter else None
    decoder = make_autoencoder(**sizes.autoencoder).decoder.eval()
    decoder.load_state_dict(torch.load(work / "decoder" / "average.pt", weights_only=True))
    rng = np.random.default_rng(seed)
    dice = random.Random(f"painted {seed}")
    made: list[Labelled] = []
    while len(made) < number:
        drafts = [_draft(rng, dice) for _ in range(batch)]
        latents = torch.from_numpy(np.stack([latent for latent, _ in drafts]))
        noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(dice.getrandbits(32)))
        with torch.inference_mode():
            if again:
                latents = again.dream(
                    latents, noise, [_asked(things) for _, things in drafts], dice.choice((3, 4, 5, 6))
                )
            else:
                latents = latents + noise * dice.choice((0.0, 0.05, 0.1, 0.2))
            drawn = decoder(latents)
        if again:
            kept = [_reread(things, latent) for (_, things), latent in zip(drafts, latents.numpy(), strict=True)]
        else:
            kept = [True] * len(drafts)
        pixels = ((drawn + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
        made += [
            _labelled(one, things, size) for one, (_, things), keep in zip(pixels, drafts, kept, strict=True) if keep
        ]
    return made[:number]


class _Redreamer:
    """The last steps of the shipped painter, from latents that are given."""

    def __init__(self, folder: Path) -> None:
        from diffusers import StableDiffusionPipeline

        self._pipeline = StableDiffusionPipeline.from_pretrained(folder)

    def dream(self, latents: torch.Tensor, noise: torch.Tensor, texts: list[str], steps: int) -> torch.Tensor:
        """Noise the latents and take the last ``steps`` of ten steps back."""
        words, _ = self._pipeline.encode_prompt(texts, "cpu", 1, do_classifier_free_guidance=False)
        scheduler = self._pipeline.scheduler
        scheduler.set_timesteps(10)
        times = scheduler.timesteps[-steps:]
        latents = scheduler.add_noise(latents, noise, times[:1])
        for time in times:
            guess = self._pipeline.unet(latents, time, encoder_hidden_states=words).sample
            latents = scheduler.step(guess, time, latents).prev_sample
        return latents


class _Drawn:
    """One thing of a layout: its box in shares of the side, its noun, and how much of it can be told."""

    __slots__ = ("box", "noun", "told")

    def __init__(self, noun: str, x: float, y: float, size: float, told: float) -> None:
        shape = _shape(noun)
        self.box = (x - size * shape[0] / 2, y - size * shape[1] / 2, x + size * shape[0] / 2, y + size * shape[1] / 2)
        self.noun = KNOWN.index(noun)
        self.told = told


def _reread(things: list[_Drawn], latent: np.ndarray) -> bool:
    """See what became of the things in a latent that was dreamt again; say whether nothing else has come up."""
    grid = (np.arange(latent.shape[1]) + 0.5) / latent.shape[1]
    free = np.ones(latent.shape[1:], dtype=bool)
    for thing in things:
        x1, y1, x2, y2 = thing.box
        x, y, wide, tall = (x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / 2 + 0.06, (y2 - y1) / 2 + 0.06
        inside = (np.abs(grid[None, :] - x) < wide) & (np.abs(grid[:, None] - y) < tall)
        free &= ~inside
        heart = (np.abs(grid[None, :] - x) < max(wide / 2, 0.05)) & (np.abs(grid[:, None] - y) < max(tall / 2, 0.05))
        there = float(latent[PRESENCE, heart].mean())
        code = code_of(KNOWN[thing.noun])
        alike = float((latent[NOUN : NOUN + len(code), heart].mean(axis=1) * code).mean())
        if there < -0.4:
            thing.told = 0.0
        elif there < 0.3 or alike < 0.45:
            thing.told = min(thing.told, (ENOUGH + UNSURE) / 2)
    return int((latent[PRESENCE][free] > 0).sum()) <= 1


def code_of(noun: str) -> np.ndarray:
    """The signs by which the painter's latents tell a noun."""
    alone = Layout(things=((noun, 0.5, 0.5, 0.5),), style=STYLES[0], backdrop=BACKDROPS[0], horizon=0.3)
    middle = latent_of(alone)[:, GRID // 2, GRID // 2]
    return np.sign(middle[NOUN:U])


def _asked(things: list[_Drawn]) -> str:
    """Say what is there, in digits."""
    counts: dict[str, int] = {}
    for thing in things:
        counts[KNOWN[thing.noun]] = counts.get(KNOWN[thing.noun], 0) + 1
    return " and ".join(f"{n} {noun if n == 1 else plural(noun)}" for noun, n in counts.items())


def _shape(noun: str) -> tuple[float, float]:
    """Width and height of a noun's drawing, the longer being 1."""
    if noun not in _SHAPES:
        ((_, x1, y1, x2, y2),) = boxes(compose({noun: 1}, seed=0), 256)
        longer = max(x2 - x1, y2 - y1)
        _SHAPES[noun] = ((x2 - x1) / longer, (y2 - y1) / longer)
    return _SHAPES[noun]


_SHAPES: dict[str, tuple[float, float]] = {}


def _draft(rng: np.random.Generator, dice: random.Random) -> tuple[np.ndarray, list[_Drawn]]:
    """A latent, spoiled or not, and what it shows."""
    style = dice.choice(STYLES)
    kinds = dice.sample(NOUNS, dice.choice((1, 1, 1, 2, 2, 3)))
    total = dice.choice((0, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 8, 9, 10))
    if dice.random() < 0.5:
        counts = [(noun, total // len(kinds) + (k < total % len(kinds))) for k, noun in enumerate(kinds)]
        layout = draw_layout(rng, counts, style)
    else:
        layout = _crowd(dice, kinds, total, style)
    told = _visible(layout)
    latent = latent_of(layout)
    for k, (_, x, y, size) in enumerate(layout.things):
        if dice.random() < 0.12:
            strength = dice.choice((0.1, 0.2, 0.5, 0.7, 0.85, 0.92))
            _fade(latent, x, y, size, strength)
            told[k] = told[k] if strength > _SOLID else 0.0 if strength < _GONE else min(told[k], (ENOUGH + UNSURE) / 2)
    return latent, [_Drawn(*thing, share) for thing, share in zip(layout.things, told, strict=True)]


def _crowd(dice: random.Random, kinds: list[str], total: int, style: str) -> Layout:
    """Things anywhere, of sizes between the painter's, some reaching into each other."""
    side = dice.uniform(0.2, 0.42) if total > 3 else dice.uniform(0.25, 0.5)
    things: list[tuple[str, float, float, float]] = []
    for _ in range(total):
        size = side * dice.uniform(0.9, 1.1)
        for _ in range(20):
            x, y = dice.uniform(size * 0.5, 1 - size * 0.5), dice.uniform(size * 0.5, 1 - size * 0.5)
            near = min((max(abs(x - a), abs(y - b)) / max(size, s) for _, a, b, s in things), default=9.0)
            if near > dice.choice((0.45, 0.7, 0.9, 1.0)):
                things.append((dice.choice(kinds), x, y, size))
                break
    return Layout(
        things=tuple(things), style=style, backdrop=dice.choice(BACKDROPS), horizon=dice.choice((6, 7, 8)) / 24
    )


def _visible(layout: Layout) -> list[float]:
    """The share of every thing that the latent gives to it: where two meet, each cell goes to the nearer."""
    grid = (np.arange(96) + 0.5) / 96
    cx, cy = np.meshgrid(grid, grid)
    depths = [0.5 * s - np.maximum(np.abs(cx - x), np.abs(cy - y)) for _, x, y, s in layout.things]
    if not depths:
        return []
    owner = np.argmax(depths, axis=0)
    return [float(((owner == k) & (depth > 0)).sum() / max(1, (depth > 0).sum())) for k, depth in enumerate(depths)]


def _fade(latent: np.ndarray, x: float, y: float, size: float, strength: float) -> None:
    """Weaken what the latent says of one thing."""
    grid = (np.arange(latent.shape[1]) + 0.5) / latent.shape[1]
    inside = (np.abs(grid[None, :] - x) < size * 0.55) & (np.abs(grid[:, None] - y) < size * 0.55)
    latent[PRESENCE, inside] = (latent[PRESENCE, inside] + 1) * strength - 1
    for channel in range(PRESENCE + 1, HORIZON):
        latent[channel, inside] *= strength


def _labelled(picture: np.ndarray, things: list[_Drawn], size: int) -> Labelled:
    kept = [thing for thing in things if thing.told >= UNSURE]
    return Labelled(
        np.array(Image.fromarray(picture).resize((size, size), Image.Resampling.BILINEAR)),
        np.clip(np.array([thing.box for thing in kept], dtype=np.float32).reshape(-1, 4), 0, 1) * size,
        np.array([thing.noun for thing in kept], dtype=np.int64),
        np.array([thing.told >= ENOUGH for thing in kept], dtype=np.bool_),
    )


def write(pictures: list[Labelled], path: Path) -> None:
    """Keep pictures in one file."""
    np.savez(
        path,
        pixels=np.stack([p.pixels for p in pictures]),
        boxes=np.concatenate([p.boxes for p in pictures]),
        nouns=np.concatenate([p.nouns for p in pictures]),
        sure=np.concatenate([p.sure for p in pictures]),
        number=np.array([len(p.nouns) for p in pictures]),
    )


def read(path: Path) -> list[Labelled]:
    """Give back what `write` kept."""
    with np.load(path) as kept:
        parts = {name: kept[name] for name in kept.files}
    ends = np.cumsum(parts["number"])
    return [
        Labelled(pixels, *(parts[name][end - n : end] for name in ("boxes", "nouns", "sure")))
        for pixels, end, n in zip(parts["pixels"], ends, parts["number"], strict=True)
    ]


def main() -> None:
    """Draw pictures and keep them where the counter's training finds them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--painter", type=Path, default=WORK / "painter", help="the painter's work folder")
    parser.add_argument("--redream", type=Path, help="a painter as it is shipped, whose last steps spoil the latents")
    parser.add_argument("--out", type=Path, default=WORK / "counter" / "painted.npz")
    options = parser.parse_args()
    torch.set_num_threads(1)
    write(paint(options.number, options.painter, options.seed, painter=options.redream), options.out)
    print(f"{options.out}: {options.number} pictures")


if __name__ == "__main__":
    main()
