"""The tables of a run's ledger, and how older ledgers are brought up to date.

Every row holds a checksum of its values, and ``totals`` the number of rows and the sum of the checksums of every table,
kept by triggers: a value that changed on the disk, or a row that is lost, is found when it is read. See
`countcheck.storage.checksums`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from countcheck.storage.checksums import row_checksum
from countcheck.storage.snapshot import SCHEMA_VERSION

metadata = sa.MetaData()


def _checksum() -> sa.Column[int]:
    return sa.Column("checksum", sa.Integer)


facts = sa.Table(
    "facts",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
    _checksum(),
)

# A counting is a counter with its rule: that of the run, or of a recount. The newest complete one holds; a recount that
# was interrupted leaves one that is not complete, and goes on with it.
countings = sa.Table(
    "countings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("counter", sa.String, nullable=False),
    sa.Column("controls", sa.String, nullable=False),
    sa.Column("complete", sa.Boolean, nullable=False, server_default=sa.true()),
    _checksum(),
)

samples = sa.Table(
    "samples",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.String, nullable=False, unique=True),
    sa.Column("generator", sa.String, nullable=False),
    sa.Column("prompt_id", sa.String, nullable=False),
    sa.Column("repeat", sa.Integer, nullable=False),
    sa.Column("seed", sa.Integer, nullable=False),
    sa.Column("talk", sa.Boolean, nullable=False),
    sa.Column("done", sa.Boolean, nullable=False),
    _checksum(),
)

outcomes = sa.Table(
    "outcomes",
    metadata,
    sa.Column("key", sa.ForeignKey("samples.key"), primary_key=True),
    sa.Column("turn", sa.Integer, primary_key=True),
    sa.Column("script", sa.Integer, nullable=False),
    sa.Column("repair", sa.Integer, nullable=False),
    sa.Column("text", sa.String, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("picture", sa.String, nullable=False),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("bytes", sa.Integer),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("cost", sa.Float),
    sa.Column("detail", sa.String, nullable=False),
    _checksum(),
)


def _of_outcome() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("turn", sa.Integer, primary_key=True),
        sa.Column("counting", sa.ForeignKey("countings.id"), primary_key=True),
    )


def _belongs_to_outcome() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["key", "turn"], ["outcomes.key", "outcomes.turn"])


detections = sa.Table(
    "detections",
    metadata,
    *_of_outcome(),
    sa.Column("body", sa.LargeBinary, nullable=False),
    _checksum(),
    _belongs_to_outcome(),
)

verdicts = sa.Table(
    "verdicts",
    metadata,
    *_of_outcome(),
    sa.Column("verdict", sa.String),
    sa.Column("leaning", sa.String),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("counted", sa.String, nullable=False),
    _checksum(),
    _belongs_to_outcome(),
)

labels = sa.Table(
    "labels",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("turn", sa.Integer, primary_key=True),
    sa.Column("noun", sa.String, primary_key=True),
    sa.Column("labeller", sa.String, primary_key=True),
    sa.Column("count", sa.Integer),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("stratum", sa.String, nullable=False),
    sa.Column("weight", sa.Float, nullable=False),
    _checksum(),
)

# What a person remarked on a picture while labelling.
label_notes = sa.Table(
    "label_notes",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("turn", sa.Integer, primary_key=True),
    sa.Column("labeller", sa.String, primary_key=True),
    sa.Column("text", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    _checksum(),
)

# Outcomes that were paid for, their pictures safely on disk, and that are not counted yet: whole entries as JSON.
uncounted = sa.Table(
    "uncounted",
    metadata,
    sa.Column("key", sa.ForeignKey("samples.key"), primary_key=True),
    sa.Column("turn", sa.Integer, primary_key=True),
    sa.Column("cost", sa.Float),
    sa.Column("body", sa.String, nullable=False),
    _checksum(),
)

# What an unfinished conversation needs to go on; its large parts lie in files. Removed when the conversation is over.
dialogues = sa.Table(
    "dialogues",
    metadata,
    sa.Column("key", sa.ForeignKey("samples.key"), primary_key=True),
    sa.Column("state", sa.String, nullable=False),
    _checksum(),
)


# Batches that were handed in to a service and are not fetched yet; written before they are handed in.
batches = sa.Table(
    "batches",
    metadata,
    sa.Column("token", sa.String, primary_key=True),
    sa.Column("generator", sa.String, nullable=False),
    sa.Column("service_id", sa.String, nullable=False),
    sa.Column("sample_keys", sa.String, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("sent", sa.Boolean, nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    _checksum(),
)


# The number of rows of every table above, and the sum of their checksums.
totals = sa.Table(
    "totals",
    metadata,
    sa.Column("part", sa.String, primary_key=True),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("checksum", sa.Integer, nullable=False),
)

_CHECKED_SINCE_3 = (facts, countings, samples, outcomes, detections, verdicts, labels, uncounted, dialogues)
CHECKED = (*_CHECKED_SINCE_3, batches, label_notes)


def create_tables(connection: sa.Connection) -> None:
    """Make all tables of a new ledger."""
    metadata.create_all(connection)
    _begin_totals(connection, CHECKED)
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _begin_totals(connection: sa.Connection, tables: Sequence[sa.Table]) -> None:
    for table in tables:
        name = table.name
        rows, checksum = connection.execute(
            sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(table.c.checksum), 0))
        ).one()
        connection.execute(sa.insert(totals).values(part=name, rows=rows, checksum=checksum))
        for event, rows_change, sum_change in (
            ("INSERT", "+ 1", "+ NEW.checksum"),
            ("DELETE", "- 1", "- OLD.checksum"),
            ("UPDATE", "+ 0", "+ NEW.checksum - OLD.checksum"),
        ):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {name}_{event.lower()} AFTER {event} ON {name} BEGIN UPDATE totals SET "  # noqa: S608 (our own names)
                f"rows = rows {rows_change}, checksum = checksum {sum_change} WHERE part = '{name}'; END"
            )


def _with_dialogues(connection: sa.Connection) -> None:
    connection.exec_driver_sql(
        "CREATE TABLE IF NOT EXISTS uncounted (key VARCHAR NOT NULL REFERENCES samples (key), turn INTEGER NOT NULL, "
        "cost FLOAT, body VARCHAR NOT NULL, PRIMARY KEY (key, turn))"
    )
    connection.exec_driver_sql(
        "CREATE TABLE IF NOT EXISTS dialogues (key VARCHAR NOT NULL PRIMARY KEY REFERENCES samples (key), "
        "state VARCHAR NOT NULL)"
    )


def _with_checksums(connection: sa.Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE countings ADD COLUMN complete BOOLEAN NOT NULL DEFAULT 1")
    connection.exec_driver_sql("ALTER TABLE outcomes ADD COLUMN bytes INTEGER")
    # In a ledger of that version the newest counting was the one that was shown: it stays the default.
    connection.exec_driver_sql(
        "INSERT INTO facts (name, value) SELECT 'default_counting', CAST(MAX(id) AS TEXT) FROM countings "
        "WHERE (SELECT COUNT(*) FROM countings) > 1 GROUP BY 1"
    )
    totals.create(connection)
    for table in _CHECKED_SINCE_3:
        connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN checksum INTEGER")
        _add_checksums(connection, table)
    _begin_totals(connection, _CHECKED_SINCE_3)


def _with_batches(connection: sa.Connection) -> None:
    batches.create(connection)
    _begin_totals(connection, (batches,))


def _with_label_notes(connection: sa.Connection) -> None:
    label_notes.create(connection)
    _begin_totals(connection, (label_notes,))


def _add_checksums(connection: sa.Connection, table: sa.Table) -> None:
    keys = [column.name for column in table.primary_key]
    where = sa.and_(*(table.c[name] == sa.bindparam(f"of_{name}") for name in keys))
    statement = sa.update(table).where(where).values(checksum=sa.bindparam("sum"))
    rows = connection.execute(sa.select(table)).mappings().all()
    sums = [{"sum": row_checksum(table, row), **{f"of_{name}": row[name] for name in keys}} for row in rows]
    if sums:
        connection.execute(statement, sums)


# From version n to n + 1, in one transaction each.
MIGRATIONS: dict[int, Callable[[sa.Connection], None]] = {
    1: _with_dialogues,
    2: _with_checksums,
    3: _with_batches,
    4: _with_label_notes,
}


def migrate(connection: sa.Connection, version: int) -> None:
    """Bring an older ledger up to this program's version, within one transaction."""
    while version < SCHEMA_VERSION:
        MIGRATIONS[version](connection)
        version += 1
        connection.exec_driver_sql(f"PRAGMA user_version = {version}")
