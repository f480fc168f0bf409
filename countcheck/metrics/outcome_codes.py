"""Outcome codes: how each sample ended, in one letter. A summary keeps them, so that a later run pairs with it.

Rates are sets of codes over sets of codes; see `countcheck.metrics.rates`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from countcheck.counting.verdict import Kind

Bools: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]

CODES = "eoumxr?fR-.,;"
"""All codes. The verdicts in the order of `KINDS` (exact, over, under, missing, mixed, refused, uncertain, failed); ``R`` for
a refusal for no clear reason; ``-`` for a sample that was not made. Where nothing was to be counted: ``.`` for a picture,
``,`` for a refusal and ``;`` for one for no clear reason."""

KINDS: tuple[Kind, ...] = tuple(Kind)
"""Verdict of each of the first codes."""

JUDGED = "eoumx"
"""Pictures that the counter judged for sure."""
DRAWN = JUDGED + "?"
"""Pictures of prompts with something to count."""
COUNTED = DRAWN + "rR"
"""Pictures and refusals of prompts with something to count."""
ASKED = COUNTED + ".,;"
"""Every picture and refusal."""
ANY = CODES
"""Every planned sample."""
NOT_MADE = "-"


@lru_cache(maxsize=64)
def code_mask(codes: str) -> Bools:
    """Return for each of `CODES` whether it is among these; index it by a sample's code.

    >>> CODES[0], bool(code_mask("eo")[0]), bool(code_mask("eo")[2])
    ('e', True, False)
    """
    return np.array([code in codes for code in CODES], np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampleCodes:
    """How n samples of one generator in one run ended.

    Attributes:
        prompts: The k prompt ids.
        prompt: (n,) which of them, 0 to k - 1.
        repeat: (n,) which try of the prompt, from 0.
        code: (n,) index into `CODES`.
    """

    prompts: tuple[str, ...]
    prompt: Ints
    repeat: Ints
    code: Ints

    def __len__(self) -> int:
        return len(self.prompt)

    def among(self, codes: str) -> Bools:
        """Return (n,) whether each sample ended as one of these codes."""
        return code_mask(codes)[self.code]

    @property
    def scored(self) -> Bools:
        """(n,) samples that ended in a picture or a refusal."""
        return self.among(ASKED)

    def to_letters(self) -> dict[str, str]:
        """Return prompt id to one letter a repeat; repeats that are absent become ``-``.

        >>> SampleCodes.from_letters({"p1": "e-u"}).to_letters()
        {'p1': 'e-u'}
        """
        letters: dict[str, dict[int, str]] = {}
        for prompt, repeat, code in zip(self.prompt.tolist(), self.repeat.tolist(), self.code.tolist(), strict=True):
            letters.setdefault(self.prompts[prompt], {})[repeat] = CODES[code]
        return {
            name: "".join(own.get(repeat, NOT_MADE) for repeat in range(max(own) + 1)) for name, own in letters.items()
        }

    @classmethod
    def from_letters(cls, samples: Mapping[str, str]) -> Self:
        """Read what `to_letters` wrote.

        Raises:
            ValueError: If a letter is not one of `CODES`.
        """
        letters = "".join(samples.values())
        lengths = np.array([len(own) for own in samples.values()], np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(lengths) else lengths
        return cls(
            prompts=tuple(samples),
            prompt=np.repeat(np.arange(len(lengths)), lengths),
            repeat=np.arange(len(letters)) - np.repeat(starts, lengths),
            code=np.array([CODES.index(letter) for letter in letters], np.int64),
        )
