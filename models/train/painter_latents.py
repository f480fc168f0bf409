"""What the painter's latent says: where things are, what they are, and in which light.

A latent is a 19 x 12 x 12 map written straight from a scene's layout: nobody has to encode a picture to make
training data. The decoder knows what each thing looks like; the UNet learns only where they go.
All values lie in [-1, 1], so the scheduler may clip what the UNet predicts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

GRID = 12
NOUNS = ("pig", "wolf", "cat", "dog", "sheep", "frog", "fish", "car", "apple", "star", "balloon", "umbrella")
STYLES = ("plain", "noir", "rain", "night", "watercolour", "noir-rain")
BACKDROPS = ("meadow", "beach", "street", "room")
SIZES = {
    1: (10, 11, 12),
    2: (8, 9, 10),
    3: (7, 8),
    4: (7, 8),
    5: (6, 7),
    6: (6, 7),
    7: (5, 6),
    8: (5, 6),
    9: (5,),
}
HORIZONS = (6, 7, 8)
# Streaks of rain, two cells long, always in the same cells: (column, row of the upper cell).
STREAKS = tuple((x, y) for x in range(12) for y in range(-1, 12) if (5 * x + y) % 7 == 0 and 0 <= y < 11)
IN_THE_AIR = frozenset({"star", "balloon"})

PRESENCE, NOUN, U, V, SIZE, HORIZON, BACKDROP, STYLE, PLACE, RAIN = 0, 1, 6, 7, 8, 9, 10, 12, 16, 18
CHANNELS = 19

# Sixteen words of five signs, any two at least two signs apart.
_CODES = np.array([[1 - 2 * (i >> b & 1) for b in range(5)] for i in range(32) if i.bit_count() % 2 == 0], np.float32)
_BACKDROP_CODES = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], np.float32)
_STYLE_CODES = {
    style: np.array([1 if word in parts else -1 for word in ("noir", "rain", "night", "watercolour")], np.float32)
    for style, parts in ((s, s.split("-")) for s in STYLES)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Things as (noun, x, y, size) in fractions of the picture's side: the box's centre, and its side."""

    things: tuple[tuple[str, float, float, float], ...]
    style: str
    backdrop: str
    horizon: float


def draw_layout(rng: np.random.Generator, counts: Sequence[tuple[str, int]], style: str) -> Layout:
    """Places `counts` at random on a lattice of half cells, apart from one another, feet on the ground."""
    nouns = [noun for noun, number in counts for _ in range(number)]
    rng.shuffle(nouns)
    sizes = SIZES[min(max(len(nouns), 1), 9)]
    horizon = int(rng.choice(HORIZONS))
    size, gap, tries = int(rng.choice(sizes)), 2, 0
    while True:
        places = _places(rng, nouns, size, gap, horizon)
        if places is not None:
            break
        tries += 1
        if tries % 6 == 0:
            if gap > 1:
                gap -= 1
            elif size > 4:
                size -= 1
            else:
                nouns.pop()
    side = 2 * GRID
    things = tuple((n, x / side, y / side, size / side) for n, (x, y) in zip(nouns, places, strict=True))
    return Layout(things=things, style=style, backdrop=str(rng.choice(BACKDROPS)), horizon=horizon / side)


def _places(
    rng: np.random.Generator, nouns: Sequence[str], size: int, gap: int, horizon: int
) -> list[tuple[float, float]] | None:
    low, high = size / 2 + 0.5, 2 * GRID - size / 2 - 0.5
    spots = np.arange(np.ceil(low), np.floor(high) + 1)
    xs, ys = (a.ravel() for a in np.meshgrid(spots, spots))
    free = np.ones(len(xs), bool)
    places = []
    for noun in nouns:
        allowed = free if noun in IN_THE_AIR else free & (ys + size / 2 >= horizon + 2)
        candidates = np.flatnonzero(allowed)
        if not len(candidates):
            return None
        i = int(rng.choice(candidates))
        places.append((float(xs[i]), float(ys[i])))
        free &= np.maximum(np.abs(xs - xs[i]), np.abs(ys - ys[i])) >= size + gap
    return places


def latent_of(layout: Layout) -> np.ndarray:
    """The latent of a layout: float32 (CHANNELS, GRID, GRID), values in [-1, 1]."""
    centres = (np.arange(GRID, dtype=np.float32) + 0.5) / GRID
    cx, cy = np.meshgrid(centres, centres)
    out = np.zeros((CHANNELS, GRID, GRID), np.float32)
    best = np.zeros((GRID, GRID), np.float32)
    for noun, x, y, size in layout.things:
        u, v = (cx - x) / size, (cy - y) / size
        inside = (0.5 - np.maximum(np.abs(u), np.abs(v))) * size * GRID  # cells from the edge of the box
        here = np.clip(0.75 + inside, 0, 1)
        mine = here > best
        best = np.where(mine, here, best)
        code = _CODES[NOUNS.index(noun)]
        out[NOUN : NOUN + 5] = np.where(mine, code[:, None, None] * here, out[NOUN : NOUN + 5])
        out[U] = np.where(mine, np.clip(1.8 * u * here, -1, 1), out[U])
        out[V] = np.where(mine, np.clip(1.8 * v * here, -1, 1), out[V])
        out[SIZE] = np.where(mine, np.clip((size - 0.31) * 5, -1, 1) * here, out[SIZE])
    out[PRESENCE] = 2 * best - 1
    out[HORIZON] = np.clip((cy - layout.horizon) * 4, -1, 1)
    out[BACKDROP : BACKDROP + 2] = _BACKDROP_CODES[BACKDROPS.index(layout.backdrop)][:, None, None]
    out[STYLE : STYLE + 4] = _STYLE_CODES[layout.style][:, None, None]
    out[PLACE], out[PLACE + 1] = 2 * cx - 1, 2 * cy - 1
    if "rain" in layout.style:
        for column, row in STREAKS:
            out[RAIN, row, column], out[RAIN, row + 1, column] = 1, -1
    return out
