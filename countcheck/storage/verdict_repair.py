"""Replaces the verdicts of a ledger in which some are damaged: they are derived from outcomes and detections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from countcheck.storage.checksums import check_row
from countcheck.storage.columns import verdict_columns
from countcheck.storage.ledger import Ledger
from countcheck.storage.prompt_fields import PromptFields
from countcheck.storage.records import VerdictRecord
from countcheck.storage.schema import countings, outcomes, samples, totals, verdicts
from countcheck.suites.suite import Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOutcome:
    """An outcome without its verdict, with what was asked.

    Attributes:
        key, turn: Which sample, and which turn of its conversation.
        outcome: ``picture``, ``refusal`` or ``failure``.
        detail: What the ledger keeps of it beside its columns.
        asked: Targets and tags of its prompt or turn.
    """

    key: str
    turn: int
    outcome: str
    detail: Mapping[str, Any]
    asked: PromptFields


def stored_outcomes(ledger: Ledger, suite: Suite) -> list[StoredOutcome]:
    """Read all outcomes of a run, leaving the verdicts alone.

    Raises:
        BadInput: When samples, outcomes or countings are damaged: verdicts cannot be derived from those.
    """
    asked = {each.id: each for each in suite.asked}
    with ledger.reading() as connection:
        ledger.check_total(connection, samples, outcomes, countings)
        prompt = {row.key: row.prompt_id for row in connection.execute(sa.select(samples.c.key, samples.c.prompt_id))}
        result = []
        for row in connection.execute(sa.select(outcomes).order_by(outcomes.c.key, outcomes.c.turn)):
            check_row(outcomes, row)
            fields = PromptFields.of(asked[prompt[row.key]], row.script)
            result.append(
                StoredOutcome(
                    key=row.key, turn=row.turn, outcome=row.outcome, detail=orjson.loads(row.detail), asked=fields
                )
            )
        return result


def replace_verdicts(ledger: Ledger, judged: Iterable[tuple[int, VerdictRecord]]) -> int:
    """Replace all verdicts, each given with the id of its counting, in one transaction; return how many there are.

    Raises:
        DiskFull: When there is no room; the old ones stay then.
    """
    rows = [verdict_columns(record, counting) for counting, record in judged]
    with ledger.writing() as connection:
        connection.execute(sa.delete(verdicts))
        # The old total may be wrong, and the trigger has taken damaged checksums from it.
        connection.execute(sa.update(totals).where(totals.c.part == "verdicts").values(rows=0, checksum=0))
        if rows:
            connection.execute(sa.insert(verdicts), rows)
    return len(rows)
