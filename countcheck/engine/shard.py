"""A part of a run: every N-th prompt with all its repeats, so that N machines make one run without talking.

>>> shard = Shard.parse("2/4")
>>> [place for place in range(10) if shard.holds(place)]
[1, 5, 9]
>>> str(shard), shard_path(Path("runs/pigs"), shard).name
('2/4', 'pigs-shard-2-of-4')
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from countcheck.errors import BadSettings

# Environment variables that launchers set: the place of this process, from 0, and the number of processes.
LAUNCHERS = (("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"), ("SLURM_PROCID", "SLURM_NTASKS"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One part of a run.

    Attributes:
        index: Which part, from 1.
        count: Number of parts, 1 or more.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise BadSettings(
                f"--shard {self.index}/{self.count} is no part of a run. Write I/N with I from 1 to N, as in --shard 2/4."
            )

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``I/N``.

        Raises:
            BadSettings: When it is not two whole numbers with I from 1 to N.
        """
        match = re.fullmatch(r"\s*(\d{1,9})\s*/\s*(\d{1,9})\s*", text, re.ASCII)
        if match is None:
            raise BadSettings(f"--shard {text[:60]!r} is no part of a run. Write I/N, as in --shard 2/4.")
        return cls(index=int(match[1]), count=int(match[2]))

    def holds(self, place: int) -> bool:
        """Tell whether a prompt belongs to this part; ``place`` is its place in the suite, from 0."""
        return place % self.count == self.index - 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def shard_from_environment(environment: Mapping[str, str]) -> tuple[Shard, str] | None:
    """Return the part that torchrun or SLURM gives this process, and the variables that say so.

    ``None`` when no launcher runs, or it runs one process.

    >>> shard_from_environment({"RANK": "1", "WORLD_SIZE": "4"})
    (Shard(index=2, count=4), 'RANK=1, WORLD_SIZE=4')
    """
    for rank_name, size_name in LAUNCHERS:
        rank, size = environment.get(rank_name, ""), environment.get(size_name, "")
        if rank.isdecimal() and size.isdecimal() and int(rank) < int(size):
            if int(size) == 1:
                return None
            return Shard(index=int(rank) + 1, count=int(size)), f"{rank_name}={rank}, {size_name}={size}"
    return None


def shard_path(path: Path, shard: Shard) -> Path:
    """Return the folder of one part of the run that would lie at ``path``."""
    return path.with_name(f"{path.name}-shard-{shard.index}-of-{shard.count}")
