"""Scenes: pictures with known counts, drawn by rule from art of our own.

They are the ground truth of self-tests and tests, what the generator ``scenes`` draws, and what the shipped models were
trained on.

    >>> from countcheck.scenes import boxes, compose, render
    >>> scene = compose({"pig": 3, "wolf": 1}, style="noir-rain", seed=7)
    >>> render(scene, 128).shape
    (128, 128, 3)
    >>> sorted(noun for noun, *_ in boxes(scene, 128))
    ['pig', 'pig', 'pig', 'wolf']
"""

from countcheck.scenes.art import NOUNS, PAINTER_NOUNS, VARIANTS
from countcheck.scenes.composition import BACKDROPS, MAX_THINGS, Scene, Thing, compose
from countcheck.scenes.rendering import boxes, render
from countcheck.scenes.styles import STYLES, TRANSFORMS, apply_style

__all__ = [
    "BACKDROPS",
    "MAX_THINGS",
    "NOUNS",
    "PAINTER_NOUNS",
    "STYLES",
    "TRANSFORMS",
    "VARIANTS",
    "Scene",
    "Thing",
    "apply_style",
    "boxes",
    "compose",
    "render",
]
