"""What a run writes into its ledger, by SQLAlchemy: a transaction a function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert

from countcheck.storage.checksums import sealed
from countcheck.storage.columns import detection_columns, outcome_columns, sample_columns, set_done, verdict_columns
from countcheck.storage.ledger import Ledger
from countcheck.storage.records import OutcomeRecord
from countcheck.storage.resume import ResumeState
from countcheck.storage.schema import create_tables, facts, outcomes, samples, verdicts
from countcheck.storage.schema import detections as detections_table
from countcheck.storage.stored_json import to_text
from countcheck.suites.samples import Sample


def begin_ledger(ledger: Ledger, record: Mapping[str, Any]) -> None:
    """Make the tables of a new ledger and write its record, together: half a run is none. Raises `DiskFull`."""
    with ledger.writing() as connection:
        create_tables(connection)
        connection.execute(sa.insert(facts), _fact_rows(record))


def write_facts(ledger: Ledger, changes: Mapping[str, Any]) -> None:
    """Write parts of a run's record; those of the same name are replaced. Raises `DiskFull`."""
    insert = upsert(facts)
    replaced = {name: insert.excluded[name] for name in ("value", "checksum")}
    with ledger.writing() as connection:
        connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=replaced), _fact_rows(changes))


def write_planned(ledger: Ledger, planned: Sequence[Sample]) -> None:
    """Write which samples a run consists of; those already written stay as they are. Raises `DiskFull`."""
    with ledger.writing() as connection:
        connection.execute(upsert(samples).on_conflict_do_nothing(), [sample_columns(sample) for sample in planned])


def write_outcomes(
    ledger: Ledger, resume: ResumeState, entries: Sequence[OutcomeRecord], counting: int, states: Mapping[str, Any]
) -> None:
    """Write outcomes with their detections and verdicts; see `RunFolder.write`. Raises `DiskFull`."""
    packed = resume.pack_states(states, entries)
    found = [detection_columns(e.key, e.turn, counting, e.detections) for e in entries if e.detections is not None]
    judged = [verdict_columns(e, counting) for e in entries if e.verdict is not None]
    closed = [{"k": e.key} for e in entries if e.closes]
    with ledger.writing() as connection:
        connection.execute(sa.insert(outcomes), [outcome_columns(e) for e in entries])
        if found:
            connection.execute(sa.insert(detections_table), found)
        if judged:
            connection.execute(sa.insert(verdicts), judged)
        if closed:
            connection.execute(
                sa.update(samples).where(samples.c.key == sa.bindparam("k")).values(set_done(True)), closed
            )
        resume.write_states(connection, packed)
        resume.remove_uncounted(connection, entries)


def _fact_rows(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [sealed(facts, {"name": name, "value": to_text(value)}) for name, value in values.items()]
