"""The tables of a run's ledger, and how older ledgers are brought up to date."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from countcheck.errors import RunMismatch

SCHEMA_VERSION = 2

metadata = sa.MetaData()

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)

# A counting is a counter with its rule: the first look, or a recount. The newest one speaks.
countings = sa.Table(
    "countings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("counter", sa.String, nullable=False),
    sa.Column("controls", sa.String, nullable=False),
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
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("cost", sa.Float),
    sa.Column("detail", sa.String, nullable=False),
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
)

# Outcomes that were paid for, pictures safely on disk, while nobody has counted them yet: whole entries as JSON.
uncounted = sa.Table(
    "uncounted",
    metadata,
    sa.Column("key", sa.ForeignKey("samples.key"), primary_key=True),
    sa.Column("turn", sa.Integer, primary_key=True),
    sa.Column("cost", sa.Float),
    sa.Column("body", sa.String, nullable=False),
)

# What a conversation under way needs to go on; its large parts lie in files. Gone when the conversation is over.
dialogues = sa.Table(
    "dialogues",
    metadata,
    sa.Column("key", sa.ForeignKey("samples.key"), primary_key=True),
    sa.Column("state", sa.String, nullable=False),
)


def _with_dialogues(connection: sa.Connection) -> None:
    metadata.create_all(connection, tables=[uncounted, dialogues])


# From version n to n + 1, in one transaction each. A new table or column is added here and above.
MIGRATIONS: dict[int, Callable[[sa.Connection], None]] = {1: _with_dialogues}


def open_engine(path: Path) -> sa.Engine:
    """A connection pool on one ledger file: write-ahead log, foreign keys, and patience while another process writes."""
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)), connect_args={"timeout": 30})

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except Exception:  # a read-only folder: reading works without the log
            cursor.execute("PRAGMA query_only = ON")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    return engine


def migrate(engine: sa.Engine, path: Path) -> None:
    """Bring an older ledger up to this program's version. Raises `RunMismatch` for a newer one."""
    with engine.connect() as connection:
        version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        read_only = bool(connection.exec_driver_sql("PRAGMA query_only").scalar_one())
    if version > SCHEMA_VERSION:
        raise RunMismatch(
            f"{path} was written by a newer countcheck (ledger version {version}, this one knows {SCHEMA_VERSION}). "
            "Upgrade countcheck to read it."
        )
    while version < SCHEMA_VERSION:
        if version == 0:
            raise RunMismatch(f"{path} holds no finished ledger. Delete the folder and run again.")
        if read_only:  # what an older ledger has is enough to read it
            return
        with engine.begin() as connection:
            MIGRATIONS[version](connection)
            version += 1
            connection.exec_driver_sql(f"PRAGMA user_version = {version}")
