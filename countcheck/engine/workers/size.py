"""How many workers a run has, and what each takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from countcheck.errors import BadSettings

_WORKERS = re.compile(r"(\d+)(?:-(\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSize:
    """How many workers a pool has.

    Attributes:
        lowest: That are kept, 1 or more.
        highest: Most at a time.
        needs: What one worker needs, in words, for when none starts.
    """

    lowest: int
    highest: int
    needs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerCount:
    """How many workers a run has on a cluster, and what each takes of it.

    Attributes:
        lowest: Workers of a model that are kept, 1 or more; ``None`` for what suits the cluster.
        highest: Most workers of a model; the cluster may grow until they all have room. ``None`` for ``lowest``.
        gpus: GPUs of each, 0 or more, a share of one too; ``None`` for one where the cluster has any.
    """

    lowest: int | None = None
    highest: int | None = None
    gpus: float | None = None

    @classmethod
    def parse(cls, workers: str = "", gpus: float | None = None) -> WorkerCount:
        """Read ``--workers N`` or ``MIN-MAX``, and ``--gpus-per-worker``.

        Raises:
            BadSettings: When they are no such numbers.

        >>> WorkerCount.parse("2-8").highest
        8
        """
        if gpus is not None and (gpus < 0 or (gpus > 1 and gpus != int(gpus))):
            raise BadSettings(f"--gpus-per-worker {gpus:g} is no number of GPUs. Give 2, 1 or 0.5.")
        if not workers:
            return cls(gpus=gpus)
        match = _WORKERS.fullmatch(workers.strip())
        lowest = int(match[1]) if match else 0
        highest = int(match[2] or match[1]) if match else 0
        if not 1 <= lowest <= highest:
            raise BadSettings(
                f"--workers {workers!r} is no number of workers. Write N, or MIN-MAX as in --workers 2-8."
            )
        return cls(lowest=lowest, highest=highest, gpus=gpus)
