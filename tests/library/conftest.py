from __future__ import annotations

import pytest

from countcheck.scenes import compose, render


@pytest.fixture(scope="session")
def drawn():
    """Pictures of known counts: ``drawn(pig=3, wolf=1)``; uint8 HWC arrays that `tiny` counts right."""

    def draw(seed: int = 1, size: int = 256, **counts: int):
        return render(compose({noun: n for noun, n in counts.items() if n}, seed=seed), size)

    return draw
