"""Reads people's labels; see `countcheck.storage.label_store` for writing them."""

from __future__ import annotations

from countcheck.storage.rows import Label, LabelNote
from countcheck.storage.snapshot import Snapshot


def read_labels(snapshot: Snapshot, tail: str = "", *values: object) -> list[Label]:
    """Read every label, oldest first.

    Args:
        snapshot: Of the run's ledger.
        tail: A condition in SQL, to read some of them.
        values: For the question marks there.

    Raises:
        DamagedRow: When a label is not what was written, or some are lost.
    """
    snapshot.check_totals("labels")
    return [Label(**row) for row in snapshot.rows("labels", f"{tail} ORDER BY at, key, noun", values)]


def read_notes(snapshot: Snapshot) -> list[LabelNote]:
    """Read every note, oldest first. Raises `DamagedRow` when one is not what was written, or some are lost."""
    snapshot.check_totals("label_notes")
    return [LabelNote(**row) for row in snapshot.rows("label_notes", "ORDER BY at, key")]
